"""What is wrong with a measure: it does not fit what was flagged, is wider than needed, or needs counsel's consent."""

from __future__ import annotations

from typing import Final

from cjp_fraud.catalogues import _

FORMS: Final = (
    _("the measure's kind and scope are not known"),
    _("it is not known what traffic was flagged"),
    _("%(said)s, and nobody said why %(kind)s is needed"),
    _("%(kind)s (%(named)s) %(said)s, and %(kind_2)s is wider"),
    _("the contract asks for the narrowest measure, and %(kinds)s could meet what was seen"),
    _("%(said)s: say why %(kind)s is needed and no narrower one is enough"),
    _("name the measure: for traffic that is not outbound only, none is proposed by itself"),
    _("a measure of %(num)s hours: it is temporary, of whole hours, from 1 to 366 days"),
    _(
        "no traffic by principal was frozen when the case was opened, so nothing shows that principal %(names)s "
        "carried what was flagged"
    ),
    _("%(kind)s must say its channels and directions; the flags are of %(streams)s"),
    _("%(stream)s is restricted and no named flag is of it; the flags are of %(streams)s"),
    _("limits on origins are for inbound floods; outbound traffic has no origin outside"),
    _(
        "%(kind)s would cut off the victim of inbound fraud; limit origins or block destinations, or restrict "
        "outbound alone"
    ),
    _(
        "%(prefix)s inbound would cut off the victim of inbound fraud; name the tenant's own number that was "
        "flooded, or its first %(num)s digits at least"
    ),
    _("%(restricted)s is restricted and was not seen in the flagged intervals"),
    _("%(restricted)s %(name)s is restricted and was not seen in the flagged intervals"),
    _(
        "%(restricted)s %(prefix)s is restricted, and lies in no country that was seen in the flagged intervals: "
        "%(countries)s"
    ),
    _(
        "what is usual at the hours that the measure lasts was not frozen, so nothing shows that %(num)s "
        "contacts an hour let it through; refresh the baseline, or choose another kind"
    ),
    _(
        "the usual level of %(stream)s%(rest)s is not known, so nothing shows that %(num)s contacts an hour let "
        "it through"
    ),
    _(", application %(name)s"),
    _("%(num)s contacts an hour is under the usual level of %(num_2)s; let at least that through"),
    _("%(num)s contacts an hour"),
    # replayed on the frozen traffic
    _("%(said)s, cuts %(num)s%(rest)s usual contacts an hour"),
    _("%(said)s, what it cuts of the usual contacts is not known"),
    _("what it stops is not known"),
    _("stops %(num)s %% of the excess"),
    _(" or more"),
    # scopes
    _("%(kind)s needs %(scope_part)s"),
    _("%(kind)s has no %(scope_part)s; choose the kind that has"),
    _("%(scope_part)s: %(value)s is not one of %(known)s"),
    _("%(scope_part)s names something twice"),
    _("%(scope_part)s holds something that is empty or not plain text"),
    _("destination prefix %(prefix)s must be + and 1 to 15 digits, country code first"),
    _(
        "the ranges of numbers are %(percent)s of all numbers, which is no %(kind)s; name those that the flagged "
        "traffic went to or came from, or choose the kind that restricts the whole channel"
    ),
    _("contacts_per_hour is %(num)s; it must be at least 1"),
    _("there are calls in voice only"),
    _("a limit on the rate ends no call in progress"),
    _("it is not known to which destinations the flagged calls went; keep the calls in progress, or cut all"),
    _("cut_calls_to goes with %(kind)s only"),
    _("calls to %(names)s: name numbers by + and 1 to 15 digits, country code first"),
    _(
        "origin %(value)s is no number range (+37120), network (192.0.2.0/24), domain (example.com) or address "
        "(name@example.com)"
    ),
    _("origin %(value)s is this machine's, a group's or nobody's; name the network outside"),
    _("origin %(value)s is a %(said)s; %(names)s does not come from one"),
    _(
        "the networks are more than a /%(bits)s in all, which is not where a flood comes from; name those that "
        "it came from"
    ),
    _("number range"),
    _("network"),
    _("domain"),
    _("address"),
    # counsel's consent
    _(
        "the address for notices was entered in the last 30 days, and the one before it was erased, so that "
        "nobody can be served there: it needs counsel's consent"
    ),
    _("%(kind)s restricts more than what spiked: it needs counsel's consent"),
    _("the ranges of numbers are as wide as half a world zone or wider: they need counsel's consent"),
    _(
        "nothing on record shows which of the tenant's own numbers were flooded: to block any of them needs "
        "counsel's consent"
    ),
    _("the tenant is marked critical: %(kind)s needs counsel's consent"),
    # narrower measures
    _(
        "%(scope)s is not narrower than %(scope_2)s, which is in force: it must restrict a part of that and "
        "nothing else"
    ),
    _("%(scope)s stops nothing of the excess; lift the measure instead (of a dispute: uphold it)"),
    _("%(scope)s is not narrower than %(scope_2)s"),
    _("say what stays restricted: the kind of measure and its scope"),
    # the remarks of a proposal
    _("the contract lets no measure last longer than %(num)s hours; %(num_2)s were planned"),
    _(
        "of the notice, %(step)s counts only once a carrier or the recipient has said so; the letters state the "
        "latest end beforehand (a week is left for each step by post), and what the word takes longer shortens "
        "the measure"
    ),
    _(
        "the account may have been taken over: every address of the contract is served, by every method at once"
    ),
    _("no out-of-band contact is on record (contracts load: an address of role %(role)s)"),
    _("addresses for %(method)s are not served: this deployment does not serve by it"),
    _("the measure began without prior notice (%(ground)s); the customer is told by %(moment)s; %(said)s"),
    _("overdue: no letter has left"),
    _("due: no letter has left"),
    _("late: the first letter left %(moment)s"),
    _("letters name no legal name of the provider; set CJP_FRAUD_PROVIDER_LEGAL_NAME"),
    _("letters name no contact beside the address that they come from; set CJP_FRAUD_CONTACT"),
    _("the customer's legal name is not on record; give it in the tenants file (name)"),
    # a measure, and a role, with what they are narrowed to
    _("%(scope)s"),
    _("%(role_named)s: %(reach)s"),
)
"""The more particular before the more general: the first that fits says it."""
