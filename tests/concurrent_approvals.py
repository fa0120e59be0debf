"""Many cases, each of its own tenant, approved and enforced at the same moment by one process."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Barrier

from sqlalchemy import Engine, select

from cjp_fraud.notices.methods.mail_server import MailServer
from cjp_fraud.people.model import Decision
from cjp_fraud.review.approval import approve
from cjp_fraud.review.claim import claim
from cjp_fraud.review.determination import determine_fraud
from cjp_fraud.review.model import CaseState, TenantsPart
from cjp_fraud.review.requests import FraudFinding
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.enforcement import enforce
from cjp_fraud.suspension.gate_facts import approval_obstacles, proposal_obstacles
from tests.case_builders import (
    GROUNDS,
    OUTBOUND_VOICE,
    START,
    StaffedDeployment,
    a_flag,
    flag,
    open_staffed,
    read_rows,
)
from tests.contract_builders import a_row


def determined_cases(
    engine: Engine, folder: Path, mail: MailServer, count: int
) -> tuple[StaffedDeployment, list[str]]:
    """Return a staffed deployment and the ids of ``count`` cases that wait for their approval."""
    tenants = [f"tenant-{number:03d}" for number in range(count)]
    staffed = open_staffed(engine, folder, mail, *(a_row(tenant_id=tenant) for tenant in tenants))
    flag(engine, *(a_flag(START - timedelta(minutes=30), tenant) for tenant in tenants), cap=count)
    with reading(engine) as session:
        cases = list(session.scalars(select(Case.id).order_by(Case.number)))
    finding = FraudFinding(
        tenants_part=TenantsPart.VICTIM, reasons="at night", measure=OUTBOUND_VOICE, grounds=GROUNDS
    )
    with transaction(engine) as session:
        decision = Decision(session, staffed.people["rita"], staffed.now)
        for case_id in cases:
            claim(decision, case_id)
            determine_fraud(
                decision,
                case_id,
                finding,
                policy=staffed.policy,
                read_rows=read_rows,
                obstacles=proposal_obstacles,
            )
    return staffed, cases


def approve_at_once(staffed: StaffedDeployment, cases: Sequence[str]) -> list[CaseState | Exception]:
    """Approve and enforce each case in a thread of its own, all started together; return how each ended."""
    barrier = Barrier(len(cases))

    def run(case_id: str) -> CaseState | Exception:
        barrier.wait()
        try:
            with transaction(staffed.engine) as session:
                decision = Decision(session, staffed.people["adam"], staffed.now)
                approve(decision, case_id, partial(approval_obstacles, policy=staffed.policy))
            return enforce(staffed.enforcement(), case_id).state
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(cases)) as threads:
        return list(threads.map(run, cases))
