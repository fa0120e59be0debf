"""Cases of one shared cause: dismissed together with a result each, finished after a kill, undone in time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from cjp_fraud.compliance.erasure import texts_of_tenant
from cjp_fraud.errors import Refused
from cjp_fraud.operations import bulk, cases, people
from cjp_fraud.people.model import Decision, Role
from cjp_fraud.review.decision_tables import Determination
from cjp_fraud.review.joint_events import record_joint_spikes
from cjp_fraud.review.joint_spikes import Group, GroupKind, JointGroup, JointSpikeRow
from cjp_fraud.review.model import BulkResult, CauseKind
from cjp_fraud.review.queue_tables import BulkDismissal
from cjp_fraud.review.requests import BulkWanted
from cjp_fraud.storage.database import reading, transaction
from tests.api_calls import calls_of
from tests.case_builders import DETECTOR, START, a_flag, flag
from tests.chains import chain_faults
from tests.contract_builders import a_row
from tests.queue_pages import QueueUnderTest, a_queue, hidden_in, send

TENANTS = tuple(f"tenant-{number}" for number in range(5))
BEGINS = START - timedelta(minutes=30)
MINUTE = timedelta(minutes=1)


def a_queue_with_an_event(
    engine: Engine, folder: Path, *, countries: Mapping[str, str] | None = None
) -> QueueUnderTest:
    """Five tenants flagged together, the last of them before it too; ``countries``: of some of them, else US."""
    of = countries or {}
    queue = a_queue(engine, folder, *(a_row(tenant_id=name, country=of.get(name, "US")) for name in TENANTS))
    rows = [a_flag(BEGINS, name) for name in TENANTS] + [a_flag(BEGINS - 40 * MINUTE, TENANTS[-1])]
    flag(engine, *rows, at=START, tenant_ids=set(TENANTS))
    joint = JointGroup(Group(GroupKind.ALL), TENANTS, 40, 0.04, 1e-9)
    spike = JointSpikeRow(BEGINS, BEGINS, BEGINS + 5 * MINUTE, joint)
    with transaction(engine) as session:
        window = (START - timedelta(hours=2), START + timedelta(hours=1))
        record_joint_spikes(Decision(session, DETECTOR, START), [spike], window)
    return queue


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """Five tenants flagged together, the last of them before it too."""
    return a_queue_with_an_event(sqlite_engine, tmp_path)


def the_cause(queue: QueueUnderTest, by: str = "rita") -> bulk.CauseView:
    [cause] = bulk.list_causes(queue.deployment, by, queue.deployment.now)
    return cause


def dismissed(queue: QueueUnderTest, expected: int = 4) -> bulk.BulkView:
    wanted = BulkWanted(CauseKind.SOURCE_OUTAGE, expected, "one hour was delivered twice")
    deployment = queue.deployment
    return bulk.dismiss_together(deployment, "rita", deployment.now, the_cause(queue).id, wanted)


def states(queue: QueueUnderTest) -> dict[str, str]:
    cases_on_record = bulk.list_bulks(queue.deployment, queue.deployment.now)[0].cases
    return {each.tenant_id: each.state for each in cases_on_record}


def test_a_case_with_a_flag_outside_of_the_event_is_shown_and_left(queue: QueueUnderTest) -> None:
    cause = the_cause(queue)
    assert (cause.count, len(cause.cases)) == (4, 5)
    [left] = [each for each in cause.cases if each.left_because]
    assert left.tenant_id == TENANTS[-1]
    assert "outside of the event" in (left.left_because or "")


@pytest.mark.both_databases
def test_each_case_gets_the_outcome_and_the_reasons_and_all_is_undone_again(
    engine: Engine, tmp_path: Path
) -> None:
    queue = a_queue_with_an_event(engine, tmp_path)
    done = dismissed(queue)
    assert [each.result for each in done.cases] == [BulkResult.DISMISSED] * 4
    assert set(states(queue).values()) == {"dismissed"}
    with reading(queue.engine) as session:
        findings = session.scalars(select(Determination)).all()
        assert {row.finding for row in findings} == {"not_fraudulent"}
        assert len({row.reasons_text_id for row in findings}) == 4, "one can be erased without the others"
    entries = queue.entries("case.dismissed")
    assert {content["bulk_dismissal_id"] for _, _, content in entries} == {done.id}
    undone = bulk.undo(queue.deployment, "rolf", queue.deployment.now, done.id)
    assert [each.result for each in undone.cases] == [BulkResult.UNDONE] * 4
    assert set(states(queue).values()) == {"in_review"}
    with reading(queue.engine) as session:
        assert chain_faults(session) == []


def test_the_shared_reasons_are_among_what_is_erased_of_each_tenant(queue: QueueUnderTest) -> None:
    done = dismissed(queue)
    with reading(queue.engine) as session:
        shared = session.get_one(BulkDismissal, done.id).reasons_text_id
        for each in done.cases:
            assert shared in {row.id for row in texts_of_tenant(session, each.tenant_id).rows}


def test_with_another_number_of_cases_nothing_is_done(queue: QueueUnderTest) -> None:
    with pytest.raises(Refused, match="4 case"):
        dismissed(queue, expected=5)
    assert queue.entries("bulk.dismissing", "case.dismissed") == []


def test_as_many_but_other_cases_than_were_shown_are_not_dismissed(queue: QueueUnderTest) -> None:
    cause = the_cause(queue)
    wanted = BulkWanted(CauseKind.KNOWN_EVENT, cause.count, "a holiday", "0" * 64)
    with pytest.raises(Refused, match="other ones"):
        bulk.dismiss_together(queue.deployment, "rita", queue.deployment.now, cause.id, wanted)


def test_an_analyst_dismisses_nothing(queue: QueueUnderTest) -> None:
    cause = the_cause(queue, "ana")
    wanted = BulkWanted(CauseKind.KNOWN_EVENT, cause.count, "a holiday")
    with pytest.raises(Refused, match="not a reviewer"):
        bulk.dismiss_together(queue.deployment, "ana", queue.deployment.now, cause.id, wanted)


def test_what_somebody_holds_is_left_to_them(queue: QueueUnderTest) -> None:
    cases.claim(queue.deployment, "ana", queue.deployment.now, "2")
    assert "ana holds it" in [each.left_because for each in the_cause(queue).cases]
    assert len(dismissed(queue, expected=3).cases) == 3


def test_a_case_that_somebody_touched_since_is_kept_closed(queue: QueueUnderTest) -> None:
    done = dismissed(queue)
    cases.comment(queue.deployment, "ana", queue.deployment.now, str(done.cases[0].case), "I know them")
    undone = bulk.undo(queue.deployment, "rita", queue.deployment.now, done.id)
    assert [each.result for each in undone.cases] == [BulkResult.KEPT] + [BulkResult.UNDONE] * 3
    assert "something happened on it" in (undone.cases[0].why_not or "")


def test_a_reviewer_who_does_not_reach_all_of_its_cases_undoes_none(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    queue = a_queue_with_an_event(sqlite_engine, tmp_path, countries={TENANTS[0]: "FR"})
    deployment = queue.deployment
    done = dismissed(queue)
    people.grant_role(deployment, "ida", deployment.now, "rolf", Role.REVIEWER, countries=["FR"])
    with pytest.raises(Refused, match="outside of what rolf"):
        bulk.undo(deployment, "rolf", deployment.now, done.id)
    undone = bulk.undo(deployment, "rita", deployment.now, done.id)
    assert {each.result for each in undone.cases} == {BulkResult.UNDONE}


def test_after_its_time_and_a_second_time_nothing_is_undone(queue: QueueUnderTest) -> None:
    done = dismissed(queue)
    late = queue.deployment.now + 15 * MINUTE
    with pytest.raises(Refused, match="could be undone until"):
        bulk.undo(queue.deployment, "rita", late, done.id)
    bulk.undo(queue.deployment, "rita", late - MINUTE, done.id)
    with pytest.raises(Refused, match="undone before"):
        bulk.undo(queue.deployment, "rita", late - MINUTE, done.id)


def test_what_a_killed_run_left_is_finished_by_the_next_one(
    queue: QueueUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle, seen = bulk._settle, []

    def killed_after_two(*given: object) -> None:
        seen.append(given)
        if len(seen) > 2:
            raise KeyboardInterrupt
        settle(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(bulk, "_settle", killed_after_two)
    with pytest.raises(KeyboardInterrupt):
        dismissed(queue)
    monkeypatch.setattr(bulk, "_settle", settle)
    [left] = bulk.list_bulks(queue.deployment, queue.deployment.now)
    assert left.count(BulkResult.PENDING) == 2
    assert bulk.finish_all(queue.deployment, queue.deployment.now + MINUTE) == 2
    assert bulk.finish_all(queue.deployment, queue.deployment.now + MINUTE) == 0
    assert set(states(queue).values()) == {"dismissed"}
    assert len(queue.entries("case.dismissed")) == 4


def test_the_pages_show_the_number_dismiss_once_and_undo(queue: QueueUnderTest) -> None:
    rita = queue.signed_in("rita")
    cause = the_cause(queue)
    page, path = f"/bulk/causes/{cause.id}", f"/bulk/causes/{cause.id}/dismiss"
    assert page in rita.get("/queue").text
    assert "Dismiss these 4 cases" in rita.get(page).text
    form = hidden_in(rita.get(page).text, path) | {"kind": "known_event", "reasons": "the final of the cup"}
    done = rita.post(path, data=form)
    assert done.url.path.startswith("/bulk/dismissals/")
    assert rita.post(path, data=form).url.path == "/bulk", "sent again it only leads to the list"
    assert len(queue.entries("case.dismissed")) == 4
    undone = send(rita, done.url.path, f"{done.url.path}/undo")
    assert "opened again" in undone.text
    assert len(queue.entries("case.reopened")) == 4


def test_a_page_that_is_no_longer_right_does_nothing_and_keeps_the_reasons(queue: QueueUnderTest) -> None:
    rita = queue.signed_in("rita")
    path = f"/bulk/causes/{the_cause(queue).id}"
    form = hidden_in(rita.get(path).text, f"{path}/dismiss")
    cases.claim(queue.deployment, "ana", queue.deployment.now, "2")
    refused = rita.post(f"{path}/dismiss", data=form | {"kind": "known_event", "reasons": "the cup"})
    assert refused.status_code == 409
    assert "3 case(s) now" in refused.text
    assert ">the cup</textarea>" in refused.text
    for number in "345":
        cases.claim(queue.deployment, "ana", queue.deployment.now, number)
    again = rita.post(f"{path}/dismiss", data=form | {"kind": "known_event", "reasons": "the final"})
    assert "none of its cases can be dismissed together" in again.text
    assert ">the final</textarea>" in again.text, "nothing that was typed is lost"


def test_an_auditor_reads_and_is_offered_no_form(queue: QueueUnderTest) -> None:
    otto = queue.signed_in("otto")
    cause = the_cause(queue)
    shown = otto.get(f"/bulk/causes/{cause.id}")
    assert shown.status_code == 200
    assert "/dismiss" not in shown.text


def test_the_api_dismisses_and_undoes(queue: QueueUnderTest) -> None:
    rita = calls_of(queue, "rita")
    [cause] = rita.get("/bulk/causes").json()["items"]
    body = {"kind": "source_outage", "expected": cause["count"], "seen": cause["seen"], "reasons": "twice"}
    done = rita.post(f"/bulk/causes/{cause['id']}/dismissal", json=body)
    assert done.status_code == 200, done.text
    bulk_id = done.json()["result"]["id"]
    assert rita.get(f"/bulk/dismissals/{bulk_id}").json()["can_be_undone"] is True
    assert rita.post(f"/bulk/dismissals/{bulk_id}/undoing").status_code == 200
    assert rita.post(f"/bulk/dismissals/{bulk_id}/undoing").status_code == 409
    assert calls_of(queue, "ana").post(f"/bulk/causes/{cause['id']}/dismissal", json=body).status_code == 403
