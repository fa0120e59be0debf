"""Compare our measures with what the platform says; repair only towards less restriction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from sqlalchemy import select

from cjp_fraud.audit.log import append
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.suspension.commands import order_of
from cjp_fraud.suspension.measures import enforcement_lock
from cjp_fraud.suspension.model import Enforcement, MeasureState
from cjp_fraud.suspension.platform import Order, PlatformError
from cjp_fraud.suspension.tables import Measure

RECONCILER = machine("reconcile")

_RESTRICTS_NOTHING: Final = frozenset(
    {MeasureState.ENDED, MeasureState.NEVER_IN_FORCE, MeasureState.OBSERVED}
)


class DisagreementKind(StrEnum):
    """How our record and the platform disagree."""

    NOT_RESTRICTED = "not_restricted"
    DIFFERS = "differs"
    ENDED_BUT_RESTRICTED = "ended_but_restricted"
    NOT_ON_RECORD = "not_on_record"


_MEANS: Final = {
    DisagreementKind.NOT_RESTRICTED: (
        "on record as in force, but the platform restricts nothing; people decide what follows"
    ),
    DisagreementKind.DIFFERS: (
        "the platform restricts something else than what is on record, or does not confirm emergency "
        "calls; people decide what follows"
    ),
    DisagreementKind.ENDED_BUT_RESTRICTED: "on record as ended, but the platform still restricted it",
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
    restricted = {answer.measure_id for answer in enforcement.platform.restrictions()}
    with reading(enforcement.engine) as session:
        measures = {measure.id: measure for measure in session.scalars(select(Measure))}
    in_force = {key for key, measure in measures.items() if measure.state is MeasureState.IN_FORCE}
    disagreements = []
    for measure_id in sorted(restricted | in_force):
        measure = measures.get(measure_id)
        if measure is None:
            disagreement: Disagreement | None = _disagreement(
                DisagreementKind.NOT_ON_RECORD, measure_id, None
            )
        else:
            # Under its case's lock, so that nothing is on its way meanwhile.
            with process_lock(enforcement.engine, enforcement_lock(measure.case_id)):
                disagreement = _compare(enforcement, order_of(measure), measure.case_id)
        if disagreement is not None:
            _record(enforcement, disagreement)
            disagreements.append(disagreement)
    return tuple(disagreements)


def _compare(enforcement: Enforcement, order: Order, case_id: str) -> Disagreement | None:
    platform, measure_id = enforcement.platform, order.measure_id
    answer = platform.read_back(measure_id)
    with reading(enforcement.engine) as session:
        state = session.scalar(select(Measure.state).where(Measure.id == measure_id))
    if state is MeasureState.IN_FORCE and not answer.restricted:
        return _disagreement(DisagreementKind.NOT_RESTRICTED, measure_id, case_id)
    if state is MeasureState.IN_FORCE and not answer.is_as_ordered(order):
        return _disagreement(DisagreementKind.DIFFERS, measure_id, case_id)
    if state not in _RESTRICTS_NOTHING or not answer.restricted:
        return None
    try:
        platform.lift(order, f"{measure_id}:reconcile", enforcement.now)
        lifted = not platform.read_back(measure_id).restricted
    except PlatformError:
        lifted = False
    disagreement = _disagreement(DisagreementKind.ENDED_BUT_RESTRICTED, measure_id, case_id)
    said = f"{disagreement.sentence}; {'it was lifted' if lifted else 'lifting it failed'}"
    return replace(disagreement, sentence=said, repaired=lifted)


def _disagreement(kind: DisagreementKind, measure_id: str, case_id: str | None) -> Disagreement:
    return Disagreement(measure_id, case_id, kind, _MEANS[kind])


def _record(enforcement: Enforcement, disagreement: Disagreement) -> None:
    content = {"kind": disagreement.kind, "repaired": disagreement.repaired}
    with transaction(enforcement.engine) as session:
        append(
            Decision(session, RECONCILER, enforcement.now),
            "platform.disagrees",
            "measures",
            disagreement.measure_id,
            content,
            case_id=disagreement.case_id,
        )
