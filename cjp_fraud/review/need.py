"""Say again that a measure is needed, where no flag is fresh (gate, point 8)."""

from __future__ import annotations

from cjp_fraud.audit.texts import keep_text
from cjp_fraud.errors import refuse_unless
from cjp_fraud.people.model import Decision, Role
from cjp_fraud.review.cases import in_words, lock_case, note
from cjp_fraud.review.model import BEFORE_THE_MEASURE
from cjp_fraud.review.tables import NeedStatement
from cjp_fraud.storage.base import new_id


def state_need(decision: Decision, case_id: str, reasons: str) -> NeedStatement:
    """Record that a person says again, with reasons, that the approved measure is needed."""
    session, by, at = decision.session, decision.by, decision.at
    case = lock_case(session, case_id)
    refuse_unless(
        (case.state in BEFORE_THE_MEASURE, f"it is {case.state}; there is no approved measure to be taken"),
        (by.may(Role.REVIEWER, Role.APPROVER), f"{by} is neither a reviewer nor an approver"),
        (bool(reasons.strip()), "give the reasons"),
        action=f"say that the measure of {in_words(case)} is needed",
    )
    assert by.user_id is not None, "only persons have roles"
    kept = keep_text(session, reasons.strip(), at)
    statement = NeedStatement(
        id=new_id(), case_id=case.id, by_user_id=by.user_id, at=at, reasons_text_id=kept.id
    )
    session.add(statement)
    session.flush()
    content = {"statement_id": statement.id, "text_id": kept.id, "text_sha256": kept.sha256}
    note(decision, case, "case.need_stated", content)
    return statement
