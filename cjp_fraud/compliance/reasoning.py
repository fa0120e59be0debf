"""Why things stood as they did: the contract at each decision with its sources, and how each notice counts as received.

Both are computed from the rows of the case alone, by the functions that the gate asks. What they return is written as
it is: a field that a rule gains stands here too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cjp_fraud.audit.row_digests import Record
from cjp_fraud.clock import utc_text
from cjp_fraud.compliance.bundle_facts import database_of
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.documents import to_document
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.notices.delivery_record import plan_facts
from cjp_fraud.notices.progress import progress_of

_DECISIONS: Final = {
    "determinations": "at",
    "proposals": "drawn_at",
    "approvals": "at",
    "notices": "dispatched_at",
    "measures": "ordered_at",
    "reaffirmations": "at",
}
"""Table → column that says when the decision was taken."""

_UNREADABLE: Final = (CjpFraudError, SQLAlchemyError, LookupError, TypeError, ValueError, AttributeError)
"""What rows raise that somebody edited behind the application; such a case is exported too, and says so."""


def receipts(records: Sequence[Record], as_of: datetime) -> list[dict[str, Any]]:
    """Return of each notice plan how far it had come at a moment, and the reasoning step by step.

    Parameters
    ----------
    as_of : aware; what was known by then counts.
    """
    with database_of(records, None) as session:
        return [
            {
                "plan_id": record.id,
                "kind": record.fields["kind"],
                "mode": record.fields["mode"],
                "as_of": utc_text(as_of),
                **_computed(lambda plan_id: _progress(session, plan_id, as_of), record.id),
            }
            for record in records
            if record.table == "notice_plans"
        ]


def contract_by_decision(records: Sequence[Record], tenant_id: str) -> list[dict[str, Any]]:
    """Return for each decision what the contract said at that moment, and from which rows of the records that is."""
    decisions = sorted(
        (record.fields[column], record.where)
        for record in records
        for table, column in _DECISIONS.items()
        if record.table == table and record.fields.get(column) is not None
    )
    with database_of(records, None) as session:
        return [
            {
                "decision": where,
                "at": at,
                **_computed(lambda moment: _contract(session, tenant_id, moment), str(at)),
                "sources": list(_in_force(records, str(at))),
            }
            for at, where in decisions
        ]


def _progress(session: Session, plan_id: str, as_of: datetime) -> dict[str, Any]:
    return {"progress": to_document(progress_of(plan_facts(session, plan_id), as_of))}


def _contract(session: Session, tenant_id: str, moment: str) -> dict[str, Any]:
    contract = contract_at(session, tenant_id, datetime.fromisoformat(moment))
    return {"contract": to_document(contract) | {"clause": contract.clause}}


def _computed(compute: Any, of: str) -> dict[str, Any]:
    """Return what a rule says, or why it cannot be asked."""
    try:
        answer: dict[str, Any] = compute(of)
    except _UNREADABLE as error:
        return {"not_computed": f"{type(error).__name__}: {error}"}
    return answer


def _in_force(records: Sequence[Record], at: str) -> Iterator[dict[str, Any]]:
    """Yield the versions of contract data in force at a moment, with how and since when they were known."""
    for record in sorted(records, key=lambda record: (record.table, record.id)):
        fields = record.fields
        if not {"valid_from", "valid_to", "source"} <= set(fields):
            continue
        begun = fields["valid_from"] is None or fields["valid_from"] <= at
        ended = fields["valid_to"] is not None and fields["valid_to"] <= at
        if begun and not ended:
            named = ("version", "source", "origin", "valid_from", "valid_to", "recorded_at")
            yield {"row": record.where} | {name: fields[name] for name in named if name in fields}
