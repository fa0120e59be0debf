"""Compare our measures with what the platform says; repair only towards less restriction."""

from __future__ import annotations

from sqlalchemy import select

from cjp_fraud.audit.log import append
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.commands import order_of
from cjp_fraud.suspension.connections import Enforcement
from cjp_fraud.suspension.disagreements import Disagreement, DisagreementKind, disagreement_of, not_on_record
from cjp_fraud.suspension.model import MeasureState
from cjp_fraud.suspension.platform import Order, PlatformError
from cjp_fraud.suspension.tables import Cap, Measure

RECONCILER = machine("reconcile")


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
        measures: dict[str, Measure | Cap] = {each.id: each for each in session.scalars(select(Measure))}
        measures |= {cap.id: cap for cap in session.scalars(select(Cap))}
    standing = {
        key
        for key, measure in measures.items()
        if measure.state is MeasureState.IN_FORCE or measure.is_past_its_end(enforcement.now)
    }
    disagreements: list[Disagreement] = []
    for measure_id in sorted(restricted | standing):
        measure = measures.get(measure_id)
        if measure is None:
            faults = [not_on_record(measure_id)]
        else:
            with enforcement.case_lock(measure.case_id):  # so that nothing is on its way meanwhile
                faults = _compare(enforcement, _order(measure), measure.case_id)
        for disagreement in faults:
            _record(enforcement, disagreement)
        disagreements += faults
    return tuple(disagreements)


def _compare(enforcement: Enforcement, order: Order, case_id: str) -> list[Disagreement]:
    """Compare one measure with the platform; lift it where it should restrict nothing any more."""
    platform, measure_id = enforcement.platform, order.measure_id
    answer = platform.read_back(measure_id, enforcement.now)
    with reading(enforcement.engine) as session:
        measure = session.get(Measure, measure_id) or session.get_one(Cap, measure_id)
        state, is_past_its_end = measure.state, measure.is_past_its_end(enforcement.now)
    disagreement = disagreement_of(order, case_id, state, answer, is_past_its_end=is_past_its_end)
    if disagreement is None:
        return []
    if disagreement.kind is not DisagreementKind.ENDED_BUT_RESTRICTED:
        return [disagreement]
    try:
        platform.lift(order, f"{measure_id}:reconcile", enforcement.now)
        lifted = not platform.read_back(measure_id, enforcement.now).restricted
    except PlatformError:
        lifted = False
    return [disagreement.after_lifting(lifted)]


def _order(measure: Measure | Cap) -> Order:
    return measure.order if isinstance(measure, Cap) else order_of(measure)


def _record(enforcement: Enforcement, disagreement: Disagreement) -> None:
    content = {"kind": disagreement.kind, "repaired": disagreement.repaired}
    subject = (Measure.__tablename__, disagreement.measure_id)
    with transaction(enforcement.engine) as session:
        decision = Decision(session, RECONCILER, enforcement.now)
        append(decision, "platform.disagrees", *subject, content, case_id=disagreement.case_id)
