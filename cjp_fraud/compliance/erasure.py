"""Erase the texts of a tenant: words, addresses, letters, dialogues, reports. Their digests stay, and all verifies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.audit.named_rows import ERASED
from cjp_fraud.audit.row_digests import ERASABLE
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.audit.texts import erase_contents, holds_erasable, keep_text
from cjp_fraud.compliance.legal_holds import require_tenant, standing_holds
from cjp_fraud.compliance.tables import LegalHold
from cjp_fraud.contracts.confirmation_tables import ContractEntry, SignedConsent
from cjp_fraud.contracts.tables import Address, Subscription, Tenant
from cjp_fraud.contracts.tenant_reach import require_tenant_reach
from cjp_fraud.errors import refuse_unless
from cjp_fraud.notices.tables import DeliveryEvent
from cjp_fraud.people.model import Actor, Decision, Role
from cjp_fraud.people.tables import User
from cjp_fraud.review.cases import in_words
from cjp_fraud.review.decision_tables import Dispute
from cjp_fraud.review.model import CLOSED_STATES, DisputeState
from cjp_fraud.review.quality_tables import QualityReading
from cjp_fraud.review.queue_tables import BulkDismissal, BulkDismissalCase, KnownEvent
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.base import Base
from cjp_fraud.suspension.case_records import records_of_case
from cjp_fraud.suspension.follow_ups_due import follow_ups_due


@dataclass(frozen=True, slots=True)
class TenantsTexts:
    """What may be erased of a tenant.

    Parameters
    ----------
    tenant : its name is erased too.
    rows : rows of the tables of :data:`~cjp_fraud.audit.row_digests.ERASABLE` that still hold something.
    addresses : the addresses among them, as they are written.
    report_digests : SHA-256 of the delivery reports among them, in the bytes in which they came.
    erased_before : when something was erased last; None: nothing was.
    """

    tenant: Tenant
    rows: tuple[Any, ...]
    addresses: frozenset[str]
    report_digests: frozenset[str]
    erased_before: datetime | None

    @property
    def count(self) -> Counter[str]:
        """How many rows of each table hold something."""
        return Counter(str(row.__tablename__) for row in self.rows)

    @property
    def nothing_left(self) -> bool:
        """Whether all was erased already."""
        return not self.rows and self.tenant.name is None


def texts_of_tenant(session: Session, tenant_id: str) -> TenantsTexts:
    """Return what may be erased of a tenant: what its cases, its address book and its holds refer to.

    Raises
    ------
    NotFoundError
        If there is no such tenant.
    """
    tenant = require_tenant(session, tenant_id)
    address_texts = set(
        session.scalars(
            select(Address.text_id)
            .join(Subscription, Subscription.id == Address.subscription_id)
            .where(Subscription.tenant_id == tenant_id)
        )
    )
    entry_texts = set(
        session.scalars(select(ContractEntry.text_id).where(ContractEntry.tenant_id == tenant_id))
    )
    entry_texts |= set(
        session.scalars(
            select(QualityReading.reasons_text_id).where(
                QualityReading.tenant_id == tenant_id, QualityReading.reasons_text_id.is_not(None)
            )
        )
    )
    consents = select(SignedConsent.end_text_id).where(
        SignedConsent.tenant_id == tenant_id, SignedConsent.end_text_id.is_not(None)
    )
    ended_texts = {text_id for text_id in session.scalars(consents) if text_id is not None}
    events = select(KnownEvent.words_text_id).where(KnownEvent.tenant_id == tenant_id)
    entry_texts |= set(session.scalars(events))
    holds = session.scalars(select(LegalHold).where(LegalHold.tenant_id == tenant_id)).all()
    texts = (
        address_texts
        | entry_texts
        | ended_texts
        | {text for hold in holds for text in (hold.reason_text_id, hold.release_text_id) if text is not None}
    )
    # The reasons of a bulk dismissal stand with it beside the copies of its cases.
    texts |= set(
        session.scalars(
            select(BulkDismissal.reasons_text_id)
            .join(BulkDismissalCase, BulkDismissalCase.dismissal_id == BulkDismissal.id)
            .join(Case, Case.id == BulkDismissalCase.case_id)
            .where(Case.tenant_id == tenant_id)
        )
    )
    named = {(PersonalText.__tablename__, text_id) for text_id in texts}
    for case_id in session.scalars(select(Case.id).where(Case.tenant_id == tenant_id)).all():
        records = records_of_case(session, case_id, attached_bytes=False)
        named |= {(record.table, record.id) for record in records}
    rows = list(_rows(session, named))
    held = [row for row in rows if holds_erasable(row)]
    return TenantsTexts(
        tenant=tenant,
        rows=tuple(held),
        addresses=frozenset(
            row.body for row in held if isinstance(row, PersonalText) and row.id in address_texts and row.body
        ),
        report_digests=frozenset(
            row.report_sha256 for row in held if isinstance(row, DeliveryEvent) and row.report_sha256
        ),
        erased_before=max((row.erased_at for row in rows if row.erased_at is not None), default=None),
    )


def refuse_to_erase(session: Session, by: Actor, tenant_id: str, *, further: tuple[str, ...] = ()) -> None:
    """Refuse an erasure while something still needs the texts, or they are held.

    Parameters
    ----------
    further : what else stands in the way, a sentence each.

    Raises
    ------
    Refused
        Names all that stands in the way.
    """
    require_tenant_reach(session, by, tenant_id, {Role.COUNSEL})
    refuse_unless(
        (by.may(Role.COUNSEL), f"{by} is not counsel"),
        *((False, sentence) for sentence in _needs(session, tenant_id)),
        *((False, sentence) for sentence in further),
        action=f"erase the texts of tenant {tenant_id}",
    )


def erase_texts(decision: Decision, texts: TenantsTexts, reason: str) -> None:
    """Erase, and put on record who did and why; the entry names every row of which something was erased.

    The caller has held the log's lock since before ``texts`` were read.

    Raises
    ------
    Refused
        If no reason is given.
    """
    session, tenant = decision.session, texts.tenant
    refuse_unless((bool(reason.strip()), "give the reason"), action=f"erase the texts of tenant {tenant.id}")
    words = keep_text(session, reason.strip(), decision.at)
    for row in texts.rows:
        erase_contents(row, decision.at)
    content = {
        "reason_text_id": words.id,
        "reason_sha256": words.sha256,
        "rows": dict(sorted(texts.count.items())),
        "name": tenant.name is not None,
    }
    tenant.name = None
    append(decision, ERASED, Tenant.__tablename__, tenant.id, content)


def _needs(session: Session, tenant_id: str) -> Iterator[str]:
    """Yield why the texts must stay for now."""
    for hold in standing_holds(session, tenant_id):
        held_by = session.get_one(User, hold.held_by).name
        yield (
            f"legal hold {hold.id} of {held_by} stands since {hold.held_at:%Y-%m-%d} "
            f"(cjp-fraud privacy release-hold {hold.id})"
        )
    cases = session.scalars(select(Case).where(Case.tenant_id == tenant_id).order_by(Case.number)).all()
    for case in cases:
        if case.state not in CLOSED_STATES:
            yield f"{in_words(case)} is {case.state}: its texts are still needed until it is closed"
    numbers = {case.id: in_words(case) for case in cases}
    for dispute in session.scalars(
        select(Dispute).where(Dispute.case_id.in_(numbers), Dispute.state == DisputeState.OPEN)
    ):
        yield f"dispute {dispute.id} of {numbers[dispute.case_id]} is open: its texts are needed until it is decided"
    for case in cases:
        if case.state in CLOSED_STATES:
            for letter in follow_ups_due(session, case.id):
                yield f"the letter of {letter.kind} of {in_words(case)} is still to be sent (cjp-fraud run-due)"


def _rows(session: Session, named: set[tuple[str, str]]) -> Iterator[Any]:
    """Yield the rows of tables that hold something erasable, in the order of their ids."""
    kinds = {mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers}
    for table in ERASABLE:
        for row_id in sorted(row_id for of_table, row_id in named if of_table == table):
            yield session.get_one(kinds[table], row_id)
