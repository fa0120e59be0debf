"""The rules of the verification are asked of the database and of a bundle: each is seen through both."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from cjp_fraud.audit.log import append
from cjp_fraud.audit.named_rows import ACT_ROWS, act_faults
from cjp_fraud.compliance.archive import opened
from cjp_fraud.compliance.export import export_evidence
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.compliance.verification import verify_file
from cjp_fraud.people.model import Decision
from cjp_fraud.review.decision_tables import Approval, Proposal
from cjp_fraud.storage.database import transaction
from tests.integration.compliance.conftest import CaseSteps


def found_by_both(case: CaseSteps, sentence: str) -> None:
    """A sentence stands in what the log's verification says, and in what the bundle's does."""
    out = case.folder / "bundle.zip"
    export_evidence(case.engine, case.case_id, out, case.who("cora"), case.tick())
    for faults in (verify_log(case.engine).faults, verify_file(out).faults):
        assert any(sentence in fault for fault in faults), faults


def forged_entry(case: CaseSteps, action: str, content: dict[str, Any], by: str = "cora") -> None:
    """Somebody who can write to the log writes an entry of an act that never was."""
    with transaction(case.engine) as session:
        decision = Decision(session, case.who(by), case.tick())
        append(decision, action, "cases", case.case_id, content, case_id=case.case_id)


def test_a_move_from_a_state_in_which_the_log_did_not_leave_the_case(case: CaseSteps) -> None:
    case.flagged()
    forged_entry(case, "case.dismissed_again", {"from": "suspended", "to": "reinstated"})
    found_by_both(case, "moves the case from suspended, but the log left it open")


def test_an_act_that_wrote_no_participation(case: CaseSteps) -> None:
    case.flagged()
    forged_entry(case, "case.claimed", {})
    found_by_both(case, "the act wrote no row of participations, and must have")


def forged_approval(case: CaseSteps, *, by: str, of: str) -> None:
    """Somebody who can write to the log, acting as ``by``, approves in the name of ``of``."""
    acting, named = case.who(by), case.who(of)
    with transaction(case.engine) as session:
        proposal = session.scalars(select(Proposal)).one()
        session.add(
            Approval(
                proposal_id=proposal.id,
                proposal_sha256=proposal.sha256,
                determined_by=proposal.determined_by,
                drawn_at=proposal.drawn_at,
                capacity="approver",
                by_user_id=named.user_id,
                at=case.tick(),
            )
        )
        decision = Decision(session, acting, case.now)
        append(decision, "case.consented", "cases", case.case_id, {}, case_id=case.case_id)


def test_an_approval_in_another_persons_name(case: CaseSteps) -> None:
    case.flagged()
    case.determined()
    forged_approval(case, by="cora", of="aron")
    found_by_both(case, "says who made it, but the entry that names it first is of")


def test_what_the_gate_would_have_said_of_an_act(case: CaseSteps) -> None:
    """Counsel approved as an approver: the approval is on the log, in order, and all its digests are right."""
    case.flagged()
    case.determined()
    forged_approval(case, by="cora", of="cora")
    found_by_both(case, "cora is not an approver")


@pytest.mark.parametrize("action", sorted(ACT_ROWS))
def test_every_act_is_asked_for_each_of_its_rows(action: str) -> None:
    rows = [{"table": table, "id": "1", "sha256": "0" * 64} for table in ACT_ROWS[action]]
    assert list(act_faults(1, action, "somebody", rows)) == []
    for missing in rows:
        left = [row for row in rows if row is not missing]
        assert len(list(act_faults(1, action, "somebody", left))) == 1
    assert "participations" not in "".join(act_faults(1, action, "system:test", []))


@pytest.mark.both_databases
def test_the_acts_of_a_whole_case_name_their_rows(steps: CaseSteps) -> None:
    steps.suspended()
    steps.kept_and_disputed()
    steps.reinstated()
    assert verify_log(steps.engine).faults == ()
    out = steps.folder / "bundle.zip"
    export_evidence(steps.engine, steps.case_id, out, steps.who("cora"), steps.tick())
    assert verify_file(out).faults == ()
    told = [json.loads(line) for line in opened(out.read_bytes()).files["audit.jsonl"].splitlines()]
    acts = {line["entry"]["action"] for line in told if "entry" in line}
    assert len(acts & set(ACT_ROWS)) > 10
