"""Commands to the platform as rows: recorded before the call, with a key, and closed by read-back."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cjp_fraud.clock import aware
from cjp_fraud.contracts.restriction import Scope
from cjp_fraud.digests import canonical_json, sha256_hex
from cjp_fraud.documents import from_document, to_document
from cjp_fraud.people.model import Actor, Decision
from cjp_fraud.review.cases import note
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.base import new_id
from cjp_fraud.suspension.model import CommandKind, CommandOutcome, MeasureState
from cjp_fraud.suspension.platform import Order, ReadBack
from cjp_fraud.suspension.tables import Measure, PlatformCommand

UNFINISHED = (MeasureState.ORDERED, MeasureState.IN_FORCE, MeasureState.LIFTING)
"""States of a measure about which the platform may still be told something."""


def unfinished_measure(session: Session, case: Case) -> Measure | None:
    """Return the case's measure that stands or is on its way; there is at most one."""
    return session.scalar(
        select(Measure)
        .where(Measure.case_id == case.id, Measure.state.in_(UNFINISHED))
        .execution_options(populate_existing=True)
    )


def order_of(measure: Measure) -> Order:
    """Return what the platform is told about a measure."""
    return Order(measure.id, measure.tenant_id, measure.kind, from_document(Scope, measure.scope))


def record_command(
    session: Session, case: Case, measure: Measure, kind: CommandKind, by: Actor, at: datetime
) -> PlatformCommand:
    """Put a command on record; an unfinished one of the same kind is taken up again, key and all."""
    standing = session.scalar(
        select(PlatformCommand).where(
            PlatformCommand.measure_id == measure.id,
            PlatformCommand.kind == kind,
            PlatformCommand.finished_at.is_(None),
        )
    )
    if standing is not None:
        return standing
    before = session.scalar(
        select(func.max(PlatformCommand.number)).where(PlatformCommand.measure_id == measure.id)
    )
    number = (before or 0) + 1
    document = canonical_json(to_document(order_of(measure)))
    command = PlatformCommand(
        id=new_id(),
        measure_id=measure.id,
        number=number,
        kind=kind,
        idempotency_key=f"{measure.id}:{number}",
        document=document,
        sha256=sha256_hex(document),
        ordered_by=by.reference,
        ordered_at=aware(at),
    )
    session.add(command)
    session.flush()
    content = {
        "measure_id": measure.id,
        "command_id": command.id,
        "kind": kind,
        "idempotency_key": command.idempotency_key,
        "sha256": command.sha256,
    }
    note(Decision(session, by, at), case, "platform.ordered", content)
    return command


def ordered(command: PlatformCommand) -> Order:
    """Read the order back from the command's own bytes."""
    return from_document(Order, json.loads(command.document))


def close_commands(
    session: Session,
    case: Case,
    measure: Measure,
    outcomes: dict[CommandKind, CommandOutcome],
    told: ReadBack | None,
    by: Actor,
    at: datetime,
) -> None:
    """Record what became of the unfinished commands of a measure."""
    for command in session.scalars(
        select(PlatformCommand)
        .where(PlatformCommand.measure_id == measure.id, PlatformCommand.finished_at.is_(None))
        .order_by(PlatformCommand.number)
    ):
        outcome = outcomes.get(command.kind, CommandOutcome.FAILED)
        command.finished_at = aware(at)
        command.outcome = outcome
        command.read_back = to_document(told) if told is not None else None
        session.flush()
        content = {
            "measure_id": measure.id,
            "command_id": command.id,
            "kind": command.kind,
            "outcome": outcome,
            "read_back_sha256": sha256_hex(canonical_json(command.read_back)) if told is not None else None,
        }
        note(Decision(session, by, at), case, "platform.told", content)
