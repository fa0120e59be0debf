"""Two at once: the second waits, and then finds it done."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select

from cjp_fraud.errors import CjpFraudError
from cjp_fraud.people.model import Decision
from cjp_fraud.review.claim import claim
from cjp_fraud.review.decision_tables import Stop
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.stops_on_record import order_stop
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import make_engine, reading, transaction
from cjp_fraud.suspension.enforcement import enforce
from cjp_fraud.suspension.measures import apply_measure
from cjp_fraud.suspension.model import PlatformOutcome
from cjp_fraud.suspension.tables import Measure
from tests.case_builders import START, StaffedDeployment, a_flag, flag, mail_to
from tests.chains import chain_faults
from tests.concurrent_approvals import approve_at_once, determined_cases
from tests.mail_servers import MailServerUnderTest
from tests.platforms import UnreliablePlatform

pytestmark = pytest.mark.both_databases


def at_once(*actions: Callable[[Any], Any], staffed: StaffedDeployment) -> list[Any]:
    """Run each action in a thread with an engine of its own, all started together."""
    barrier = Barrier(len(actions))

    def run(action: Callable[[Any], Any]) -> Any:
        engine = make_engine(staffed.engine.url.render_as_string(hide_password=False))
        try:
            barrier.wait()
            return action(engine)
        except CjpFraudError as error:
            return error
        finally:
            engine.dispose()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def test_carried_out_by_two_at_once_it_is_served_and_restricted_once(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    case_id = staffed.approved_case().id

    def carry(engine: Any) -> Any:
        return enforce(staffed.enforcement(engine), case_id)

    done = at_once(carry, carry, staffed=staffed)

    assert [one.state for one in done] == [CaseState.SUSPENDED] * 2
    assert (len(server.received), staffed.restricted()) == (1, 1)


def test_applied_by_two_at_once_there_is_one_measure(
    staffed: StaffedDeployment, platform: UnreliablePlatform
) -> None:
    case_id = staffed.approved_case().id
    platform.behaviours.append("refuse")
    staffed.enforce()

    def apply(engine: Any) -> Any:
        return apply_measure(staffed.enforcement(engine), case_id)

    done = at_once(apply, apply, staffed=staffed)

    outcomes = [one.outcome for one in done if not isinstance(one, CjpFraudError)]
    assert outcomes == [PlatformOutcome.IN_FORCE]
    assert staffed.restricted() == 1
    with reading(staffed.engine) as session:
        states = session.scalars(select(Measure.state).where(Measure.state == "in_force")).all()
        assert len(states) == 1


def test_a_case_claimed_by_two_at_once_has_one_holder(staffed: StaffedDeployment) -> None:
    flag(staffed.engine, a_flag(START))
    case_id = staffed.case().id

    def claimed_by(name: str) -> Callable[[Any], Any]:
        def run(engine: Any) -> Any:
            with transaction(engine) as session:
                return claim(Decision(session, staffed.people[name], staffed.now), case_id).claimed_by

        return run

    done = at_once(claimed_by("rita"), claimed_by("ana"), staffed=staffed)

    assert sum(isinstance(one, CjpFraudError) for one in done) == 1


def test_a_stop_and_a_measure_at_once_leave_no_restriction_that_the_stop_came_before(
    staffed: StaffedDeployment, platform: UnreliablePlatform
) -> None:
    case_id = staffed.approved_case().id
    platform.behaviours.append("refuse")
    staffed.enforce()

    def apply(engine: Any) -> Any:
        return apply_measure(staffed.enforcement(engine), case_id)

    def stop(engine: Any) -> Any:
        with transaction(engine) as session:
            return order_stop(Decision(session, staffed.people["carol"], staffed.now), case_id, "wait").id

    at_once(apply, stop, staffed=staffed)
    with suppress(CjpFraudError):
        staffed.resume_all()

    with reading(staffed.engine) as session:
        assert session.scalars(select(Stop)).one().cleared_at is None
        assert chain_faults(session) == []
        state = session.scalars(select(Case.state)).one()
    assert (state, staffed.restricted()) in {(CaseState.NOTICED, 0), (CaseState.SUSPENDED, 1)}


def test_flags_recorded_by_two_at_once_open_one_case_a_tenant(staffed: StaffedDeployment) -> None:
    def record(minute: int) -> Callable[[Any], Any]:
        from datetime import timedelta

        start = START + timedelta(minutes=minute)
        window = (start, start + timedelta(minutes=5))
        return lambda engine: flag(engine, a_flag(start), window=window)

    done = at_once(record(0), record(5), record(10), staffed=staffed)

    assert not [one for one in done if isinstance(one, Exception)]
    with reading(staffed.engine) as session:
        assert len(session.scalars(select(Case)).all()) == 1
        assert chain_faults(session) == []


@pytest.mark.parametrize("count", [4, pytest.param(16, marks=pytest.mark.slow)])
def test_cases_approved_at_once_are_all_enforced_with_the_default_pool(
    postgres_url: str, tmp_path: Path, server: MailServerUnderTest, count: int
) -> None:
    engine = make_engine(postgres_url)
    staffed, cases = determined_cases(engine, tmp_path, mail_to(server), count)

    ended = approve_at_once(staffed, cases)

    assert ended == [CaseState.SUSPENDED] * count
    assert (len(server.received), staffed.restricted()) == (count, count)
    engine.dispose()
