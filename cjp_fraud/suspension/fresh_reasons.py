"""What the reasons of a reaffirmation must say: a pure rule over words and what the look at the traffic showed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

FEWEST_WORDS: Final = 3
"""Different words that a reason has at least."""

_WORD: Final = re.compile(r"\w+")
_WITH_THE_LOOK: Final = "Look {reference}: {summary}. "
_ALTHOUGH_QUIET: Final = " Although the look shows nothing unusual: "


@dataclass(frozen=True, slots=True)
class GivenReasons:
    """What a person says.

    Parameters
    ----------
    reasons : what they saw, and why the measure is still needed.
    although_quiet : why it is needed although their look shows nothing unusual; None: not said.
    """

    reasons: str
    although_quiet: str | None = None


@dataclass(frozen=True, slots=True)
class LookSummary:
    """A look at the traffic in one line.

    Parameters
    ----------
    reference : the digits that name it.
    is_quiet : no interval was flagged since the measure is in force, and no series had more than is usual.
    """

    reference: str
    contacts: int
    intervals: int
    flags: int
    is_quiet: bool

    @property
    def in_words(self) -> str:
        """What was seen, in numbers."""
        return f"{self.contacts} contact(s) in {self.intervals} interval(s), {self.flags} interval(s) flagged since"


def reasons_faults(given: GivenReasons, look: LookSummary | None, before: Iterable[str]) -> tuple[str, ...]:
    """Return why reasons do not keep a measure, a sentence each; none: they do.

    Parameters
    ----------
    look : which they rest on; None: there is none, and its own fault says so.
    before : the determination's reasons, and those that anybody gave before for this measure, as they are on record.
    """
    faults = []
    if len(set(_words(given.reasons))) < FEWEST_WORDS:
        faults.append(
            f"give fresh reasons, in {FEWEST_WORDS} words or more: what you saw, and why the measure is still needed"
        )
    elif _as_read(given.reasons) in [_as_read(_own_words(text)) for text in before]:
        faults.append("these reasons were given before; give fresh ones")
    if look is not None and look.is_quiet and len(set(_words(given.although_quiet or ""))) < FEWEST_WORDS:
        faults.append(
            f"the look {look.reference} shows nothing unusual since ({look.in_words}, nothing over the usual level); "
            f"say in {FEWEST_WORDS} words or more why the measure is needed all the same: --although-quiet TEXT"
        )
    return tuple(faults)


def recorded_reasons(given: GivenReasons, look: LookSummary) -> str:
    """Return the reasons as they are kept: the look that they rest on, what it showed, and the person's words."""
    named = _WITH_THE_LOOK.format(reference=look.reference, summary=look.in_words)
    quiet = (
        f"{_ALTHOUGH_QUIET}{given.although_quiet.strip()}" if look.is_quiet and given.although_quiet else ""
    )
    return f"{named}{given.reasons.strip()}{quiet}"


def _own_words(recorded: str) -> str:
    """Return the person's words of reasons as they are kept; of other texts, all of it."""
    own = re.sub(r"\ALook [0-9a-f]+: [^.]*\. ", "", recorded)
    return own.partition(_ALTHOUGH_QUIET)[0]


def _words(text: str) -> list[str]:
    """Return the words of a text that say something: a single letter, and a number, are none."""
    return [word for word in _as_read(text) if len(word) > 1 and any(map(str.isalpha, word))]


def _as_read(text: str) -> list[str]:
    """Return a text as it is read: neither capitals, marks nor what nobody sees make another text of it."""
    seen = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    plain = unicodedata.normalize("NFKC", seen).casefold()
    return _WORD.findall(plain)
