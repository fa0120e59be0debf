"""A measure lifted in stages: each one order at the platform, never wider, held by a flag or a person, and told."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.errors import Refused
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.served_text import served_text
from cjp_fraud.notices.tables import Notice
from cjp_fraud.people.model import Decision
from cjp_fraud.review.decision_tables import Dispute
from cjp_fraud.review.dispute import decide_dispute, open_dispute
from cjp_fraud.review.model import CaseState, DisputeState, RestoreCheck, WrongCause
from cjp_fraud.review.requests import MeasureWanted
from cjp_fraud.review.shift_rules import ShiftKind
from cjp_fraud.review.stops_on_record import order_stop
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.embedded_platform import EmbeddedPlatform
from cjp_fraud.suspension.narrowing import narrow_by_dispute
from cjp_fraud.suspension.overdue import overdue
from cjp_fraud.suspension.reinstatement import reinstate
from cjp_fraud.suspension.shift_items import shift_items
from cjp_fraud.suspension.stage_rules import HoldCause, StageStanding, StageTime, stage_time
from cjp_fraud.suspension.stage_tables import ReinstatementHold, ReinstatementPlan
from cjp_fraud.suspension.stage_views import StagesView, newest_stages
from cjp_fraud.suspension.staged_reinstatement import (
    LaterStage,
    StagesWanted,
    hold_stages,
    reinstate_in_stages,
    resume_stages,
)
from cjp_fraud.suspension.tables import Narrowing
from cjp_fraud.suspension.wrongful_measures import enter_upheld, ledger
from tests.case_builders import StaffedDeployment, a_flag, flag, mail_to, open_staffed
from tests.kills import killed_at_commit
from tests.mail_servers import MailServerUnderTest, smtp_server
from tests.platforms import Killed, UnreliablePlatform


def a_rate(contacts_per_hour: int) -> MeasureWanted:
    """Return a limit above the 120 usual contacts an hour."""
    return MeasureWanted(MeasureKind.LIMIT_RATE, Scope(contacts_per_hour=contacts_per_hour))


THEN_MORE = LaterStage(a_rate(600), stage_time("4h"))
EVERY_OTHER = [pytest.param(commit, marks=pytest.mark.slow) for commit in range(3, 13)]
"""Commits of a run at which a test dies in `make test-slow`."""

STAGES = StagesWanted(a_rate(300), (THEN_MORE,), stage_time("12h"))


@pytest.fixture
def mail() -> Iterator[MailServerUnderTest]:
    """A mail server on loopback."""
    with smtp_server() as running:
        yield running


def suspended(
    engine: Engine, folder: Path, mail: MailServerUnderTest, platform: UnreliablePlatform | None = None
) -> StaffedDeployment:
    """Return a deployment whose one case is suspended since 90 minutes."""
    staffed = open_staffed(engine, folder, mail_to(mail), platform=platform)
    staffed.approved_case()
    assert staffed.enforce().state is CaseState.SUSPENDED
    staffed.wait(minutes=90)
    return staffed


def order(staffed: StaffedDeployment, by: str = "adam", wanted: StagesWanted = STAGES) -> ReinstatementPlan:
    """Order the stages; nothing is sent yet."""
    plan: ReinstatementPlan = staffed.do(
        reinstate_in_stages,
        by,
        wanted,
        staffed.policy,
        reasons="their keys are changed",
        checks=[RestoreCheck.KEYS_REVOKED],
    )
    return plan


def in_force(staffed: StaffedDeployment) -> list[tuple[str | None, int | None]]:
    """Return kind and rate of all that the embedded platform restricts."""
    restrictions = EmbeddedPlatform(staffed.engine).restrictions(staffed.now)
    return [(each.kind, (each.scope or {}).get("contacts_per_hour")) for each in restrictions]


def letters(engine: Engine, kind: NoticeKind) -> list[str]:
    """Return the texts of the letters of a kind, the oldest first."""
    with reading(engine) as session:
        messages = session.scalars(
            select(Notice.message).where(Notice.kind == kind).order_by(Notice.id)
        ).all()
    texts = [served_text(message) for message in messages if message is not None]
    return [" ".join(line for lines in text.paragraphs for line in lines) for text in texts if text]


def stands(staffed: StaffedDeployment) -> StagesView:
    """Return how the stages stand."""
    with reading(staffed.engine) as session:
        view = newest_stages(session, staffed.case().id, staffed.now)
    assert view is not None
    return view


def standing_of(staffed: StaffedDeployment) -> list[StageStanding]:
    """Return how far each stage is."""
    return [stage.standing for stage in stands(staffed).stages]


CONFIRMED, WAITING, SKIPPED = StageStanding.CONFIRMED, StageStanding.WAITING, StageStanding.SKIPPED


@pytest.mark.both_databases
def test_each_stage_comes_at_its_time_and_the_last_lifts_it(
    engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    staffed = suspended(engine, tmp_path, mail)
    order(staffed)
    assert in_force(staffed) == [("suspend_channel", None)], "nothing was sent yet"
    assert staffed.enforce().state is CaseState.SUSPENDED
    assert in_force(staffed) == [("limit_rate", 300)]
    [letter] = letters(engine, NoticeKind.STAGED_REINSTATEMENT)
    assert "is lifted in steps: Suspension of the voice channel (outbound only)." in letter
    assert "only this is still restricted: Limit of 300 contacts an hour" in letter
    assert "at the earliest, only this: Limit of 600 contacts an hour" in letter
    assert "You may dispute this notice until" in letter
    assert standing_of(staffed) == [CONFIRMED, WAITING, WAITING]

    staffed.wait(hours=3, minutes=59)
    staffed.resume_all()
    assert in_force(staffed) == [("limit_rate", 300)], "its time has not come"
    staffed.wait(minutes=1)
    for _ in range(2):
        staffed.resume_all()
        assert in_force(staffed) == [("limit_rate", 600)]
    assert (stands(staffed).next_number, standing_of(staffed)[1]) == (3, CONFIRMED)
    staffed.do(open_dispute, "ana", "that is still too little")
    staffed.wait(hours=8)
    for _ in range(2):
        staffed.resume_all()
    assert (staffed.state, in_force(staffed)) == (CaseState.REINSTATED, [])
    assert standing_of(staffed) == [CONFIRMED, CONFIRMED, CONFIRMED]
    assert len(letters(engine, NoticeKind.STAGED_REINSTATEMENT)) == 1
    assert len(letters(engine, NoticeKind.REINSTATEMENT)) == 1
    with reading(engine) as session:
        assert ledger(session, staffed.now).lines == (), (
            "that it was lifted in stages says nothing against it"
        )
    assert verify_log(engine).faults == ()


def test_a_run_that_comes_late_goes_at_once_to_the_last_stage_that_is_due(
    sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    staffed = suspended(sqlite_engine, tmp_path, mail)
    later = (THEN_MORE, LaterStage(a_rate(900), stage_time("6h")))
    order(staffed, wanted=StagesWanted(a_rate(300), later, stage_time("12h")))
    staffed.enforce()
    staffed.wait(hours=7)
    staffed.resume_all()
    assert in_force(staffed) == [("limit_rate", 900)]
    assert standing_of(staffed) == [CONFIRMED, SKIPPED, CONFIRMED, WAITING]
    assert len(EmbeddedPlatform(sqlite_engine).restrictions(staffed.now)) == 1
    assert verify_log(sqlite_engine).faults == ()


@pytest.mark.both_databases
def test_a_new_flag_holds_the_plan_until_an_approver_lets_it_go_on(
    engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    staffed = suspended(engine, tmp_path, mail)
    order(staffed)
    staffed.enforce()
    staffed.wait(hours=4)
    flag(engine, a_flag(staffed.now - timedelta(minutes=10)), at=staffed.now)
    for _ in range(2):
        staffed.resume_all()
    assert in_force(staffed) == [("limit_rate", 300)], "it goes on blindly no further"
    held = stands(staffed).held
    assert held is not None
    assert (held.cause, held.held_at) == (HoldCause.NEW_FLAG, staffed.now)
    with reading(engine) as session:
        kinds = {item.kind for item in shift_items(session, staffed.now, timedelta(hours=24))}
        assert any("the tenant was flagged again" in sentence for sentence in overdue(session, staffed.now))
        assert len(session.scalars(select(ReinstatementHold)).all()) == 1
    assert ShiftKind.STAGES_ARE_HELD in kinds
    with pytest.raises(Refused, match="rita is not an approver"):
        staffed.do(resume_stages, "rita", "a test call")
    with pytest.raises(Refused, match="it is held already"):
        staffed.do(hold_stages, "adam", "wait")

    staffed.do(resume_stages, "adam", "their own test call")
    staffed.resume_all()
    assert in_force(staffed) == [("limit_rate", 600)], "what was known when it went on holds it no more"
    staffed.do(hold_stages, "adam", "the customer asks us to wait")
    staffed.wait(hours=9)
    staffed.resume_all()
    assert in_force(staffed) == [("limit_rate", 600)]
    reinstate(staffed.enforcement(), staffed.case().id, staffed.people["adam"], reasons="all at once")
    assert (staffed.state, in_force(staffed)) == (CaseState.REINSTATED, [])
    assert not stands(staffed).is_open
    assert verify_log(engine).faults == ()


def test_a_flag_of_traffic_before_the_order_does_not_hold_it(
    sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    staffed = suspended(sqlite_engine, tmp_path, mail)
    order(staffed)
    staffed.enforce()
    ordered_at = staffed.now
    staffed.wait(hours=4)
    flag(sqlite_engine, a_flag(ordered_at - timedelta(minutes=15)), at=staffed.now)
    staffed.resume_all()
    assert in_force(staffed) == [("limit_rate", 600)]


@pytest.mark.parametrize("end", ["upheld", "stop"])
def test_an_upheld_dispute_and_a_stop_lift_everything_at_once_though_it_is_held(
    sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest, end: str
) -> None:
    staffed = suspended(sqlite_engine, tmp_path, mail)
    order(staffed)
    staffed.enforce()
    staffed.do(hold_stages, "adam", "wait")
    if end == "stop":
        staffed.do(order_stop, "carol", "a court order")
    else:
        staffed.do(open_dispute, "ana", "this was our campaign")
        with transaction(sqlite_engine) as session:
            decision = Decision(session, staffed.people["carol"], staffed.now)
            upheld = decide_dispute(decision, open_dispute_id(staffed), upheld=True, reasons="it was")
            enter_upheld(decision, upheld, WrongCause.DETECTOR)
    assert staffed.enforce().state is CaseState.REINSTATED
    assert in_force(staffed) == []
    if end == "upheld":
        with reading(sqlite_engine) as session:
            [line] = ledger(session, staffed.now).lines
        assert (line.kind, line.narrowed_to) == ("suspend_channel", None), (
            "the ledger counts what was ordered"
        )
    assert verify_log(sqlite_engine).faults == ()


def test_a_stage_never_widens_what_a_dispute_has_narrowed(
    sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    staffed = suspended(sqlite_engine, tmp_path, mail)
    order(staffed)
    staffed.enforce()
    staffed.do(open_dispute, "ana", "still too little")
    with transaction(sqlite_engine) as session:
        decision = Decision(session, staffed.people["carol"], staffed.now)
        narrow_by_dispute(
            decision, open_dispute_id(staffed), a_rate(800), staffed.policy, reasons="more passes"
        )
    staffed.enforce()
    staffed.wait(hours=5)
    staffed.resume_all()
    assert in_force(staffed) == [("limit_rate", 800)], "stage 2 would let less through"
    staffed.wait(hours=8)
    staffed.resume_all()
    assert staffed.state is CaseState.REINSTATED
    assert verify_log(sqlite_engine).faults == ()


def test_what_is_no_plan_is_refused_with_everything_that_stands_in_the_way(
    sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    staffed = suspended(sqlite_engine, tmp_path, mail)
    wrong = StagesWanted(a_rate(600), (LaterStage(a_rate(300), stage_time("4h")),), stage_time("3h"))
    with pytest.raises(Refused) as refused:
        order(staffed, "rita", wrong)
    said = str(refused.value)
    assert "rita is not an approver" in said
    assert "stage 2: limit_rate" in said
    assert "is not narrower than limit_rate" in said
    assert "the full lift does not come after stage 2" in said
    late = StagesWanted(a_rate(300), (), StageTime(after=timedelta(days=300)))
    with pytest.raises(Refused, match="the measure ends by itself at"):
        order(staffed, wanted=late)
    with pytest.raises(Refused, match="say of each stage what stays restricted"):
        order(staffed, wanted=StagesWanted(MeasureWanted(), (), stage_time("4h")))
    with pytest.raises(Refused, match="nothing of it is being lifted in stages"):
        staffed.do(hold_stages, "adam", "wait")
    plan = order(staffed)
    assert order(staffed).id == plan.id, "the same order again decides nothing"
    with pytest.raises(Refused, match="it is being lifted in stages already"):
        staffed.do(
            reinstate_in_stages, "adam", STAGES, staffed.policy, reasons="other reasons than those on record"
        )


@pytest.mark.parametrize("behaviour", ["kill_before", "kill_after", "lose", "refuse"])
def test_a_stage_that_was_interrupted_is_sent_again_with_the_same_key(
    sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest, behaviour: str
) -> None:
    platform = UnreliablePlatform(EmbeddedPlatform(sqlite_engine))
    staffed = suspended(sqlite_engine, tmp_path, mail, platform)
    order(staffed)
    staffed.enforce()
    staffed.wait(hours=4)
    platform.applied.clear()
    platform.behaviours.append(behaviour)
    try:
        staffed.resume_all()
    except Killed:
        assert behaviour.startswith("kill")
    assert len(in_force(staffed)) == 1, "never both, never neither"
    for _ in range(2):
        staffed.resume_all()
    assert in_force(staffed) == [("limit_rate", 600)]
    assert len({key for _, key in platform.applied}) == 1
    assert verify_log(sqlite_engine).faults == ()


@pytest.mark.parametrize("commit", [2, pytest.param(1, marks=pytest.mark.slow), *EVERY_OTHER])
def test_killed_at_any_commit_every_stage_comes_once(
    sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest, commit: int
) -> None:
    staffed = suspended(sqlite_engine, tmp_path, mail)
    for hours in (0, 4, 8):
        staffed.wait(hours=hours)
        with killed_at_commit(sqlite_engine, commit):
            if not hours:
                order(staffed)
            staffed.resume_all()
        assert len(in_force(staffed)) <= 1
        if not hours:
            order(staffed)
        staffed.resume_all()
    assert (staffed.state, in_force(staffed)) == (CaseState.REINSTATED, [])
    assert standing_of(staffed) == [CONFIRMED, CONFIRMED, CONFIRMED]
    for kind in (NoticeKind.STAGED_REINSTATEMENT, NoticeKind.REINSTATEMENT):
        assert len(letters(sqlite_engine, kind)) == 1
    assert verify_log(sqlite_engine).faults == ()


@pytest.mark.both_databases
def test_two_runs_at_once_carry_a_stage_out_once(
    engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    staffed = suspended(engine, tmp_path, mail)
    order(staffed)
    staffed.enforce()
    staffed.wait(hours=4)
    with ThreadPoolExecutor(2) as runs:
        for done in [runs.submit(staffed.resume_all) for _ in range(2)]:
            assert done.result().faults == ()
    with reading(engine) as session:
        carried_out = session.scalars(select(Narrowing.stage).order_by(Narrowing.number)).all()
    assert carried_out == [1, 2]
    assert in_force(staffed) == [("limit_rate", 600)]


def open_dispute_id(staffed: StaffedDeployment) -> str:
    """Return the dispute that waits for its decision."""
    with reading(staffed.engine) as session:
        return session.scalars(select(Dispute.id).where(Dispute.state == DisputeState.OPEN)).one()
