"""Which cases of one cause may be dismissed together, and which are left; a pure rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cjp_fraud.review.model import CaseState, CauseKind

UNDECIDED: Final = frozenset({CaseState.OPEN, CaseState.IN_REVIEW})


@dataclass(frozen=True, slots=True)
class Cause:
    """What cases in the queue have in common: many tenants were flagged together, or a known event.

    Parameters
    ----------
    id : of the first joint spike on record, or of the known event.
    words : in a sentence.
    words_on_record : the same without what a person wrote, which can be erased.
    begins_at, ends_at : aware, UTC; half-open.
    tenants : how many were flagged in it.
    cases : numbers of the cases in the queue with a flag in it.
    kind : what the record says that it is; None: whoever dismisses says it.
    channel : that the known event is narrowed to; None: every channel.
    entered_by, entered_at : who entered the known event; None: nobody, detection found it.
    """

    id: str
    words: str
    words_on_record: str
    begins_at: datetime
    ends_at: datetime
    tenants: int
    cases: tuple[int, ...]
    kind: CauseKind | None = None
    channel: str | None = None
    entered_by: str | None = None
    entered_at: datetime | None = None

    @property
    def is_known_event(self) -> bool:
        """Whether somebody entered it."""
        return self.entered_by is not None


@dataclass(frozen=True, slots=True)
class BulkCandidate:
    """A case that has a flag in a shared cause.

    Parameters
    ----------
    holder : name of the user whose claim lasts; None: nobody's does.
    promised_by : name of the user who put it aside and will come back to it; None: it is not put aside.
    flags : of its flags in force, how many there are.
    flags_outside : how many of them do not begin within the event.
    found_fraudulent : whether fraud was ever determined on it.
    entered_after_part : who took part in it and then entered the known event; None: nobody did.
    """

    number: int
    tenant_id: str
    state: CaseState
    holder: str | None
    promised_by: str | None
    flags: int
    flags_outside: int
    found_fraudulent: bool
    entered_after_part: str | None = None

    def left_because(self, me: str) -> str | None:
        """Return why it is not dismissed together with the others by the user named ``me``; None: it is."""
        if self.state not in UNDECIDED:
            return f"it is {self.state}; only what is undecided is dismissed together"
        if self.found_fraudulent:
            return "fraud was determined on it before; decide it by itself"
        if self.flags_outside:
            return f"{self.flags_outside} of its {self.flags} flag(s) lie outside of the event; decide it by itself"
        if not self.flags:
            return "its flags were taken back; decide it by itself"
        if self.entered_after_part is not None:
            return f"{self.entered_after_part} took part in it before entering the event; decide it by itself"
        if self.holder not in (None, me):
            return f"{self.holder} holds it"
        if self.promised_by not in (None, me):
            return f"{self.promised_by} put it aside and comes back to it"
        return None
