"""How our record of a measure and what the platform says of it may disagree; a pure rule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from cjp_fraud.suspension.model import UNFINISHED, MeasureState
from cjp_fraud.suspension.platform import Order, ReadBack


class DisagreementKind(StrEnum):
    """How our record and the platform disagree."""

    NOT_RESTRICTED = "not_restricted"
    DIFFERS = "differs"
    ENDED_BUT_RESTRICTED = "ended_but_restricted"
    NOT_ON_RECORD = "not_on_record"
    PAST_ITS_END = "past_its_end"


_MEANS: Final = {
    DisagreementKind.NOT_RESTRICTED: (
        "on record as in force, but the platform restricts nothing; people decide what follows"
    ),
    DisagreementKind.DIFFERS: (
        "the platform restricts something else than what is on record, or does not confirm emergency "
        "calls; people decide what follows"
    ),
    DisagreementKind.ENDED_BUT_RESTRICTED: "on record as ended, but the platform still restricted it",
    DisagreementKind.PAST_ITS_END: (
        "PAST ITS END, and not on record as ended: nothing ran that lets measures lapse; run: cjp-fraud run-due"
    ),
    DisagreementKind.NOT_ON_RECORD: (
        "the platform restricts something under an id that is not on record; people decide what follows"
    ),
}


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One disagreement of record and platform, and whether it was repaired.

    Parameters
    ----------
    case_id : None where the measure is not on record.
    sentence : what it means.
    """

    measure_id: str
    case_id: str | None
    kind: DisagreementKind
    sentence: str
    repaired: bool = False

    def after_lifting(self, lifted: bool) -> Disagreement:
        """Return the disagreement after the restriction was to be lifted, and whether it was."""
        sentence = f"{self.sentence}; {'it was lifted' if lifted else 'lifting it failed'}"
        return replace(self, sentence=sentence, repaired=lifted)


def disagreement_of(
    order: Order, case_id: str, state: MeasureState, answer: ReadBack, *, is_past_its_end: bool
) -> Disagreement | None:
    """Return how a measure on record and the platform disagree; None: they agree, or the measure is on its way.

    Parameters
    ----------
    order : what the measure orders.
    state : in which it is on record.
    answer : what the platform says of it.
    is_past_its_end : whether its end has come and it is not on record as ended; a disagreement of its own.
    """
    if is_past_its_end:
        past = _disagreement(DisagreementKind.PAST_ITS_END, order.measure_id, case_id)
        says = (
            "the platform STILL RESTRICTS it" if answer.restricted else "the platform has ended it by itself"
        )
        return replace(past, sentence=f"{past.sentence}; {says}")
    if state is MeasureState.IN_FORCE and not answer.restricted:
        return _disagreement(DisagreementKind.NOT_RESTRICTED, order.measure_id, case_id)
    if state is MeasureState.IN_FORCE and not answer.is_as_ordered(order):
        return _disagreement(DisagreementKind.DIFFERS, order.measure_id, case_id)
    if state in UNFINISHED or not answer.restricted:
        return None
    return _disagreement(DisagreementKind.ENDED_BUT_RESTRICTED, order.measure_id, case_id)


def not_on_record(measure_id: str) -> Disagreement:
    """Return the disagreement about what the platform restricts under an id that is not on record."""
    return _disagreement(DisagreementKind.NOT_ON_RECORD, measure_id, None)


def _disagreement(kind: DisagreementKind, measure_id: str, case_id: str | None) -> Disagreement:
    return Disagreement(measure_id, case_id, kind, _MEANS[kind])
