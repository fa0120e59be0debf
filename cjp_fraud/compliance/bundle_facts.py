"""Ask the gate about what a bundle holds: the rules that stood before each act, asked of the proof itself.

The rows go into a database in memory, as they stood at the moment of the act; from there the facts are read and
judged as they were then, by :mod:`cjp_fraud.suspension.gate_facts` and :mod:`cjp_fraud.suspension.gate`. What a
bundle does not hold is not asked: how long approval and notice stay fresh is a setting.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import JSON, DateTime, Engine, Enum, LargeBinary, String, create_engine, inspect, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool
from sqlalchemy.sql.elements import NamedColumn

from cjp_fraud.audit.recording import AS_RECORDED
from cjp_fraud.audit.row_digests import Record
from cjp_fraud.compliance.narrowing_faults import narrowing_faults
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.model import Origin
from cjp_fraud.contracts.tables import ProvisioningRecord, SubscriptionTerms
from cjp_fraud.documents import to_document
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.tables import Notice, NoticePlan
from cjp_fraud.review.decision_tables import Approval, Dispute
from cjp_fraud.review.model import Capacity, DisputeState
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.base import Base, UtcDateTime
from cjp_fraud.suspension.cap_facts import cap_facts
from cjp_fraud.suspension.cap_gate import check_cap
from cjp_fraud.suspension.emergency_gate import APPROVED_WITHIN
from cjp_fraud.suspension.gate import approval_faults, basis_of, check
from cjp_fraud.suspension.gate_facts import gate_facts
from cjp_fraud.suspension.model import GateFacts
from cjp_fraud.suspension.requirements import (
    BEFORE_APPROVAL,
    BEFORE_MEASURE,
    BEFORE_NOTICE,
    Basis,
    Requirement,
)
from cjp_fraud.suspension.tables import Cap, Measure, Reaffirmation

_MADE: Final[Mapping[str, str]] = {
    "approvals": "at",
    "caps": "ordered_at",
    "contract_confirmations": "at",
    "delivery_events": "recorded_at",
    "determinations": "at",
    "disputes": "opened_at",
    "emergency_orders": "at",
    "feed_edits": "at",
    "flags": "recorded_at",
    "letter_orders": "at",
    "measures": "ordered_at",
    "narrowings": "decided_at",
    "need_statements": "at",
    "notice_attempts": "started_at",
    "notice_plans": "created_at",
    "participations": "at",
    "proposals": "drawn_at",
    "reinstatement_holds": "held_at",
    "reinstatement_plans": "at",
    "standing_consents": "entered_at",
    "stops": "opened_at",
    "user_roles": "granted_at",
    "wrongful_measures": "found_at",
}
"""Table → column that says since when a row of it is on record."""

_ENDED: Final[Mapping[str, str]] = {
    "delivery_events": "resolved_at",
    "disputes": "decided_at",
    "standing_consents": "ended_at",
    "flags": "superseded_at",
    "notice_plans": "cancelled_at",
    "reinstatement_holds": "released_at",
    "stops": "cleared_at",
    "user_roles": "revoked_at",
    "users": "disabled_at",
}
"""Table → column that says until when a row of it counts."""

_SAME_COLUMNS: Final = ("subscription_id", "valid_from", "valid_to", "source", "origin", "recorded_at")
_RENAMED: Final = {"given_on": "date", "part": "part", "proof": "proof"}
"""Column of a notice of provisioning → how the terms' column went on that held it before."""

_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_ANY_AGE: Final = timedelta(days=36_500)
_POLICY: Final = ProviderPolicy(mode=PlatformMode.ACT, fresh=_ANY_AGE)


def gate_faults(
    case_id: str, records: Sequence[Record], leave_out: Collection[Requirement] = ()
) -> Iterator[str]:
    """Yield what would have kept the gate shut at each approval, dispatch and measure of a case.

    Parameters
    ----------
    records : all rows of the case.
    leave_out : what is not asked, because the bundle withholds what it is asked of.

    Raises
    ------
    KeyError, TypeError, ValueError, LookupError, SQLAlchemyError
        If the records do not have the form of their tables' rows.
    """
    left_out = frozenset(leave_out)
    records = [*records, *_provisioning_of_before(records)]
    with database_of(records, None) as session:
        approvals = session.query(Approval).order_by(Approval.at).all()
        plans = {
            plan.id
            for plan in session.query(NoticePlan)
            if plan.kind is NoticeKind.SUSPENSION and plan.mode is PlatformMode.ACT
        }
        sent = [notice for notice in session.query(Notice) if notice.plan_id in plans]
        measures = [measure for measure in session.query(Measure) if measure.mode is PlatformMode.ACT]
        caps = [cap.id for cap in session.query(Cap)]
        reaffirmed = {row.measure_id for row in session.query(Reaffirmation)}
        narrowed = [fault for measure in measures for fault in narrowing_faults(session, measure)]
    for approval in approvals:
        facts = _facts(case_id, records, approval.at)
        where = f"approvals {approval.id}"
        for given in facts.approvals:
            if given.by_user_id == approval.by_user_id and given.capacity is approval.capacity:
                yield from (f"{where}: {fault}" for fault in approval_faults(given, facts))
        yield from _shut(where, facts, approval.at, BEFORE_APPROVAL - left_out)
    for notice in sent:
        if notice.dispatched_at is not None:
            facts = _facts(case_id, records, notice.dispatched_at)
            yield from _shut(f"notices {notice.id}", facts, notice.dispatched_at, BEFORE_NOTICE - left_out)
    for measure in measures:
        facts = _facts(case_id, records, measure.ordered_at)
        yield from _shut(f"measures {measure.id}", facts, measure.ordered_at, BEFORE_MEASURE - left_out)
        yield from _otherwise_than_approved(measure, facts)
        yield from _not_approved(measure, facts, approvals)
        if measure.id not in reaffirmed:
            yield from _longer_than_stated(measure, facts)
    yield from narrowed
    for cap_id in caps:
        yield from _cap_faults(cap_id, records, left_out)


def _cap_faults(cap_id: str, records: Sequence[Record], left_out: frozenset[Requirement]) -> Iterator[str]:
    """Yield what would have kept a cap from beginning, and that it lasted longer than was signed."""
    with database_of(records, None) as session:
        at = session.get_one(Cap, cap_id).ordered_at
    with database_of(records, at) as session:
        cap = session.get_one(Cap, cap_id)
        facts = cap_facts(session, cap, _POLICY, at, compare_rows=False)
        for obstacle in check_cap(facts, at).obstacles:
            if obstacle.requirement not in left_out:
                yield f"caps {cap_id}: gate point {obstacle.point}: {obstacle.sentence}"
        if cap.ended_at is not None and cap.ended_at > cap.ends_at:
            yield f"caps {cap_id}: ended later than the customer was told"


def _shut(where: str, facts: GateFacts, at: datetime, requirements: Collection[Requirement]) -> Iterator[str]:
    for sentence in check(facts, at, requirements).sentences:
        yield f"{where}: {sentence}"


def _otherwise_than_approved(measure: Measure, facts: GateFacts) -> Iterator[str]:
    proposal = facts.proposal
    if proposal is None or proposal.kind is None or proposal.scope is None:
        return
    if (measure.kind, measure.scope) != (proposal.kind, to_document(proposal.scope)):
        yield f"measures {measure.id}: is another measure, or of another scope, than what was approved"


def _not_approved(measure: Measure, facts: GateFacts, approvals: Sequence[Approval]) -> Iterator[str]:
    """Yield it if a measure says that it was approved and was not, or outlives the time for an approval."""
    if measure.emergency_at is None:
        if basis_of(facts) is not Basis.APPROVAL:
            yield f"measures {measure.id}: says that it was approved before it began, and was ordered in an emergency"
        return
    until = measure.emergency_at + APPROVED_WITHIN
    in_time = any(
        approval.capacity is Capacity.APPROVER
        and approval.proposal_id == measure.proposal_id
        and approval.at < until
        for approval in approvals
    )
    if not in_time and measure.ends_at > until:
        yield (
            f"measures {measure.id}: was ordered in an emergency, nobody approved it by {until:%Y-%m-%d %H:%M:%SZ}, "
            "and it was to end later"
        )


def _longer_than_stated(measure: Measure, facts: GateFacts) -> Iterator[str]:
    """Yield it if a measure that nobody reaffirmed ends later than its notice states."""
    stated = facts.notice.states_end_at if facts.notice is not None else None
    if stated is not None and measure.ends_at > stated:
        yield f"measures {measure.id}: ends later than its notice states"


def _facts(case_id: str, records: Sequence[Record], at: datetime) -> GateFacts:
    with database_of(records, at) as session:
        case = session.get_one(Case, case_id)
        facts = gate_facts(session, case, _POLICY, at, compare_rows=False)
    if any(_terms_of_before(records)):
        facts = _without_versions_of_provisioning(facts)
    return _with_the_tenant_of_then(facts)


def _terms_of_before(records: Sequence[Record]) -> Iterator[Record]:
    """Yield the terms of a bundle of before notices of provisioning were rows of their own."""
    return (
        record
        for record in records
        if record.table == SubscriptionTerms.__tablename__ and "provisioning_notice_date" in record.fields
    )


def _provisioning_of_before(records: Sequence[Record]) -> Iterator[Record]:
    """Yield the notices of provisioning that stood in the columns of such terms, as the rows that they would be now."""
    for terms in _terms_of_before(records):
        fields = {column: terms.fields.get(column) for column in _SAME_COLUMNS}
        fields |= {
            column: terms.fields.get(f"provisioning_notice_{before}") for column, before in _RENAMED.items()
        }
        fields |= {"id": terms.id, "origin": fields["origin"] or Origin.TENANTS_FILE.value}
        yield Record(ProvisioningRecord.__tablename__, terms.id, fields)


def _without_versions_of_provisioning(facts: GateFacts) -> GateFacts:
    """Leave out of the contract's versions what proposals of then could not name."""
    contract = facts.contract
    if contract is None or contract.versions is None:
        return facts
    versions = {
        name: version for name, version in contract.versions.items() if name != "provisioning_notices"
    }
    return replace(facts, contract=replace(contract, versions=versions))


def _with_the_tenant_of_then(facts: GateFacts) -> GateFacts:
    """Take the tenant's version and language from the proposal and the notice.

    The bundle has the tenant's row in its newest state only, which may be newer than the moment that is asked about.
    """
    proposal, contract = facts.proposal, facts.contract
    if proposal is None or proposal.versions is None or contract is None or contract.versions is None:
        return facts
    then = proposal.versions.get("tenant")
    if contract.versions.get("tenant") == then:
        return facts
    language = facts.notice.language if facts.notice is not None else contract.language
    versions = {**contract.versions, "tenant": then}
    return replace(facts, contract=replace(contract, versions=versions, language=language))


_EMPTY: Final = threading.Lock()
"""Held by whoever uses the empty database; nothing that is put into it is ever committed."""


@cache
def _empty_database() -> Engine:
    """Return a database in memory with all tables and no rows, which judges no row by itself."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    with engine.begin() as connection:
        connection.execute(text("PRAGMA ignore_check_constraints = ON"))
        Base.metadata.create_all(connection)
    return engine


@contextmanager
def database_of(records: Sequence[Record], at: datetime | None) -> Iterator[Session]:
    """Yield a session on the rows as they stood at ``at``; None: as they are. Nothing of it is kept."""
    kinds = {mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers}
    with _EMPTY, Session(_empty_database(), expire_on_commit=False, info={AS_RECORDED: True}) as session:
        for record in records:
            row = _row(kinds[record.table], record)
            made, ended = _MADE.get(record.table), _ENDED.get(record.table)
            if at is not None and made is not None and getattr(row, made) > at:
                continue
            if at is not None and ended is not None and (getattr(row, ended) or _NEVER) >= at:
                setattr(row, ended, None)
                if isinstance(row, Dispute):
                    row.state = DisputeState.OPEN
            session.add(row)
        session.flush()
        yield session
        session.rollback()


def _row(kind: type[Base], record: Record) -> Base:
    values: dict[str, Any] = dict(record.documents)
    for attribute in inspect(kind).column_attrs:
        if attribute.key in values:
            continue
        if attribute.key not in record.fields:
            if attribute.key in record.withheld:
                values[attribute.key] = _stand_in(attribute.columns[0], record)
            continue
        value, column = record.fields[attribute.key], attribute.columns[0].type
        if value is not None and isinstance(column, UtcDateTime | DateTime):
            value = datetime.fromisoformat(value)
        elif value is not None and isinstance(column, Enum) and column.enum_class is not None:
            value = column.enum_class(value)
        values[attribute.key] = value
    return kind(**values)


def _stand_in(column: NamedColumn[Any], record: Record) -> Any:
    """Return what stands in the place of a withheld value where a row needs one; the gate asks none of it."""
    kind = column.type
    if isinstance(kind, String) and not isinstance(kind, Enum):
        return f"withheld {record.id}"
    if getattr(column, "nullable", False):
        return None
    if isinstance(kind, UtcDateTime | DateTime):
        return _NEVER
    if isinstance(kind, Enum) and kind.enum_class is not None:
        return next(iter(kind.enum_class))
    if isinstance(kind, LargeBinary):
        return b""
    return {} if isinstance(kind, JSON) else 0
