"""Read every row that belongs to one case, or every audited row there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    CompoundSelect,
    Select,
    bindparam,
    exists,
    inspect,
    literal,
    select,
    union_all,
)
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Mapper, Session, defer

from cjp_fraud.audit.entries_of_case import entries_about
from cjp_fraud.audit.mapped_rows import record_of
from cjp_fraud.audit.row_digests import Record
from cjp_fraud.audit.tables import Home, PersonalText
from cjp_fraud.contracts.confirmation_tables import ContractConfirmation, FeedEdit, SignedConsent
from cjp_fraud.contracts.tables import (
    Address,
    ContractDocuments,
    GoverningDocument,
    NoticeTermsVersion,
    ProvisioningRecord,
    ReasonProfileVersion,
    Site,
    Subscription,
    SubscriptionTerms,
    Tenant,
)
from cjp_fraud.detection.tables import ModelVersion
from cjp_fraud.notices.tables import DeliveryEvent, Notice, NoticeAttempt, NoticePlan, PageCode, SmtpAttempt
from cjp_fraud.people.tables import Identity, Participation, User, UserRole
from cjp_fraud.review.decision_tables import (
    Approval,
    Determination,
    DeterminationFlag,
    Dispute,
    EmergencyOrder,
    LetterOrder,
    NeedStatement,
    Proposal,
    Stop,
    WrongfulMeasure,
)
from cjp_fraud.review.tables import (
    Attachment,
    AttachmentContent,
    Case,
    CaseComment,
    Episode,
    EvidenceSet,
    Flag,
)
from cjp_fraud.storage.base import Base, import_all_tables
from cjp_fraud.storage.database import AT_ONCE, in_parts
from cjp_fraud.storage.read_rows import RowsByOwner, has_none, keep_rows
from cjp_fraud.suspension.stage_tables import ReinstatementHold, ReinstatementPlan
from cjp_fraud.suspension.tables import (
    Cap,
    Entitlement,
    Measure,
    Narrowing,
    PlatformCommand,
    Reaffirmation,
)

# Made once: to make a statement takes longer than to run it.
_USERS: Final = select(User.id)
_IDENTITIES: Final = select(Identity).where(Identity.user_id.in_(bindparam("user_ids", expanding=True)))
_ROLES: Final = (
    select(UserRole)
    .where(UserRole.user_id.in_(bindparam("user_ids", expanding=True)))
    .order_by(UserRole.user_id, UserRole.id)
)
_ATTACHED: Final = (
    select(AttachmentContent)
    .join(Attachment, Attachment.id == AttachmentContent.attachment_id)
    .where(Attachment.case_id == bindparam("case_id"))
    .order_by(AttachmentContent.id)
)
_ATTACHED_WITHOUT_BYTES: Final = _ATTACHED.options(defer(AttachmentContent.content))

_OF_SUBSCRIPTION: Final = (
    *(Site, SubscriptionTerms, ProvisioningRecord, ContractDocuments),
    *(GoverningDocument, NoticeTermsVersion, Address),
)
_OF_TENANT: Final = (Tenant, Subscription, FeedEdit, ContractConfirmation, SignedConsent)

SUBJECTS: Final = frozenset({"tenants", "subscriptions", "users"})
"""Tables whose rows belong to a case and to others too: entries about them are of no case."""

TABLES_OF_SUBJECTS: Final = frozenset(
    kind.__tablename__
    for kind in (
        *(Tenant, Subscription, Site, SubscriptionTerms, GoverningDocument, NoticeTermsVersion, Address),
        *(ContractDocuments, ProvisioningRecord, SignedConsent),
        *(User, UserRole, Identity, FeedEdit, ContractConfirmation),
    )
)
"""Tables of which every row of such a subject is a row of the case."""

_NO_SUCH_VALUE: Final = (LookupError, TypeError, ValueError, StatementError)
"""What reading a row raises if one of its values is none of the column's kind."""


def records_of_case(
    session: Session, case_id: str, *, attached_bytes: bool = True, keeps_rows: bool = False
) -> list[Record]:
    """Return all rows of a case: its own, its tenant's contract, the persons and texts that they and the log name.

    Parameters
    ----------
    attached_bytes : whether what attached files hold is read too; else it is withheld, and the digests of the rows are
        the same, because it may be erased.
    keeps_rows : whether a session for reading only keeps the rows for others that read in it.
    """
    entries = entries_about(session, case_id)
    case = session.get_one(Case, case_id)
    of_case = {"case_id": case_id, "tenant_id": case.tenant_id}
    found = set(session.scalars(_tables_with_rows(), of_case))
    records = []
    rows: dict[type[Base], list[Base]] = {}
    for kind, statement in _of_case().items():
        kept = rows.setdefault(kind, [])
        found_rows: Iterable[Base] = ()
        if kind is Case:
            found_rows = (case,)
        elif kind.__tablename__ in found:
            found_rows = session.scalars(statement, of_case)
        for row in found_rows:
            records.append(record_of(row))
            if keeps_rows:
                kept.append(row)
    if keeps_rows:
        keep_rows(session, _by_owner(case, rows))
    if not has_none(session, Attachment, case_id):
        records += _attached(session, case_id, attached_bytes=attached_bytes)
    versions = {record.fields["model_version"] for record in records if record.table == Flag.__tablename__}
    records += _by_id(session, ModelVersion, versions - {None})
    texts = {
        str(value)
        for record in records
        for column, value in record.fields.items()
        if column.endswith("text_id") and value is not None
    }
    texts |= {
        row_id for entry in entries for table, row_id in entry.named if table == PersonalText.__tablename__
    }
    records += _by_id(session, PersonalText, texts)
    named = {value for record in records for value in record.fields.values() if isinstance(value, str)}
    return records + _people(session, named | {entry.actor for entry in entries})


def _by_owner(case: Case, rows: Mapping[type[Base], Sequence[Base]]) -> RowsByOwner:
    """Return a case's rows by what they belong to: the case, its tenant, the tenant's subscription or provider."""
    subscriptions = [str(row.id) for row in rows[Subscription] if isinstance(row, Subscription)]
    by_owner: dict[tuple[type[Base], str], list[Base]] = {}
    for kind, of_kind in rows.items():
        if kind in _OF_SUBSCRIPTION:
            by_owner |= {(kind, each): [] for each in subscriptions}
            for row in of_kind:
                by_owner[kind, row.__dict__["subscription_id"]].append(row)
        elif kind is Participation:
            by_owner[kind, case.id] = [row for row in of_kind if row.__dict__["case_id"] == case.id]
        elif kind is ReasonProfileVersion:
            by_owner |= {(kind, row.__dict__["provider_id"]): list(of_kind) for row in rows[Tenant]}
        else:
            by_owner[kind, case.tenant_id if kind in _OF_TENANT else case.id] = list(of_kind)
    return by_owner


def _attached(session: Session, case_id: str, *, attached_bytes: bool) -> Iterator[Record]:
    """Yield the rows with what the case's attached files hold, one file at a time."""
    of_case = {"case_id": case_id}
    if attached_bytes:
        yield from _records(session, _ATTACHED, of_case, at_once=1)
        return
    for row in session.scalars(_ATTACHED_WITHOUT_BYTES, of_case):
        yield record_of(row, without=frozenset({AttachmentContent.content.key}))


def _people(session: Session, named: set[str]) -> list[Record]:
    """Return the users and roles of the persons named, of whoever made them, and so on back to ``init``."""
    users = set(session.scalars(_USERS))
    records: list[Record] = []
    done, fresh = set[str](), named & users
    while fresh:
        made = [*_by_id(session, User, fresh), *_roles_of(session, fresh)]
        records += made
        done |= fresh
        makers = {record.fields.get(column) for record in made for column in ("created_by", "granted_by")}
        fresh = {maker for maker in makers if maker is not None} & users - done
    return records


def records_behind(session: Session, records: Sequence[Record]) -> list[Record]:
    """Return the rows behind a case's own that a measure rests on too: what these refer to, and their people's names.

    They are read for the gate alone: a case's bundle has no need of a person's accounts and addresses.
    """
    import_all_tables()
    kinds = {mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers}
    behind: list[Record] = []
    asked, fresh = {(record.table, record.id) for record in records}, list(records)
    while missing := references(fresh) - asked:  # what a row refers to may refer to others
        asked |= missing
        ids_of = defaultdict[str, set[str]](set)
        for table, row_id in missing:
            ids_of[table].add(row_id)
        fresh = [
            record
            for table, ids in sorted(ids_of.items())
            if kinds[table].NOT_AUDITED is None
            for record in _by_id(session, kinds[table], ids)
        ]
        behind += fresh
    people = sorted(record.id for record in records if record.table == User.__tablename__)
    for some in in_parts(people):
        behind += _records(session, _IDENTITIES, {"user_ids": some})
    return behind


def references(records: Iterable[Record]) -> set[tuple[str, str]]:
    """Return table and id of every row that these rows refer to by a foreign key."""
    tables = Base.metadata.tables
    return {
        (key.column.table.name, str(record.fields[column.name]))
        for record in records
        for column in tables[record.table].columns
        for key in column.foreign_keys
        if key.column.primary_key and record.fields.get(column.name) is not None
    }


def all_records(session: Session, unreadable: list[str]) -> Iterator[Record]:
    """Yield every row of every audited table, a few at a time.

    Parameters
    ----------
    unreadable : takes a sentence for each row with a value that its column cannot have; the row is not yielded.
    """
    import_all_tables()
    for mapper in Base.registry.mappers:
        if mapper.class_.NOT_AUDITED is None:
            try:
                at_once = 1 if mapper.class_ is AttachmentContent else AT_ONCE
                yield from _records(session, select(mapper.class_), at_once=at_once)
            except _NO_SUCH_VALUE:
                yield from _readable_records(session, mapper, unreadable)


def _readable_records(session: Session, mapper: Mapper[Any], unreadable: list[str]) -> Iterator[Record]:
    """Yield a table's rows one by one, but for those that no command can have written."""
    keys = mapper.primary_key
    for values in session.execute(select(*keys)).all():
        statement = select(mapper.class_).where(
            *(key == value for key, value in zip(keys, values, strict=True))
        )
        try:
            yield from _records(session, statement)
        except _NO_SUCH_VALUE as error:
            where = f"{mapper.class_.__tablename__} {'/'.join(map(str, values))}"
            unreadable.append(f"{where} cannot be read ({error}): it was edited behind the application")


@cache
def _of_case() -> dict[type[Base], Select[Any]]:
    """Return what reads the rows of the case ``:case_id`` of the tenant ``:tenant_id``, by kind.

    Made once: making these statements takes longer than reading what they find.
    """
    by_kind = {
        statement.column_descriptions[0]["entity"]: statement.execution_options(yield_per=AT_ONCE)
        for statement in _statements_of_case()
    }
    assert len(by_kind) == sum(1 for _ in _statements_of_case()), "one statement a table"
    return by_kind


@cache
def _tables_with_rows() -> CompoundSelect[Any]:
    """Return what names the tables that have rows of the case: most have none, and are then not asked."""
    return union_all(
        *(
            select(literal(kind.__tablename__)).where(exists(statement))
            for kind, statement in _of_case().items()
        )
    )


def _statements_of_case() -> Iterator[Select[Any]]:
    case_id: BindParameter[str] = bindparam("case_id")
    tenant_id: BindParameter[str] = bindparam("tenant_id")
    proposals = select(Proposal.id).where(Proposal.case_id == case_id)
    determinations = select(Determination.id).where(Determination.case_id == case_id)
    episodes = select(Episode.id).where(Episode.case_id == case_id)
    named = select(DeterminationFlag.flag_id).where(DeterminationFlag.determination_id.in_(determinations))
    plans = select(NoticePlan.id).where(NoticePlan.case_id == case_id)
    notices = select(Notice.id).where(Notice.plan_id.in_(plans))
    measures = select(Measure.id).where(Measure.case_id == case_id)
    subscriptions = select(Subscription.id).where(Subscription.tenant_id == tenant_id)

    yield select(Home)
    yield select(Case).where(Case.id == case_id)
    yield select(Episode).where(Episode.case_id == case_id)
    yield select(Flag).where(Flag.episode_id.in_(episodes) | Flag.id.in_(named))
    for own in (
        CaseComment,
        Attachment,
        EvidenceSet,
        Determination,
        Proposal,
        EmergencyOrder,
        NeedStatement,
        LetterOrder,
        Dispute,
        Stop,
        NoticePlan,
        Measure,
        ReinstatementPlan,
        ReinstatementHold,
        Narrowing,
        WrongfulMeasure,
        Cap,
    ):
        yield select(own).where(own.case_id == case_id)
    yield select(DeterminationFlag).where(DeterminationFlag.determination_id.in_(determinations))
    yield select(Approval).where(Approval.proposal_id.in_(proposals))
    yield select(Notice).where(Notice.plan_id.in_(plans))
    attempts = select(NoticeAttempt.id).where(NoticeAttempt.notice_id.in_(notices))
    yield select(NoticeAttempt).where(NoticeAttempt.notice_id.in_(notices))
    yield select(SmtpAttempt).where(SmtpAttempt.attempt_id.in_(attempts))
    yield select(DeliveryEvent).where(DeliveryEvent.notice_id.in_(notices))
    yield select(PageCode).where(PageCode.notice_id.in_(notices))
    yield select(PlatformCommand).where(PlatformCommand.measure_id.in_(measures))
    yield select(Reaffirmation).where(Reaffirmation.measure_id.in_(measures))
    caps = select(Cap.id).where(Cap.case_id == case_id)
    yield select(Entitlement).where(Entitlement.measure_id.in_(measures) | Entitlement.measure_id.in_(caps))
    yield select(Participation).where(
        (Participation.case_id == case_id)
        | (Participation.case_id.is_(None) & (Participation.tenant_id == tenant_id))
    )
    yield select(Tenant).where(Tenant.id == tenant_id)
    providers = select(Tenant.provider_id).where(Tenant.id == tenant_id)
    yield select(ReasonProfileVersion).where(ReasonProfileVersion.provider_id.in_(providers))
    yield select(Subscription).where(Subscription.tenant_id == tenant_id)
    yield select(Site).where(Site.subscription_id.in_(subscriptions))
    for of_tenant in (FeedEdit, ContractConfirmation, SignedConsent):
        yield select(of_tenant).where(of_tenant.tenant_id == tenant_id)
    for versioned in (
        *(SubscriptionTerms, ProvisioningRecord, ContractDocuments),
        *(GoverningDocument, NoticeTermsVersion, Address),
    ):
        yield select(versioned).where(versioned.subscription_id.in_(subscriptions))


def _by_id(session: Session, kind: type[Base], ids: Collection[str]) -> Iterator[Record]:
    for some in in_parts(sorted(ids)):
        yield from _records(session, _of_ids(kind), {"ids": some})


@cache
def _of_ids(kind: type[Base]) -> Select[Any]:
    key = inspect(kind).primary_key[0]
    return select(kind).where(key.in_(bindparam("ids", expanding=True))).order_by(key)


def _roles_of(session: Session, user_ids: set[str]) -> Iterator[Record]:
    for some in in_parts(sorted(user_ids)):
        yield from _records(session, _ROLES, {"user_ids": some})


def _records(
    session: Session,
    statement: Select[Any],
    values: Mapping[str, Any] | None = None,
    *,
    at_once: int = AT_ONCE,
) -> Iterator[Record]:
    for row in session.scalars(statement, values, execution_options={"yield_per": at_once}):
        yield record_of(row)
