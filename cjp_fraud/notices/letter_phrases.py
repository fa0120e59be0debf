"""What letters say of grounds, clauses, approvals and ends: phrases in a language, out of its catalogue."""

from __future__ import annotations

from typing import Final

from cjp_fraud.contracts.model import OFFERED_CLAUSE
from cjp_fraud.notices.letter_catalogues import Words, marked, words
from cjp_fraud.notices.letter_facts import Announced, WhyRestored, WhyWithdrawn
from cjp_fraud.notices.letter_moments import moment
from cjp_fraud.notices.letter_words import enumerated

GROUNDS: Final = {
    "costly_destinations": marked(
        "Calls or messages went to costly numbers from which third parties earn a share."
    ),
    "unusual_destinations": marked(
        "Calls or messages went to countries or number ranges to which this traffic does not usually go."
    ),
    "unattended": marked(
        "The traffic ran while, as far as could be seen, none of the customer’s staff was at work on it."
    ),
    "taken_over_access": marked(
        "The access that was used showed signs of use by somebody other than its holder."
    ),
    "forwarded_calls": marked(
        "Incoming calls were passed on to outside numbers by call forwarding or transfer, without a conversation "
        "with the customer’s staff."
    ),
    "call_back_lures": marked(
        "Very many calls were broken off before they could be answered, as is done to draw costly calls back."
    ),
    "automated_calls": marked(
        "Very many short calls were made to ever new numbers, as unlawful automatic diallers make them."
    ),
    "carried_for_others": marked(
        "The access carried calls of third parties, as when calls are resold without permission."
    ),
    "calls_without_conversation": marked(
        "Incoming calls to numbers that are free for the caller were held without a conversation, at the cost of "
        "the called party."
    ),
    "blocked_lines": marked(
        "Incoming calls occupied lines in such number that other callers could not get through."
    ),
    "pumped_messages": marked(
        "Messages were sent in great number to recipients who had not asked for them or did not use them, as is "
        "done to produce charges."
    ),
    "feigned_contacts": marked(
        "Chats, emails or other messages came in great number without a real enquiry in them."
    ),
}
"""Key of each ground (review/grounds.py) → its words."""

_RESTORED: Final = {
    WhyRestored.LAPSED: marked(
        "The restriction ended because its time had run out and nobody had decided to keep it longer."
    ),
    WhyRestored.NOT_APPROVED: marked(
        "The restriction, which one person had ordered because it could not wait, ended because no other person "
        "approved it in time."
    ),
    WhyRestored.DECIDED: marked("The restriction ended because authorised staff of ours decided to lift it."),
    WhyRestored.DISPUTE_UPHELD: marked(
        "The restriction ended because your dispute was decided in your favour."
    ),
}
_WITHDRAWN: Final = {
    WhyWithdrawn.DISPUTE_UPHELD: marked("It is withdrawn because your dispute was decided in your favour."),
}


def ground_in_words(ground: str, language: str = "en") -> str:
    """Return a ground of the catalogue as letters say it.

    Raises
    ------
    KeyError
        If the catalogue has no such ground.
    """
    return words(language).gettext(GROUNDS[ground])


def why_restored(why: WhyRestored, said: Words) -> str:
    """Return why a restriction ended, as a sentence."""
    return said.gettext(_RESTORED[why])


def why_withdrawn(why: WhyWithdrawn, said: Words) -> str:
    """Return why a notice is withdrawn, as a sentence; empty where there is nothing to tell."""
    return said.gettext(_WITHDRAWN[why]) if why in _WITHDRAWN else ""


def may_have_begun(said: Words) -> str:
    """Say that a restriction may have been in force."""
    return said.gettext(
        "The restriction may have been in force for a time before this letter; it is no longer in force."
    )


def simulated_clock(language: str) -> str:
    """Return the line that stands over a letter of a home whose clock is simulated."""
    return words(language).gettext(
        "SIMULATED CLOCK: this letter is part of a trial. Nothing was found, decided or restricted."
    )


def not_sent(language: str) -> str:
    """Return the line that stands over a letter which is only looked at."""
    return words(language).gettext("PREVIEW: this letter has not been sent.")


def approval(unless_approved_by: str | None, language: str) -> str:
    """Say who released a notice of a restriction.

    Parameters
    ----------
    unless_approved_by : moment, as the language writes it, at which a restriction that one person ordered in an
        emergency ends without an approval; None: another person has approved the notice.
    """
    said = words(language)
    if unless_approved_by is None:
        return said.gettext("Another person has approved this notice.")
    return said.gettext(
        "Because it could not wait, one person ordered the restriction alone. It ends by itself on %(until)s, unless "
        "another person has approved it by then.",
        until=unless_approved_by,
    )


def place_in_sequence(number: int, count: int, language: str) -> str:
    """Say which of the notices before a restriction a letter is, and which of the dates in them hold.

    Parameters
    ----------
    number : of the step that the letter belongs to, from 1.
    count : of the steps; 2 at least.
    """
    said = words(language)
    values = {"number": str(number), "count": str(count)}
    if number < count:
        place = said.gettext(
            "This is notice %(number)s of %(count)s. The next one follows before a restriction begins.",
            **values,
        )
    else:
        place = said.gettext(
            "This is notice %(number)s of %(count)s, the last one before the restriction begins.", **values
        )
    dates = said.gettext(
        "Where these notices state different dates, the latest beginning and the earliest end hold."
    )
    return f"{place}{said.gap}{dates}"


def clause(document: str | None, number: str | None, notices: str | None, said: Words) -> str:
    """Return document and clause that a notice relies on, and where its provisions on notices stand.

    Parameters
    ----------
    document : None: it is not known which, and the clause stands alone.
    number : of the clause; None: it was not entered, and the document stands alone.
    """
    named = number or OFFERED_CLAUSE
    if document and number is None:
        if notices is None:
            return document
        return said.gettext("%(document)s (notices: %(notices)s)", document=document, notices=notices)
    if document and notices:
        return said.gettext(
            "%(document)s, clause %(clause)s (notices: %(notices)s)",
            document=document,
            clause=named,
            notices=notices,
        )
    if document:
        return said.gettext("%(document)s, clause %(clause)s", document=document, clause=named)
    if notices:
        return said.gettext("clause %(clause)s (notices: %(notices)s)", clause=named, notices=notices)
    return said.gettext("clause %(clause)s", clause=named)


def announced(notices: tuple[Announced, ...], time_zone: str, said: Words) -> str:
    """Return the notices before a letter by number and date; empty where there are none."""
    if not notices:
        return ""
    names = [
        said.gettext(
            "%(number)s of %(dated)s",
            number=notice.number,
            dated=moment(notice.dated, time_zone, said.locale),
        )
        for notice in notices
    ]
    return said.ngettext(
        "our notice %(notices)s",
        "our notices %(notices)s",
        len(names),
        notices=enumerated(names, said.locale),
    )
