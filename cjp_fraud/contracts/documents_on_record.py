"""The documents of a contract on record, and which of them governs at a moment."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.contracts.contract_documents import DocumentSet
from cjp_fraud.contracts.governing import Bought, Governing, governing
from cjp_fraud.contracts.model import Right
from cjp_fraud.contracts.tables import ContractDocuments
from cjp_fraud.documents import from_document
from cjp_fraud.errors import BadInputError


@dataclass(frozen=True, slots=True)
class GoverningOnRecord:
    """What governs, the documents that say so (None: they cannot be read), and the row that holds them."""

    row: ContractDocuments
    documents: DocumentSet | None
    governing: Governing


def governing_at(
    session: Session,
    subscription_id: str,
    bought: Bought,
    at: datetime,
    time_zone: str,
    *,
    known_at: datetime | None = None,
) -> GoverningOnRecord | None:
    """Return what governs a subscription at ``at``; None: counsel has entered no documents.

    Parameters
    ----------
    at : aware; its day is taken in ``time_zone``, the tenant's.
    known_at : by the documents that were in force at this moment (aware); None: at ``at``.
    """
    row = documents_at(session, subscription_id, known_at or at)
    if row is None:
        return None
    day = at.astimezone(ZoneInfo(time_zone)).date()
    try:
        documents = from_document(DocumentSet, json.loads(row.documents))
    except (BadInputError, ValueError) as error:
        fault = f"the documents of the contract cannot be read: {error}"
        unread = Governing(None, None, Right.NOT_READ, None, False, None, (), (), (fault,))
        return GoverningOnRecord(row, None, unread)
    return GoverningOnRecord(row, documents, governing(documents, bought, day))


def documents_at(session: Session, subscription_id: str, at: datetime) -> ContractDocuments | None:
    """Return the version of the documents that counted at ``at`` (aware); None: none did."""
    return session.scalar(
        select(ContractDocuments)
        .where(ContractDocuments.subscription_id == subscription_id, ContractDocuments.counts_at(at))
        .order_by(ContractDocuments.version.desc())
        .limit(1)
    )
