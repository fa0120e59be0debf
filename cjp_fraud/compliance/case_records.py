"""Read every row that belongs to one case, or every row that the log tells about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.row_digests import Record, record_of
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.compliance.story import Entry
from cjp_fraud.compliance.tellings import TOLD
from cjp_fraud.contracts.tables import (
    Address,
    GoverningDocument,
    NoticeTermsVersion,
    Subscription,
    SubscriptionTerms,
    Tenant,
)
from cjp_fraud.detection.tables import ModelVersion
from cjp_fraud.notices.tables import DeliveryEvent, Notice, NoticeAttempt, NoticePlan
from cjp_fraud.people.tables import Participation, User, UserRole
from cjp_fraud.review.tables import (
    Approval,
    Case,
    CaseComment,
    Determination,
    DeterminationFlag,
    Dispute,
    Episode,
    EvidenceSet,
    Flag,
    NeedStatement,
    Proposal,
    Stop,
)
from cjp_fraud.storage.base import Base
from cjp_fraud.suspension.tables import Measure, PlatformCommand, Reaffirmation

_AT_ONCE: Final = 500
"""Rows fetched, and ids asked for, at once."""


def records_of_case(session: Session, case_id: str, entries: Iterable[Entry]) -> list[Record]:
    """Return all rows of a case: its own, its tenant's contract, the persons and texts that they name.

    Parameters
    ----------
    entries : the case's entries of the log; who acts in them and the texts that they name are put in too.
    """
    told = list(entries)
    case = session.get_one(Case, case_id)
    found = [record for statement in _of_case(case) for record in _records(session, statement)]
    versions = {record.fields["model_version"] for record in found if record.table == Flag.__tablename__}
    found += _records(session, select(ModelVersion).where(ModelVersion.id.in_(sorted(versions - {None}))))
    texts = {
        str(value)
        for record in found
        for column, value in record.fields.items()
        if column.endswith("text_id") and value is not None
    }
    texts |= {str(entry.content["text_id"]) for entry in told if entry.content.get("text_id") is not None}
    found += _by_id(session, PersonalText, texts)
    named = {value for record in found for value in record.fields.values() if isinstance(value, str)}
    people = (named | {entry.actor for entry in told}) & set(session.scalars(select(User.id)))
    found += _by_id(session, User, people)
    for user_id in sorted(people):
        found += _records(session, select(UserRole).where(UserRole.user_id == user_id))
    return found


def records_told(session: Session) -> Iterator[Record]:
    """Yield every row of the tables that the log tells about, a few at a time."""
    for mapper in Base.registry.mappers:
        table = str(mapper.class_.__tablename__)
        if table == User.__tablename__:
            yield from _users_with_roles(session)
        elif table in TOLD:
            yield from _records(session, select(mapper.class_))


def participations(session: Session) -> Iterator[Record]:
    """Yield who took part in what."""
    yield from _records(session, select(Participation))


def _users_with_roles(session: Session) -> Iterator[Record]:
    """Roles belong to the user: the entry that made the user tells both."""
    roles: dict[str, list[str]] = defaultdict(list)
    for user_id, role in session.execute(select(UserRole.user_id, UserRole.role)):
        roles[user_id].append(str(role))
    for record in _records(session, select(User)):
        yield replace(record, fields={**record.fields, "roles": sorted(roles[record.id])})


def _of_case(case: Case) -> Iterator[Select[Any]]:
    of_case = Case.id == case.id
    proposals = select(Proposal.id).where(Proposal.case_id == case.id)
    determinations = select(Determination.id).where(Determination.case_id == case.id)
    episodes = select(Episode.id).where(Episode.case_id == case.id)
    named = select(DeterminationFlag.flag_id).where(DeterminationFlag.determination_id.in_(determinations))
    plans = select(NoticePlan.id).where(NoticePlan.case_id == case.id)
    notices = select(Notice.id).where(Notice.plan_id.in_(plans))
    measures = select(Measure.id).where(Measure.case_id == case.id)
    subscriptions = select(Subscription.id).where(Subscription.tenant_id == case.tenant_id)

    yield select(Case).where(of_case)
    yield select(Episode).where(Episode.case_id == case.id)
    yield select(Flag).where(Flag.episode_id.in_(episodes) | Flag.id.in_(named))
    for own in (
        CaseComment,
        EvidenceSet,
        Determination,
        Proposal,
        NeedStatement,
        Dispute,
        Stop,
        NoticePlan,
        Measure,
    ):
        yield select(own).where(own.case_id == case.id)
    yield select(DeterminationFlag).where(DeterminationFlag.determination_id.in_(determinations))
    yield select(Approval).where(Approval.proposal_id.in_(proposals))
    yield select(Notice).where(Notice.plan_id.in_(plans))
    yield select(NoticeAttempt).where(NoticeAttempt.notice_id.in_(notices))
    yield select(DeliveryEvent).where(DeliveryEvent.notice_id.in_(notices))
    yield select(PlatformCommand).where(PlatformCommand.measure_id.in_(measures))
    yield select(Reaffirmation).where(Reaffirmation.measure_id.in_(measures))
    yield select(Participation).where(
        (Participation.case_id == case.id)
        | (Participation.case_id.is_(None) & (Participation.tenant_id == case.tenant_id))
    )
    yield select(Tenant).where(Tenant.id == case.tenant_id)
    yield select(Subscription).where(Subscription.tenant_id == case.tenant_id)
    for versioned in (SubscriptionTerms, GoverningDocument, NoticeTermsVersion, Address):
        yield select(versioned).where(versioned.subscription_id.in_(subscriptions))


def _by_id(session: Session, kind: type[PersonalText] | type[User], ids: set[str]) -> Iterator[Record]:
    ordered = sorted(ids)
    for first in range(0, len(ordered), _AT_ONCE):
        yield from _records(session, select(kind).where(kind.id.in_(ordered[first : first + _AT_ONCE])))


def _records(session: Session, statement: Select[Any]) -> Iterator[Record]:
    for row in session.scalars(statement.execution_options(yield_per=_AT_ONCE)):
        yield record_of(row)
