"""The ledger of wrongful measures: read it, enter a measure, say what it goes back to and what is credited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.cases import CaseStanding
from cjp_fraud.operations.reach import reached_by
from cjp_fraud.operations.short_ids import id_of
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.decision_tables import WrongfulMeasure
from cjp_fraud.review.model import WrongCause
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension import wrongful_measures
from cjp_fraud.suspension.wrongful_measures import Ledger


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A wrongful measure that was entered or assessed; None: nobody has said it yet. ``id`` is of its line."""

    id: str
    case: CaseStanding
    measure_id: str
    cause: WrongCause | None
    credit_cents: int | None


def look_at_ledger(
    deployment: Deployment, now: datetime, *, since: datetime | None = None, by: str | None = None
) -> Ledger:
    """Return the wrongful measures, the newest first, and how many are overturned per 1,000 tenant-years.

    Parameters
    ----------
    since : aware; only those found from then on, and the tenants' time from then on; None: all.
    by : name of the user who reads, whose roles may be narrowed; None: the account of this machine.
    """
    with reading(deployment.engine) as session:
        return wrongful_measures.ledger(session, now, since, only=reached_by(session, by))


def find_wrong(
    deployment: Deployment, by: str, now: datetime, case: str, *, cause: WrongCause | None, reasons: str
) -> LedgerEntry:
    """Enter the newest measure of a case, which has ended, as wrongful, without a dispute.

    Raises
    ------
    Refused
        Names everything that is missing.
    """
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        entry = wrongful_measures.find_wrong(decision, case_id, cause, reasons)
        return _entry(decision.session.get_one(Case, case_id), entry)


def assess(
    deployment: Deployment,
    by: str,
    now: datetime,
    case: str,
    *,
    line: str | None = None,
    cause: WrongCause | None = None,
    credit_cents: int | None = None,
) -> LedgerEntry:
    """Say what a wrongful measure of a case goes back to, and what is credited; None: as it stands.

    Parameters
    ----------
    line : id of its line of the ledger, or how it begins; None: the only one of the case.

    Raises
    ------
    NotFoundError
        If no such line is on record.
    Refused
        Names everything that is missing.
    """
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        line_id = _line_id(decision.session, line) if line is not None else None
        entry = wrongful_measures.assess(decision, case_id, cause, credit_cents, line_id)
        return _entry(decision.session.get_one(Case, case_id), entry)


def _line_id(session: Session, line: str) -> str:
    return id_of(session, WrongfulMeasure.id, line, "line of the ledger", "cjp-fraud measures ledger --json")


def _entry(case: Case, entry: WrongfulMeasure) -> LedgerEntry:
    return LedgerEntry(entry.id, CaseStanding.of(case), entry.measure_id, entry.cause, entry.credit_cents)
