"""The documents of a contract on record, and which of them governs at a moment."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cjp_fraud.contracts.contract_documents import DocumentSet
from cjp_fraud.contracts.governing import Bought, Governing, governing, no_governing
from cjp_fraud.contracts.model import Reading
from cjp_fraud.contracts.stated import Unstated
from cjp_fraud.contracts.tables import ContractDocuments
from cjp_fraud.documents import from_document
from cjp_fraud.errors import BadInputError
from cjp_fraud.storage.database import read_once
from cjp_fraud.storage.read_rows import has_none

# Made once: to make a statement takes longer than to run it.
_DOCUMENTS: Final = (
    select(ContractDocuments)
    .where(
        ContractDocuments.subscription_id == bindparam("subscription_id"),
        ContractDocuments.counts_at(bindparam("at")),
    )
    .order_by(ContractDocuments.version.desc())
    .limit(1)
)


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
        return GoverningOnRecord(row, None, no_governing((fault,)))
    return GoverningOnRecord(row, documents, governing(documents, bought, day))


def reading_of_documents(stored: str | None, bought: Bought, at: datetime, time_zone: str) -> Reading | None:
    """Return whether the notice terms are read that the documents of a contract have on a day.

    None: none of those that hold then has any, and the terms of the contract as a whole count.

    Parameters
    ----------
    stored : the documents as they are stored; None: counsel has entered none.
    at : aware; its day is taken in ``time_zone``, the tenant's.
    """
    if stored is None or '"notice_terms"' not in stored:
        return None
    try:
        documents = from_document(DocumentSet, json.loads(stored))
    except (BadInputError, ValueError):
        return Reading.NOT_READ
    answer = governing(documents, bought, at.astimezone(ZoneInfo(time_zone)).date())
    if answer.terms_of is None:
        return None
    return Reading.NOT_READ if isinstance(answer.terms, Unstated) else Reading.READ


def documents_at(session: Session, subscription_id: str, at: datetime) -> ContractDocuments | None:
    """Return the version of the documents that counted at ``at`` (aware); None: none did."""
    asked = {"subscription_id": subscription_id, "at": at}
    if has_none(session, ContractDocuments, subscription_id):
        return None
    return read_once(session, ("documents", subscription_id, at), lambda: session.scalar(_DOCUMENTS, asked))
