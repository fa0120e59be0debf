"""Narrow a measure in force, by a dispute or a stage of its reinstatement; the platform replaces it in one step.

The decision, the narrower scope and the order to the platform are written in one transaction. The order bears the
measure's own id, so that at no moment neither or both of the two are in force. What a kill, or a platform that did not
answer, left undone, the next run sends again with the same key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cjp_fraud.documents import to_document
from cjp_fraud.people.model import Decision, Part
from cjp_fraud.people.participation import record_part
from cjp_fraud.review.cases import note
from cjp_fraud.review.dispute import close_disputes, lock_dispute, record_outcome
from cjp_fraud.review.measure_fit import planned_measure
from cjp_fraud.review.model import CaseState, DisputeState
from cjp_fraud.review.narrower_measure import (
    Restriction,
    narrowed_to,
    narrower_faults,
    restricts_less,
    share_freed,
)
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.review.requests import MeasureWanted
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.base import new_id
from cjp_fraud.suspension.commands import lock_measure, record_command
from cjp_fraud.suspension.gate_facts import gate_facts
from cjp_fraud.suspension.model import CommandKind, GateFacts, MeasureState
from cjp_fraud.suspension.tables import Measure, Narrowing


@dataclass(frozen=True, slots=True)
class Because:
    """On what decision a measure is narrowed: of a dispute, or a plan of reinstatement and the number of its stage."""

    dispute_id: str | None = None
    plan_id: str | None = None
    stage: int | None = None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a measure is to become, and why it cannot; none: it can."""

    restriction: Restriction | None
    faults: tuple[str, ...]
    freed: float | None = None


def narrow_by_dispute(
    decision: Decision, dispute_id: str, wanted: MeasureWanted, policy: ProviderPolicy, *, reasons: str
) -> Narrowing:
    """Decide a dispute so that its measure in force restricts less; the caller tells the platform.

    The finding of fraud stands, and what is left can be disputed again, before somebody else.

    Parameters
    ----------
    wanted : kind and scope of what stays restricted; where it says no channels or directions, they are those flagged.

    Raises
    ------
    NotFoundError
        If no such dispute is on record.
    Refused
        Names everything that stands in the way.
    """
    session, at = decision.session, decision.at
    case, dispute = lock_dispute(session, dispute_id)
    _case, measure = lock_measure(session, case.id)
    facts = gate_facts(session, case, policy, at)
    chosen = _wanted(measure, wanted, facts)
    is_in_force = measure is not None and measure.state is MeasureState.IN_FORCE
    checks = [
        (
            case.state is CaseState.SUSPENDED and is_in_force,
            f"it is {case.state}; only a measure in force can be narrowed. Uphold or reject the dispute, or withdraw "
            "the case and determine it again",
        ),
        *((False, fault) for fault in chosen.faults),
    ]
    record_outcome(decision, case, dispute, DisputeState.NARROWED, reasons, also=checks)
    assert measure is not None, "it was refused otherwise"
    assert chosen.restriction is not None, "it was refused otherwise"
    return narrow(decision, case, measure, chosen.restriction, chosen.freed, Because(dispute_id=dispute.id))


def narrow(
    decision: Decision, case: Case, measure: Measure, to: Restriction, freed: float | None, because: Because
) -> Narrowing:
    """Write what is left of a locked case's measure in force, and the order that tells the platform of it.

    Parameters
    ----------
    to : what is left; the caller has told the person where it is not narrower.
    freed : part of the usual contacts that were restricted and pass again, 0 to 1; None: not known.

    Raises
    ------
    ValueError
        If it is not narrower than what is in force.
    """
    session, before = decision.session, measure.restriction
    if not restricts_less(before, to):
        raise ValueError(f"{to.words} is not narrower than {before.words}")
    last = session.scalar(select(func.max(Narrowing.number)).where(Narrowing.measure_id == measure.id))
    narrowing = Narrowing(
        id=new_id(),
        case_id=case.id,
        measure_id=measure.id,
        number=(last or 0) + 1,
        dispute_id=because.dispute_id,
        plan_id=because.plan_id,
        stage=because.stage,
        decided_at=decision.at,
        restricted=to_document(before),
        restricts=to_document(to),
        freed=freed,
    )
    session.add(narrowing)
    measure.narrowed_to = to_document(to)
    record_part(session, decision.by, Part.NARROWED, case.tenant_id, decision.at, case_id=case.id)
    session.flush()
    content = {
        "measure_id": measure.id,
        "narrowing_id": narrowing.id,
        **_on(because),
        "from_kind": before.kind,
        "kind": to.kind,
    }
    note(decision, case, "measure.narrowing", content)
    record_command(decision, case, measure, CommandKind.APPLY)
    return narrowing


def confirm_narrowings(decision: Decision, case: Case, measure: Measure) -> None:
    """Put on record that read-back shows nothing wider in force than what a locked case's measure was narrowed to."""
    waiting = narrowings_to_confirm(decision.session, case.id)
    for narrowing in waiting:
        narrowing.confirmed_at = decision.at
        decision.session.flush()
        content = {
            "measure_id": measure.id,
            "narrowing_id": narrowing.id,
            **_on(Because(narrowing.dispute_id, narrowing.plan_id, narrowing.stage)),
        }
        note(decision, case, "measure.narrowed", content)
    if waiting:
        close_disputes(decision, case, (DisputeState.NARROWED,))


def narrowings_to_confirm(session: Session, case_id: str) -> Sequence[Narrowing]:
    """Return the narrowings of a case's measure in force of which read-back has not shown that they are done."""
    return session.scalars(
        select(Narrowing)
        .join(Measure, Measure.id == Narrowing.measure_id)
        .where(
            Narrowing.case_id == case_id,
            Narrowing.confirmed_at.is_(None),
            Measure.state == MeasureState.IN_FORCE,
        )
        .order_by(Narrowing.number)
    ).all()


def narrowing_by(session: Session, dispute_id: str) -> Narrowing | None:
    """Return what a dispute's decision narrowed; None: nothing."""
    return session.scalar(select(Narrowing).where(Narrowing.dispute_id == dispute_id))


def _wanted(measure: Measure | None, wanted: MeasureWanted, facts: GateFacts) -> _Wanted:
    """Return what a measure is to become by what was frozen, and what stands in the way."""
    if facts.row_faults:
        return _Wanted(None, facts.row_faults)
    if wanted.kind is None:
        return _Wanted(None, ("say what stays restricted: the kind of measure and its scope",))
    if measure is None:
        return _Wanted(None, ())
    planned = planned_measure(wanted, facts.flagged, timedelta(hours=1))
    assert planned is not None, "its kind is said"
    restriction = narrowed_to(planned.kind, planned.scope)
    standing = narrowed_to(measure.restriction.kind, measure.restriction.scope)
    return _Wanted(
        restriction,
        narrower_faults(standing, restriction, facts.flagged),
        share_freed(standing, restriction, facts.flagged),
    )


def _on(because: Because) -> dict[str, object]:
    """Return what an entry of the log says of the decision."""
    if because.dispute_id is not None:
        return {"dispute_id": because.dispute_id}
    return {"plan_id": because.plan_id, "stage": because.stage}
