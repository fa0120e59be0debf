"""Sentences that operations answer, in the reader's language: the frequent ones, by the pattern that each follows.

Operations speak English: their sentences go on record, to the command line and to the API. A page shows one in the
reader's language where its pattern stands here and in the catalogue, and in English, marked as such, where not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from cjp_fraud.web.words import Words


def _(message: str) -> str:
    """Mark a message for the catalogues."""
    return message


OR: Final = _(" or ")

PATTERNS: Final = (
    # who may, and who took part
    _("it needs the role %(roles)s, which %(name)s does not have"),
    _("%(name)s took part in this case (%(parts)s); somebody who took no part must decide"),
    _("%(name)s took part in the case"),
    _("%(name)s determined the fraud; another person must approve"),
    _("%(name)s edited the tenant's addresses or terms in the last 30 days"),
    _("%(name)s is not an approver"),
    _("%(name)s is not a reviewer"),
    _("%(name)s is not an admin"),
    _("%(name)s is an auditor, who reads all and changes nothing"),
    _("%(name)s is neither its owner nor an admin"),
    _("%(name)s is neither an analyst nor a reviewer"),
    _("%(name)s is neither analyst, reviewer, approver nor counsel"),
    _("%(what)s was made less than 24 hours before"),
    _("%(what)s was made by somebody who took part in the case, or goes back to them"),
    _("%(name)s approved the proposal in force; a comment would be taking part and void the approval"),
    # claims
    _("%(name)s holds it; only its holder or a reviewer may"),
    _("%(name)s holds it since %(moment)s"),
    _("%(name)s holds it already"),
    _("it is %(state)s; only open cases and those in review are claimed"),
    _("it is %(state)s; only a case in review is released"),
    _("it is %(state)s; only a case in review is handed over"),
    _("it is %(state)s; only a case in review is put aside"),
    _("the comment is empty"),
    _("nobody is called @%(name)s"),
    # two at once
    _("the case has changed since this page was made; look at what changed and send it again"),
    _("nobody is signed in any more: sign in, and send it again"),
    # approval
    _("no determination of fraud is on record"),
    _("the approval is of another version of the proposal"),
    _("type the code of your authenticator: the last is older than %(minutes)s minute(s)"),
    _("the code does not fit, or it was used before; wait for the next one"),
    # one cause, many cases
    _("give the reasons"),
    _("none of its cases can be dismissed together"),
    _("it is %(count)s case(s) now, and other ones than the %(shown)s that were shown; look again"),
    _("it is %(state)s; only what is undecided is dismissed together"),
    _("fraud was determined on it before; decide it by itself"),
    _("%(some)s of its %(all)s flag(s) lie outside of the event; decide it by itself"),
    _("its flags were taken back; decide it by itself"),
    _("%(name)s took part in it before entering the event; decide it by itself"),
    _("%(name)s holds it"),
    _("%(name)s put it aside and comes back to it"),
    _("it was undone before"),
    _("something happened on it since it was dismissed"),
    _("known event %(id)s (%(event)s) from %(begin)s to %(end)s"),
    # charts that are not drawn
    _("no rows of flagged intervals are there"),
    _("%(count)s more flagged series are in the evidence"),
    _("the lake has no traffic of the same time in the weeks before"),
    _("the source does not say where the contacts went"),
    # passwords
    _("it has %(count)s characters; it must have %(least)s or more"),
    _("it repeats the same few characters"),
    _("it is a sequence of characters in their order"),
    _("it holds the user name"),
    _("it is one of those that are tried first"),
)
"""The more particular before the more general: the first that fits says it."""

_FIELD: Final = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence as a page shows it.

    Parameters
    ----------
    language : the language of ``text``, which may be another one than the page's.
    """

    text: str
    language: str


def said(words: Words, sentence: str) -> Said:
    """Return an operation's sentence in the reader's language where it is known there; else as it is, in English."""
    if words.language == "en":
        return Said(sentence, "en")
    for message in PATTERNS:
        found = _pattern(message).fullmatch(sentence)
        if found is not None:
            filled = {name: _in_words(words, name, value) for name, value in found.groupdict().items()}
            return Said(words.gettext(message) % filled, words.language)
    return Said(sentence, "en")


def _in_words(words: Words, name: str, value: str) -> str:
    """Return what fills a field: states, kinds of events and roles by their labels, all else as it is."""
    if name == "state":
        return words.label(value).lower()
    if name == "event":
        return words.label(f"event_{value.replace(' ', '_')}")
    if name == "roles":
        return words.gettext(OR).join(map(words.label, value.split(" or ")))
    return value


@cache
def _pattern(message: str) -> re.Pattern[str]:
    parts = _FIELD.split(message)
    text, names = parts[::2], parts[1::2]
    body = re.escape(text[0])
    for name, after in zip(names, text[1:], strict=True):
        body += f"(?P<{name}>.+?)" + re.escape(after)
    return re.compile(body)
