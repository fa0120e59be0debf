"""The customer disputes a letter on its notice page, in a visit that a code opened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cjp_fraud.deployment import Deployment
from cjp_fraud.notices.page_key import page_key
from cjp_fraud.notices.tables import NoticePlan
from cjp_fraud.operations.cases import enforce_now
from cjp_fraud.operations.notice_page_views import Door, door_of, is_disputable, open_from_page, until_when
from cjp_fraud.operations.notice_page_visits import PAGE, client_of, contact_of, deny_step, log_step, visit_of
from cjp_fraud.people.model import Decision
from cjp_fraud.review.cases import lock_case
from cjp_fraud.review.dispute import open_dispute
from cjp_fraud.review.dispute_deadlines import dispute_faults
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.stops_on_record import filed_dispute_that_stops
from cjp_fraud.storage.database import transaction


@dataclass(frozen=True, slots=True)
class Disputed:
    """What came of it.

    Parameters
    ----------
    door : ``OPEN``: it is on record, now or since before; else why it is not.
    faults : why the words are no dispute; none: they are one.
    lift : case whose measure the contract wants lifted because a dispute was filed, for :func:`lift_what_filing_stops`;
        None: none.
    """

    door: Door
    faults: tuple[str, ...] = ()
    lift: str | None = None


def dispute(
    deployment: Deployment, now: datetime, token: str, visit: str | None, text: str, client: str
) -> Disputed:
    """Enter the dispute of a contact who opened a letter's page with a code; one waits at a time, however often sent.

    Parameters
    ----------
    visit : what the browser kept of the code.
    text : the customer's words.
    client : network address; kept as a keyed digest.
    """
    key = page_key(deployment.settings)
    with transaction(deployment.engine) as session:
        decision, who = Decision(session, PAGE, now), client_of(deployment, client)
        door, notice = door_of(session, key, token, now)
        if door is not Door.CLOSED or notice is None:
            return Disputed(deny_step(decision, notice, who, door, f"disputed: {door}"))
        row = visit_of(session, notice, visit, now)
        contact = contact_of(session, notice, row, now) if row is not None else None
        if row is None or contact is None:
            return Disputed(deny_step(decision, notice, who, Door.NO_VISIT, "disputed without a code"))
        case = lock_case(session, session.get_one(NoticePlan, notice.plan_id).case_id)
        if open_from_page(session, case.id) is not None:
            return Disputed(Door.OPEN)
        until = until_when(session, notice) if is_disputable(session, case.id) else None
        if faults := dispute_faults(text, now, until):
            deny_step(decision, notice, who, Door.OPEN, f"disputed: {'; '.join(faults)}", code_id=row.id)
            return Disputed(Door.OPEN, faults)
        entered = open_dispute(decision, case.id, text, notice_id=notice.id)
        content = {"dispute_id": entered.id, "code_id": row.id, "role": contact.role, "client": who}
        log_step(decision, notice, "notice_page.disputed", content)
        stops = case.state is CaseState.SUSPENDED and filed_dispute_that_stops(session, case) is not None
        return Disputed(Door.OPEN, lift=case.id if stops else None)


def lift_what_filing_stops(deployment: Deployment, now: datetime, case_id: str) -> None:
    """Lift at once what the contract wants lifted when a dispute is filed; ``run-due`` does it else."""
    enforce_now(deployment, now, case_id)
