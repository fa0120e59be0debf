"""The process may die at every commit and in every call: the rerun completes, nothing is doubled or lost."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cjp_fraud.notices.model import Outcome
from cjp_fraud.notices.tables import NoticeAttempt
from cjp_fraud.review.model import CaseState
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.reinstatement import reinstate
from cjp_fraud.suspension.tables import Measure
from tests.case_builders import StaffedDeployment
from tests.chains import chain_faults
from tests.kills import killed_at_commit
from tests.mail_servers import MailServerUnderTest
from tests.platforms import Killed, UnreliablePlatform


def commits_of(staffed: StaffedDeployment) -> int:
    """How many commits carrying out takes, where nothing goes wrong."""
    with killed_at_commit(staffed.engine, 10**6) as commits:
        staffed.enforce()
    return commits[0]


def check_the_end(staffed: StaffedDeployment, server: MailServerUnderTest) -> None:
    assert (staffed.state, staffed.restricted()) == (CaseState.SUSPENDED, 1)
    assert len({one.content for one in server.received}) == 1, "the same bytes on every try"
    with reading(staffed.engine) as session:
        assert len(session.scalars(select(Measure)).all()) == 1
        assert chain_faults(session) == []


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "number", [4, 7, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 3, 5, 6, 8))]
)
def test_killed_at_a_commit_the_rerun_completes(
    staffed: StaffedDeployment, server: MailServerUnderTest, platform: UnreliablePlatform, number: int
) -> None:
    staffed.approved_case()

    with killed_at_commit(staffed.engine, number):
        staffed.enforce()
    staffed.wait(minutes=5)
    staffed.resume_all()

    check_the_end(staffed, server)
    assert len({key for _, key in platform.applied}) == 1, "the same key on every try"


def test_the_commits_above_are_all_there_are(staffed: StaffedDeployment) -> None:
    staffed.approved_case()

    assert commits_of(staffed) == 8


@pytest.mark.parametrize("behaviour", ["kill_before", "kill_after"])
def test_killed_in_the_call_to_the_platform_the_rerun_completes(
    staffed: StaffedDeployment, server: MailServerUnderTest, platform: UnreliablePlatform, behaviour: str
) -> None:
    platform.behaviours.append(behaviour)
    staffed.approved_case()
    with pytest.raises(Killed):
        staffed.enforce()
    assert staffed.state is CaseState.SUSPENDING

    staffed.resume_all()

    check_the_end(staffed, server)


def test_killed_after_the_letter_had_left_the_same_bytes_are_sent_again(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    staffed.approved_case()
    with killed_at_commit(staffed.engine, 3):  # stale?, plan, [attempt], outcome
        staffed.enforce()

    staffed.resume_all()

    check_the_end(staffed, server)
    with reading(staffed.engine) as session:
        outcomes = session.scalars(select(NoticeAttempt.outcome).order_by(NoticeAttempt.number)).all()
        assert outcomes[-1] is Outcome.SENT


@pytest.mark.parametrize("number", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 3))])
def test_killed_while_lifting_the_rerun_lifts(staffed: StaffedDeployment, number: int) -> None:
    staffed.approved_case()
    staffed.enforce()
    who = staffed.people["bella"]

    with killed_at_commit(staffed.engine, number):
        reinstate(staffed.enforcement(), staffed.case().id, who, reasons="the port is closed")
    if staffed.state is CaseState.SUSPENDED:  # it died before the decision was on record
        assert (number, staffed.restricted()) == (1, 1)
        return
    staffed.resume_all()

    assert (staffed.state, staffed.restricted()) == (CaseState.REINSTATED, 0)


@pytest.mark.parametrize("behaviour", ["kill_before", "kill_after"])
def test_killed_in_the_call_to_lift_the_rerun_lifts(
    staffed: StaffedDeployment, platform: UnreliablePlatform, behaviour: str
) -> None:
    staffed.approved_case()
    staffed.enforce()
    staffed.wait(hours=72)
    platform.behaviours.append(behaviour)
    with pytest.raises(Killed):
        staffed.resume_all()
    assert staffed.state is CaseState.LIFTING

    staffed.resume_all()

    assert (staffed.state, staffed.restricted()) == (CaseState.LAPSED, 0)
