"""Builders of tenants and contracts, for tests."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from cjp_fraud.contracts.contract_terms import ContractTerms
from cjp_fraud.contracts.entered_file import read_entered_file
from cjp_fraud.contracts.model import Right
from cjp_fraud.contracts.tenant_import import LoadResult, load_tenants
from cjp_fraud.contracts.terms import NoticeTerms
from cjp_fraud.contracts.terms_file import terms_at
from cjp_fraud.contracts.versions import enter_terms
from cjp_fraud.people.model import Actor, machine
from cjp_fraud.storage.database import transaction

NOON = datetime(2015, 4, 2, 12, tzinfo=UTC)

PLAIN = {
    "tenant_id": "acme",
    "name": "Acme Ltd.",
    "time_zone": "America/New_York",
    "country": "US",
    "language": "en",
    "hosting": "provider",
    "term_from": "2015-01-01",
    "term_to": "2015-12-31",
    "provisioning_notice_date": "2015-01-01",
    "provisioning_notice_part": "voice",
    "provisioning_notice_proof": "dms:PN-0001",
    "governing_document": "Offer description 10.0",
    "notice_method": "email",
    "notice_address": "notices@acme.example",
}
"""A row that gives the plain terms."""


def a_row(**changes: str) -> dict[str, str]:
    """Return a complete row of the tenants file, changed as told."""
    return PLAIN | changes


def write_csv(file: Path, *rows: dict[str, str]) -> Path:
    """Write rows with all their columns as CSV."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return file


def load_rows(
    engine: Engine, folder: Path, *rows: dict[str, str], by: Actor | None = None, at: datetime = NOON
) -> LoadResult:
    """Load rows as a tenants file."""
    with transaction(engine) as session:
        return load_tenants(session, write_csv(folder / "tenants.csv", *rows), by or machine("tenants"), at)


def terms_of_file(path: Path) -> ContractTerms:
    """Read notice terms that stand in a file of their own, which a contract's file names as ``file:PATH``."""
    file = read_entered_file(path)
    return terms_at(file, (), file.table)


def read_agreement(
    session: Session, terms: NoticeTerms | ContractTerms, at: datetime = NOON - timedelta(days=40)
) -> None:
    """Enter what counsel read at ``at`` (aware) in acme's agreement, which gives the right of clause 2.4."""
    enter_terms(
        session,
        "acme",
        machine("contracts"),
        at,
        reference="Master agreement 3",
        right=Right.CLAUSE_2_4,
        terms=terms,
    )
