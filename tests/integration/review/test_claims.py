"""Claims are leases: atomic, extended while used, handed over, put aside; they end by themselves, and lose nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Engine, select

from cjp_fraud.errors import BadInputError, CjpFraudError, Refused
from cjp_fraud.operations import case_queue, cases, claims
from cjp_fraud.operations.cases import CaseStanding
from cjp_fraud.people.form_drafts import drafts_of
from cjp_fraud.people.tables import FormDraft
from cjp_fraud.people.users import actor_named
from cjp_fraud.review.holdings import Holding
from cjp_fraud.review.model import Awaited, CaseState, QueueFilter
from cjp_fraud.review.queue_filters import QueueCounts
from cjp_fraud.storage.database import reading
from tests.chains import chain_faults
from tests.contract_builders import a_row
from tests.notice_pages import DeploymentAt
from tests.queue_pages import QueueUnderTest, a_queue

MINUTE = timedelta(minutes=1)
TENANTS = ("acme", "beta", "gamma", "delta")


@pytest.fixture
def queue(engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """A queue of four cases; the second one costs most, the third is the most unusual of those that cost the same."""
    queue = a_queue(engine, tmp_path, *(a_row(tenant_id=tenant) for tenant in TENANTS))
    queue.flagged("acme")
    queue.flagged("beta", cents_per_contact=40.0)
    queue.flagged("gamma", score=9.0, p_value=1e-9)
    queue.flagged("delta")
    return queue


def wait(queue: QueueUnderTest, span: timedelta) -> None:
    queue.deployment.wait_until(queue.deployment.now + span)


def holding(queue: QueueUnderTest, number: int) -> Holding:
    page = case_queue.list_cases(queue.deployment, QueueFilter(states=frozenset(CaseState)))
    found = next(case.holding for case in page.cases if case.number == number)
    assert found is not None
    return found


def claim_next(queue: QueueUnderTest, by: str, narrowed: QueueFilter | None = None) -> int | None:
    claimed = claims.claim_next(queue.deployment, by, queue.deployment.now, narrowed)
    return None if claimed is None else claimed.number


@pytest.mark.both_databases
def test_the_next_case_is_the_worst_that_nobody_holds(queue: QueueUnderTest) -> None:
    taken = [claim_next(queue, by) for by in ("ana", "rita", "rolf", "ana", "rita")]
    assert taken == [2, 3, 1, 4, None]
    with reading(queue.engine) as session:
        assert chain_faults(session) == []


def test_the_next_case_may_be_narrowed_to_what_the_queue_shows(queue: QueueUnderTest) -> None:
    queue.flagged("acme", channel="sms", score=8.0)
    assert claim_next(queue, "ana", QueueFilter(channel="sms")) == 1
    assert claim_next(queue, "ana", QueueFilter(channel="sms")) is None


@pytest.mark.both_databases
def test_whoever_asks_at_once_gets_a_case_of_their_own(queue: QueueUnderTest) -> None:
    people = ("ana", "rita", "rolf", "both")
    barrier = Barrier(len(people))

    def ask(by: str) -> CaseStanding | None:
        own = DeploymentAt(queue.deployment.settings)
        own.wait_until(queue.deployment.now)
        barrier.wait()
        try:
            return claims.claim_next(own, by, own.now)
        finally:
            own.engine.dispose()

    with ThreadPoolExecutor(len(people)) as pool:
        taken = list(pool.map(ask, people))
    assert sorted(case.number for case in taken if case is not None) == [1, 2, 3, 4]
    with reading(queue.engine) as session:
        assert chain_faults(session) == []


def test_an_auditor_claims_nothing(queue: QueueUnderTest) -> None:
    with pytest.raises(Refused, match="otto is an auditor"):
        claim_next(queue, "otto")


@pytest.mark.both_databases
def test_a_lease_ends_by_itself_and_is_extended_only_while_its_page_is_used(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    cases.claim(deployment, "ana", deployment.now, "1")
    wait(queue, 15 * MINUTE)
    only_looked = claims.stay(deployment, "ana", deployment.now, "1", used=False)
    assert only_looked.holding.lease_ends_at == deployment.now + 5 * MINUTE
    used = claims.stay(deployment, "ana", deployment.now, "1", used=True)
    assert used.holding.lease_ends_at == deployment.now + 20 * MINUTE
    with pytest.raises(Refused, match="ana holds it"):
        cases.claim(deployment, "rita", deployment.now, "1")
    wait(queue, 20 * MINUTE)
    assert holding(queue, 1).holder is None
    late = claims.stay(deployment, "ana", deployment.now, "1", used=True)
    assert late.holding.holder is None, "what has ended is not extended"
    cases.claim(deployment, "rita", deployment.now, "1")
    assert holding(queue, 1).holder == "rita"
    assert [action for action, _, _ in queue.entries("case.lease_lapsed")] == ["case.lease_lapsed"]


def test_what_time_has_ended_goes_on_record_once(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    cases.claim(deployment, "ana", deployment.now, "1")
    cases.claim(deployment, "rita", deployment.now, "2")
    claims.put_aside(deployment, "rita", deployment.now, "2", deployment.now + 10 * MINUTE)
    assert claims.tidy(deployment, deployment.now).cases == 0
    wait(queue, 21 * MINUTE)
    assert claims.tidy(deployment, deployment.now).cases == 2
    assert claims.tidy(deployment, deployment.now).cases == 0
    assert [action for action, _, _ in queue.entries("case.lease_lapsed", "case.back")] == [
        "case.lease_lapsed",
        "case.back",
    ]
    with reading(queue.engine) as session:
        assert chain_faults(session) == []


def test_looking_at_a_case_makes_no_page_of_it_stale(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    cases.claim(deployment, "ana", deployment.now, "1")
    before = queue.newest_entry()
    claims.stay(deployment, "ana", deployment.now, "1", used=True)
    claims.keep_typed(deployment, "ana", deployment.now, "/cases/1/comment", {"text": "half a sentence"})
    assert queue.newest_entry() == before


def test_who_else_looks_is_said_until_their_page_is_gone(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    claims.stay(deployment, "rita", deployment.now, "1", used=False)
    claims.stay(deployment, "otto", deployment.now, "2", used=False)
    assert claims.stay(deployment, "ana", deployment.now, "1", used=False).others == ("rita",)
    wait(queue, 2 * MINUTE)
    assert claims.stay(deployment, "ana", deployment.now, "1", used=False).others == ()


@pytest.mark.both_databases
def test_a_case_is_handed_to_a_named_person_who_took_no_part_by_it(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    cases.claim(deployment, "ana", deployment.now, "1")
    with pytest.raises(Refused, match="adam is neither an analyst nor a reviewer"):
        claims.hand_over(deployment, "ana", deployment.now, "1", "adam")
    claims.hand_over(deployment, "ana", deployment.now, "1", "both")
    held = holding(queue, 1)
    assert (held.holder, held.handed_by) == ("both", "ana")
    assert held.lease_ends_at == deployment.now + timedelta(hours=4)
    with pytest.raises(Refused, match="ana does not hold it"):
        claims.hand_over(deployment, "ana", deployment.now, "1", "rita")
    with reading(queue.engine) as session:
        assert chain_faults(session) == []


def test_a_case_that_is_put_aside_is_nobodys_next_until_its_moment(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    assert claim_next(queue, "ana") == 2
    claims.put_aside(deployment, "ana", deployment.now, "2", deployment.now + 30 * MINUTE)
    held = holding(queue, 2)
    assert (held.holder, held.promised_by, held.awaited) == (None, "ana", Awaited.MOMENT)
    assert claim_next(queue, "rita") == 3
    wait(queue, 30 * MINUTE)
    assert holding(queue, 2).put_aside_until is None
    assert claim_next(queue, "rolf") == 2


@pytest.mark.both_databases
def test_a_case_that_waits_for_a_flag_is_back_with_it(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    for number in ("1", "2"):
        cases.claim(deployment, "ana", deployment.now, number)
        claims.put_aside(
            deployment, "ana", deployment.now, number, deployment.now + timedelta(days=1), Awaited.FLAG
        )
    wait(queue, 10 * MINUTE)
    queue.flagged("acme")
    assert holding(queue, 1).put_aside_until is None
    assert holding(queue, 2).put_aside_until is not None
    claims.tidy(deployment, deployment.now)
    assert [content["state"] for _, _, content in queue.entries("case.back")] == ["in_review"]


def test_the_service_clock_stands_still_while_the_customer_is_waited_for(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    wait(queue, 10 * MINUTE)
    cases.claim(deployment, "ana", deployment.now, "1")
    cases.claim(deployment, "rita", deployment.now, "2")
    claims.put_aside(deployment, "ana", deployment.now, "1", deployment.now + 15 * MINUTE, Awaited.CUSTOMER)
    claims.put_aside(deployment, "rita", deployment.now, "2", deployment.now + 15 * MINUTE)
    wait(queue, 20 * MINUTE)
    asked, only_put_aside = holding(queue, 1).clock, holding(queue, 2).clock
    assert asked is not None
    assert only_put_aside is not None
    assert (asked.left, only_put_aside.left) == (45 * MINUTE, 30 * MINUTE)


def test_nobody_puts_aside_what_another_holds_or_for_ever(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    cases.claim(deployment, "rita", deployment.now, "1")
    with pytest.raises(Refused, match="ana does not hold it"):
        claims.put_aside(deployment, "ana", deployment.now, "1", deployment.now + MINUTE)
    with pytest.raises(BadInputError, match="14 days"):
        claims.put_aside(deployment, "rita", deployment.now, "1", deployment.now + timedelta(days=15))


def typed(queue: QueueUnderTest, name: str) -> dict[str, dict[str, str]]:
    """What somebody has typed into the forms of case 1 and not sent."""
    with reading(queue.engine) as session:
        return drafts_of(session, actor_named(session, name).reference, "/cases/1/")


def test_what_is_typed_is_kept_for_its_person_and_form_alone_and_not_for_ever(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    for form, text in (("/cases/1/comment", "of one"), ("/cases/11/comment", "of eleven")):
        claims.keep_typed(deployment, "ana", deployment.now, form, {"text": text})
    assert typed(queue, "ana") == {"/cases/1/comment": {"text": "of one"}}
    assert typed(queue, "rita") == {}
    with pytest.raises(CjpFraudError, match="40000"):
        claims.keep_typed(deployment, "ana", deployment.now, "/cases/1/comment", {"text": "x" * 40_001})
    wait(queue, timedelta(days=8))
    assert claims.tidy(deployment, deployment.now).drafts == 2
    with reading(queue.engine) as session:
        assert all(row.fields == {} for row in session.scalars(select(FormDraft)))


def counts_now(queue: QueueUnderTest) -> QueueCounts:
    """What the queue's page counts for rita."""
    at = queue.deployment
    return case_queue.look_at_queue(at, "rita", at.now, QueueFilter(), limit=10).counts


def test_the_queue_is_counted_by_reason_and_age_and_narrowed_by_country_plan_and_reason(
    queue: QueueUnderTest,
) -> None:
    counted = counts_now(queue)
    assert dict(counted.reasons) == {"burst": 4}
    assert dict(counted.ages) == {"under_1_hour": 4}
    wait(queue, timedelta(hours=2))
    assert dict(counts_now(queue).ages) == {"1_to_8_hours": 4}
    for narrowed, count in (
        (QueueFilter(reason=counted_reason), count) for counted_reason, count in counted.reasons.items()
    ):
        assert len(case_queue.list_cases(queue.deployment, narrowed).cases) == count
    for plan in counted.plans:
        assert case_queue.list_cases(queue.deployment, QueueFilter(plan=plan)).cases
    assert case_queue.list_cases(queue.deployment, QueueFilter(plan="no such plan")).cases == ()
    assert case_queue.list_cases(queue.deployment, QueueFilter(country="LV")).cases == ()
