"""Compare our measures with what the platform says; repair only towards less restriction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from sqlalchemy import select

from cjp_fraud.audit.log import append
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.commands import order_of
from cjp_fraud.suspension.model import UNFINISHED, MeasureState
from cjp_fraud.suspension.platform import Enforcement, Order, PlatformError
from cjp_fraud.suspension.tables import Measure

RECONCILER = machine("reconcile")


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


def reconcile(enforcement: Enforcement) -> tuple[Disagreement, ...]:
    """Return every disagreement between our measures and the platform's restrictions.

    A measure that is on record as ended and still restricts is lifted: people decided its end, or its
    end had come. All else is reported and left to people: only they start, extend or lift a measure.

    Raises
    ------
    PlatformError
        If the platform does not say what it restricts.
    """
    restricted = {answer.measure_id for answer in enforcement.platform.restrictions(enforcement.now)}
    with reading(enforcement.engine) as session:
        measures = {measure.id: measure for measure in session.scalars(select(Measure))}
    standing = {
        key
        for key, measure in measures.items()
        if measure.state is MeasureState.IN_FORCE or measure.is_past_its_end(enforcement.now)
    }
    disagreements: list[Disagreement] = []
    for measure_id in sorted(restricted | standing):
        measure = measures.get(measure_id)
        if measure is None:
            faults = [_disagreement(DisagreementKind.NOT_ON_RECORD, measure_id, None)]
        else:
            with enforcement.case_lock(measure.case_id):  # so that nothing is on its way meanwhile
                faults = _compare(enforcement, order_of(measure), measure.case_id)
        for disagreement in faults:
            _record(enforcement, disagreement)
        disagreements += faults
    return tuple(disagreements)


def _compare(enforcement: Enforcement, order: Order, case_id: str) -> list[Disagreement]:
    """Compare one measure with the platform; lift it where it should restrict nothing any more."""
    platform, measure_id = enforcement.platform, order.measure_id
    answer = platform.read_back(measure_id, enforcement.now)
    with reading(enforcement.engine) as session:
        measure = session.get_one(Measure, measure_id)
        state, is_past_its_end = measure.state, measure.is_past_its_end(enforcement.now)
    if is_past_its_end:
        past = _disagreement(DisagreementKind.PAST_ITS_END, measure_id, case_id)
        says = (
            "the platform STILL RESTRICTS it" if answer.restricted else "the platform has ended it by itself"
        )
        return [replace(past, sentence=f"{past.sentence}; {says}")]
    if state is MeasureState.IN_FORCE and not answer.restricted:
        return [_disagreement(DisagreementKind.NOT_RESTRICTED, measure_id, case_id)]
    if state is MeasureState.IN_FORCE and not answer.is_as_ordered(order):
        return [_disagreement(DisagreementKind.DIFFERS, measure_id, case_id)]
    if state in UNFINISHED or not answer.restricted:
        return []
    try:
        platform.lift(order, f"{measure_id}:reconcile", enforcement.now)
        lifted = not platform.read_back(measure_id, enforcement.now).restricted
    except PlatformError:
        lifted = False
    disagreement = _disagreement(DisagreementKind.ENDED_BUT_RESTRICTED, measure_id, case_id)
    sentence = f"{disagreement.sentence}; {'it was lifted' if lifted else 'lifting it failed'}"
    return [replace(disagreement, sentence=sentence, repaired=lifted)]


def _disagreement(kind: DisagreementKind, measure_id: str, case_id: str | None) -> Disagreement:
    return Disagreement(measure_id, case_id, kind, _MEANS[kind])


def _record(enforcement: Enforcement, disagreement: Disagreement) -> None:
    content = {"kind": disagreement.kind, "repaired": disagreement.repaired}
    subject = (Measure.__tablename__, disagreement.measure_id)
    with transaction(enforcement.engine) as session:
        decision = Decision(session, RECONCILER, enforcement.now)
        append(decision, "platform.disagrees", *subject, content, case_id=disagreement.case_id)
