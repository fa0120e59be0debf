"""Commands to the platform: on record before the call, with a key, and closed by what the platform reads back."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cjp_fraud.digests import canonical_json, sha256_hex
from cjp_fraud.documents import from_document, to_document
from cjp_fraud.people.model import Decision
from cjp_fraud.review.cases import lock_case, note
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.base import new_id
from cjp_fraud.suspension.connections import Enforcement
from cjp_fraud.suspension.model import UNFINISHED, CommandKind, CommandOutcome
from cjp_fraud.suspension.platform import Order, PlatformError, ReadBack
from cjp_fraud.suspension.tables import Measure, PlatformCommand


@dataclass(frozen=True, slots=True)
class RecordedCommand:
    """A command on record; however often it is sent, the platform does it once, by its key."""

    kind: CommandKind
    order: Order
    key: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the platform answers after a command; ``read_back`` is None where it gives no answer."""

    read_back: ReadBack | None
    faults: tuple[str, ...]


def lock_measure(session: Session, case_id: str) -> tuple[Case, Measure | None]:
    """Return the case, locked, and its measure that stands or is on its way; there is at most one."""
    case = lock_case(session, case_id)
    measure = session.scalar(
        select(Measure)
        .where(Measure.case_id == case.id, Measure.state.in_(UNFINISHED))
        .execution_options(populate_existing=True)
    )
    return case, measure


def order_of(measure: Measure) -> Order:
    """Return the order that describes a measure to the platform."""
    restriction = measure.restriction
    return Order(measure.id, measure.tenant_id, restriction.kind, restriction.scope, measure.lapses_at)


def record_command(decision: Decision, case: Case, measure: Measure, kind: CommandKind) -> RecordedCommand:
    """Put a command on record; an unfinished one of the same kind is returned instead, with its key.

    An unfinished order to restrict that says another end or scope than the measure does is closed, and a new one
    recorded.
    """
    session = decision.session
    document = canonical_json(to_document(order_of(measure)))
    command = unfinished_command(session, measure, kind)
    if command is not None and kind is CommandKind.APPLY and command.document != document:
        close_commands(
            decision, case, measure, {}, None
        )  # it was kept or narrowed meanwhile; the new order says so
        command = None
    if command is None:
        last = session.scalar(
            select(func.max(PlatformCommand.number)).where(PlatformCommand.measure_id == measure.id)
        )
        number = (last or 0) + 1
        command = PlatformCommand(
            id=new_id(),
            measure_id=measure.id,
            number=number,
            kind=kind,
            idempotency_key=f"{measure.id}:{number}",
            document=document,
            sha256=sha256_hex(document),
            ordered_by=decision.by.reference,
            ordered_at=decision.at,
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
        note(decision, case, "platform.ordered", content)
    return recorded(command)


def unfinished_command(session: Session, measure: Measure, kind: CommandKind) -> PlatformCommand | None:
    """Return the measure's command of a kind of which it is not known what became of it; there is at most one."""
    return session.scalar(
        select(PlatformCommand).where(
            PlatformCommand.measure_id == measure.id,
            PlatformCommand.kind == kind,
            PlatformCommand.finished_at.is_(None),
        )
    )


def recorded(command: PlatformCommand) -> RecordedCommand:
    """Return a command on record as it is sent."""
    order = from_document(Order, json.loads(command.document))
    return RecordedCommand(command.kind, order, command.idempotency_key)


def send_command(enforcement: Enforcement, command: RecordedCommand) -> Answer:
    """Send a command, then ask what is in force: what the platform answers to the command itself proves nothing."""
    platform = enforcement.platform
    call = platform.apply if command.kind is CommandKind.APPLY else platform.lift
    try:
        call(command.order, command.key, enforcement.now)
    except PlatformError as error:
        return read_back(enforcement, command, (str(error),))
    return read_back(enforcement, command)


def read_back(enforcement: Enforcement, command: RecordedCommand, faults: tuple[str, ...] = ()) -> Answer:
    """Ask the platform what is in force under a command's measure; ``faults`` are those so far."""
    try:
        return Answer(enforcement.platform.read_back(command.order.measure_id, enforcement.now), faults)
    except PlatformError as error:
        return Answer(None, (*faults, f"read-back failed: {error}"))


def close_commands(
    decision: Decision,
    case: Case,
    measure: Measure,
    outcomes: dict[CommandKind, CommandOutcome],
    answer: ReadBack | None,
) -> None:
    """Record what became of a measure's unfinished commands; a kind that ``outcomes`` does not name has failed."""
    session = decision.session
    for command in session.scalars(
        select(PlatformCommand)
        .where(PlatformCommand.measure_id == measure.id, PlatformCommand.finished_at.is_(None))
        .order_by(PlatformCommand.number)
    ):
        command.finished_at = decision.at
        command.outcome = outcomes.get(command.kind, CommandOutcome.FAILED)
        command.read_back = to_document(answer) if answer is not None else None
        session.flush()
        content = {
            "measure_id": measure.id,
            "command_id": command.id,
            "kind": command.kind,
            "outcome": command.outcome,
            "read_back_sha256": sha256_hex(canonical_json(command.read_back)) if answer is not None else None,
        }
        note(decision, case, "platform.answered", content)
