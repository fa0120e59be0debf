"""In an emergency one reviewer restricts at once; it ends by itself unless a second person approves in time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.exc import IntegrityError

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.contract_terms import ContractTerms, GroundWithoutNotice
from cjp_fraud.contracts.model import Right
from cjp_fraud.contracts.restriction import MeasureKind
from cjp_fraud.contracts.terms import plain_terms
from cjp_fraud.contracts.versions import enter_terms
from cjp_fraud.errors import Refused
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.review.approval import return_
from cjp_fraud.review.claim import claim
from cjp_fraud.review.dispute import decide_dispute, open_dispute
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.requests import MeasureWanted
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.emergency import approve_in_emergency, order_in_emergency
from cjp_fraud.suspension.tables import Measure
from features.counting_clocks import Clock
from tests.case_builders import BLOCK_LATVIA, START, StaffedDeployment, a_flag, flag, mail_to, open_staffed
from tests.mail_servers import MailServerUnderTest
from tests.platforms import Killed, UnreliablePlatform

MARKED = ContractTerms(
    suspension=plain_terms(), without_notice=(GroundWithoutNotice("fraudulent use", tuple(Ground)),)
)
WHY = "it goes on at 40 dollars a minute"
HALF_AN_HOUR = timedelta(minutes=30)


def determined(staffed: StaffedDeployment, terms: ContractTerms | None = MARKED, **finding: Any) -> None:
    """A case that rita determined; counsel had marked the ground."""
    if terms is not None:
        at, by = START - timedelta(days=40), machine("contracts")
        with transaction(staffed.engine) as session:
            enter_terms(session, "acme", by, at, reference="Agreement 3", right=Right.CLAUSE_2_4, terms=terms)
    flag(staffed.engine, a_flag(staffed.now - timedelta(minutes=30)), at=staffed.now)
    staffed.do(claim, "rita")
    staffed.determine(**{"measure": BLOCK_LATVIA} | finding)


def ordered(staffed: StaffedDeployment, by: str = "rita", **options: Any) -> Measure:
    given = {"reasons": WHY} | options
    made: Measure = staffed.do(order_in_emergency, by, staffed.policy, **given)
    return made


def approved(staffed: StaffedDeployment, by: str = "adam", **options: Any) -> None:
    staffed.do(approve_in_emergency, by, staffed.policy, **options)


def letters(server: MailServerUnderTest) -> list[str]:
    """The texts of all letters, each line break a space."""
    bodies = [message_from_bytes(each.content, policy=default).get_body() for each in server.received]
    return [" ".join(body.get_content().split()) for body in bodies if body is not None]


def entries(staffed: StaffedDeployment, action: str) -> list[dict[str, Any]]:
    with reading(staffed.engine) as session:
        return list(session.scalars(select(AuditEntry.content).where(AuditEntry.action == action)))


@pytest.mark.both_databases
def test_it_is_in_force_at_once_is_told_at_once_and_ends_by_itself_unless_approved(
    staffed: StaffedDeployment, server: MailServerUnderTest, platform: UnreliablePlatform
) -> None:
    determined(staffed)

    ordered(staffed)
    assert staffed.enforce().state is CaseState.SUSPENDED

    measure = staffed.measure()
    assert (measure.approval_id, measure.emergency_at) == (None, staffed.now)
    assert measure.lapses_at == measure.ends_at == staffed.now + HALF_AN_HOUR
    assert platform.applied[-1][0].ends_at == staffed.now + HALF_AN_HOUR
    assert [each["basis"] for each in entries(staffed, "case.suspending")] == ["emergency"]
    assert [each["basis"] for each in entries(staffed, "case.suspended")] == ["emergency"]
    (letter,) = letters(server)
    assert "one person ordered the restriction alone. It ends by itself on 2 April 2015" in letter
    assert "Another person has approved" not in letter

    staffed.wait(minutes=29)
    staffed.resume_all()
    assert (staffed.state, staffed.restricted()) == (CaseState.SUSPENDED, 1)
    staffed.wait(minutes=1)
    assert staffed.restricted() == 0  # the platform itself has ended it
    with pytest.raises(Refused, match=r"nobody approved it by 2015-04-02 12:30:00Z; it ends by itself"):
        approved(staffed)
    staffed.resume_all()

    assert (staffed.state, staffed.restricted()) == (CaseState.LAPSED, 0)
    assert staffed.measure().ended_at == START + HALF_AN_HOUR
    assert "because no other person approved it in time" in letters(server)[1]
    staffed.wait(minutes=5)
    staffed.resume_all()
    assert len(letters(server)) == 2
    assert verify_log(staffed.engine).faults == ()


@pytest.mark.both_databases
def test_a_second_person_who_approves_in_time_keeps_it_for_its_term(
    staffed: StaffedDeployment, server: MailServerUnderTest, platform: UnreliablePlatform
) -> None:
    determined(staffed)
    ordered(staffed)
    staffed.enforce()
    staffed.wait(minutes=29)

    approved(staffed)
    assert staffed.enforce().state is CaseState.SUSPENDED

    until = START + timedelta(hours=72)
    assert staffed.measure().ends_at == platform.applied[-1][0].ends_at == until
    assert len(platform.applied) == 2
    staffed.wait(hours=2)
    staffed.resume_all()
    assert (staffed.state, staffed.restricted()) == (CaseState.SUSPENDED, 1)
    with pytest.raises(Refused, match="no emergency measure waits for an approval"):
        approved(staffed, "bella")
    staffed.now = until
    staffed.resume_all()
    assert staffed.state is CaseState.LAPSED
    assert "because its time had run out" in letters(server)[1]
    assert verify_log(staffed.engine).faults == ()


def test_who_ordered_it_or_took_part_does_not_approve_it(staffed: StaffedDeployment) -> None:
    determined(staffed)
    ordered(staffed, "both")
    staffed.enforce()

    with pytest.raises(Refused, match="both took part in the case"):
        approved(staffed, "both")
    with pytest.raises(Refused, match="rita is not an approver"):
        approved(staffed, "rita")
    with pytest.raises(Refused, match=r"the proposal changed: 00000000 was expected"):
        approved(staffed, expected_sha256="0" * 8)
    with pytest.raises(Refused, match="it was ordered in an emergency and is not approved yet"):
        staffed.reaffirm("adam", "it goes on")
    staffed.now += HALF_AN_HOUR
    staffed.resume_all()
    assert staffed.state is CaseState.LAPSED


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no ground marked": ({"terms": None}, {}, "counsel has marked no ground without prior notice"),
    "a wider measure": (
        {"measure": MeasureWanted(MeasureKind.SUSPEND_ALL_ACCESS), "grounds": [Ground.UNATTENDED]},
        {},
        "one reviewer takes the narrowest measure alone, and suspend_channel could meet",
    ),
    "no reviewer": ({}, {"by": "adam"}, "adam is not a reviewer"),
    "no reasons": ({}, {"reasons": " "}, "say why it cannot wait for an approval"),
    "another version": ({}, {"expected_sha256": "0" * 64}, "the proposal changed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_and_leaves_nothing(staffed: StaffedDeployment, name: str) -> None:
    finding, order, said = REFUSED[name]
    determined(staffed, **finding)

    with pytest.raises(Refused, match=said):
        ordered(staffed, **order)

    assert staffed.state is CaseState.DETERMINED
    assert entries(staffed, "notice.planned") == entries(staffed, "case.emergency_ordered") == []
    assert verify_log(staffed.engine).faults == ()


def test_observe_takes_none(sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest) -> None:
    mode = PlatformMode.OBSERVE
    staffed = open_staffed(sqlite_engine, tmp_path, mail_to(server, mode=mode), mode=mode)
    determined(staffed)

    with pytest.raises(Refused, match="only act restricts"):
        ordered(staffed)


def _lapsed(staffed: StaffedDeployment) -> None:
    """Let rita order an emergency measure, and nobody approve it."""
    determined(staffed)
    ordered(staffed)
    staffed.enforce()
    staffed.wait(minutes=30)
    staffed.resume_all()
    assert staffed.state is CaseState.LAPSED


def test_after_one_that_nobody_approved_another_reviewer_orders_the_next(staffed: StaffedDeployment) -> None:
    _lapsed(staffed)
    staffed.wait(hours=20)
    determined(staffed, None)

    with pytest.raises(
        Refused, match=r"rita ordered the emergency measure of case 1.* until 2015-04-03 12:30:00Z"
    ):
        ordered(staffed)
    ordered(staffed, "rolf")

    assert staffed.enforce().state is CaseState.SUSPENDED


def test_two_reviewers_cannot_take_turns_on_the_same_traffic(staffed: StaffedDeployment) -> None:
    _lapsed(staffed)
    staffed.wait(minutes=60)
    day = a_flag(
        staffed.now - timedelta(minutes=60), interval_seconds=3600, span_seconds=86400, clock=Clock.DAY
    )
    flag(staffed.engine, day, at=staffed.now)
    staffed.do(claim, "rita")
    staffed.determine(measure=BLOCK_LATVIA)
    with pytest.raises(Refused, match=r"case 1, which ended at 2015-04-02 12:30:00Z; .* traffic after that"):
        ordered(staffed, "rolf")

    staffed.do(return_, "adam", "wait for newer traffic")
    flag(staffed.engine, a_flag(staffed.now - timedelta(minutes=10)), at=staffed.now)
    staffed.determine(measure=BLOCK_LATVIA)
    ordered(staffed, "rolf")

    assert staffed.enforce().state is CaseState.SUSPENDED


def test_after_two_that_nobody_approved_there_is_no_third_until_somebody_approves(
    staffed: StaffedDeployment,
) -> None:
    _lapsed(staffed)
    staffed.wait(hours=1)
    determined(staffed, None)
    ordered(staffed, "rolf")
    staffed.enforce()
    staffed.wait(minutes=30)
    staffed.resume_all()
    staffed.wait(hours=1)
    determined(staffed, None)

    with pytest.raises(Refused, match="nobody approved 2 emergency measures of the tenant"):
        ordered(staffed, "both")
    staffed.approve("adam")

    assert staffed.enforce().state is CaseState.SUSPENDED


def test_a_day_after_one_that_nobody_approved_its_reviewer_may_order_again(
    staffed: StaffedDeployment,
) -> None:
    _lapsed(staffed)
    staffed.wait(hours=24)
    determined(staffed, None)

    ordered(staffed)

    assert staffed.enforce().state is CaseState.SUSPENDED


def test_one_that_was_approved_keeps_nobody_from_ordering_the_next(staffed: StaffedDeployment) -> None:
    determined(staffed)
    ordered(staffed)
    staffed.enforce()
    approved(staffed)
    staffed.wait(hours=73)
    staffed.resume_all()
    assert staffed.state is CaseState.LAPSED
    determined(staffed, None)

    ordered(staffed)

    assert staffed.enforce().state is CaseState.SUSPENDED


def test_nobody_orders_it_twice(staffed: StaffedDeployment) -> None:
    determined(staffed)
    ordered(staffed)

    with pytest.raises(Refused, match="it is suspending; only a determined case"):
        ordered(staffed, "rolf")


@pytest.mark.parametrize("behaviour", ["kill_before", "kill_after", "lose"])
def test_killed_at_the_platform_it_goes_on_with_the_same_key(
    staffed: StaffedDeployment, platform: UnreliablePlatform, server: MailServerUnderTest, behaviour: str
) -> None:
    determined(staffed)
    ordered(staffed)
    platform.behaviours.append(behaviour)
    _survived(staffed.enforce)
    staffed.wait(minutes=1)
    staffed.resume_all()
    assert staffed.state is CaseState.SUSPENDED

    approved(staffed)
    platform.behaviours.append(behaviour)
    _survived(staffed.enforce)
    staffed.wait(minutes=1)
    staffed.resume_all()

    assert staffed.restricted() == len(letters(server)) == 1
    assert len({key for _, key in platform.applied}) == 2
    assert staffed.measure().ends_at == START + timedelta(hours=72)
    assert verify_log(staffed.engine).faults == ()


def test_a_platform_that_refuses_leaves_it_to_be_determined_anew_and_nobody_was_told(
    staffed: StaffedDeployment, platform: UnreliablePlatform, server: MailServerUnderTest
) -> None:
    determined(staffed)
    ordered(staffed)
    platform.behaviours.append("refuse")

    assert staffed.enforce().state is CaseState.IN_REVIEW

    assert (staffed.restricted(), letters(server)) == (0, [])
    staffed.determine(measure=BLOCK_LATVIA)
    staffed.approve()
    assert staffed.enforce().state is CaseState.SUSPENDED
    assert "Another person has approved this notice." in letters(server)[0]
    assert verify_log(staffed.engine).faults == ()


def test_what_was_not_confirmed_within_its_time_is_not_confirmed_later(
    staffed: StaffedDeployment, platform: UnreliablePlatform
) -> None:
    determined(staffed)
    ordered(staffed)
    platform.unreachable = True
    staffed.enforce()
    assert staffed.state is CaseState.SUSPENDING

    platform.unreachable = False
    staffed.now += HALF_AN_HOUR
    staffed.resume_all()

    assert (staffed.state, staffed.restricted()) == (CaseState.IN_REVIEW, 0)


def test_an_upheld_dispute_lifts_it(staffed: StaffedDeployment) -> None:
    determined(staffed)
    ordered(staffed)
    staffed.enforce()

    dispute = staffed.do(open_dispute, "ana", "it was our campaign")
    staffed.wait(minutes=3)
    with transaction(staffed.engine) as session:
        by = staffed.people["carol"]
        decide_dispute(Decision(session, by, staffed.now), dispute.id, upheld=True, reasons="so it was")

    assert staffed.enforce().state is CaseState.REINSTATED


def test_the_database_takes_no_measure_on_two_acts_or_on_none(staffed: StaffedDeployment) -> None:
    determined(staffed)
    ordered(staffed)
    approved_at = staffed.now

    for wrong in (
        {"emergency_id": None, "emergency_at": None},
        {"approved_at": approved_at},
        {"emergency_at": approved_at + timedelta(hours=1)},
    ):
        with reading(staffed.engine) as session, pytest.raises(IntegrityError):
            session.execute(update(Measure).values(**wrong))


def _survived(act: Callable[[], object]) -> None:
    try:
        act()
    except Killed:
        return
