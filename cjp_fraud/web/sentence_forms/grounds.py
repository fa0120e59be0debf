"""The catalogue of grounds of a finding of fraud."""

from __future__ import annotations

from typing import Final

from cjp_fraud.catalogues import _

FORMS: Final = (
    _("Calls or messages went to costly numbers from which third parties earn a share."),
    _("Calls or messages went to countries or number ranges to which this traffic does not usually go."),
    _("The traffic ran while, as far as could be seen, none of the customer’s staff was at work on it."),
    _("The access that was used showed signs of use by somebody other than its holder."),
    _(
        "Incoming calls were passed on to outside numbers by call forwarding or transfer, without a conversation "
        "with the customer’s staff."
    ),
    _("Very many calls were broken off before they could be answered, as is done to draw costly calls back."),
    _("Very many short calls were made to ever new numbers, as unlawful automatic diallers make them."),
    _("The access carried calls of third parties, as when calls are resold without permission."),
    _(
        "Incoming calls to numbers that are free for the caller were held without a conversation, at the cost of "
        "the called party."
    ),
    _("Incoming calls occupied lines in such number that other callers could not get through."),
    _(
        "Messages were sent in great number to recipients who had not asked for them or did not use them, as is "
        "done to produce charges."
    ),
    _("Chats, emails or other messages came in great number without a real enquiry in them."),
)
"""The more particular before the more general: the first that fits says it."""
