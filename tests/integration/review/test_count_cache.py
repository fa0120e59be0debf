"""Counts of the queue are kept while no case changes, and are never those of an earlier state or of another reader."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.audit.newest_change import Change, NewestChange
from cjp_fraud.operations import case_desk, case_queue, cases, people
from cjp_fraud.people.model import Role
from cjp_fraud.review import count_cache
from cjp_fraud.review.model import CaseState, QueueFilter
from cjp_fraud.review.queue_filters import QueueCounts, count_cases
from cjp_fraud.storage.database import reading
from tests.contract_builders import a_row
from tests.queue_pages import QueueUnderTest, a_queue

FILTERS = (
    QueueFilter(),
    QueueFilter(states=frozenset({CaseState.IN_REVIEW})),
    QueueFilter(states=frozenset(CaseState)),
    QueueFilter(held_by="rita"),
    QueueFilter(held_by=""),
    QueueFilter(channel="sms"),
    QueueFilter(text="acme"),
    QueueFilter(mentions="rolf", states=frozenset(CaseState)),
)


def a_queue_of_two(engine: Engine, folder: Path) -> QueueUnderTest:
    queue = a_queue(engine, folder, *(a_row(tenant_id=tenant) for tenant in ("acme", "beta", "gamma")))
    queue.flagged("acme")
    queue.flagged("beta", channel="sms")
    return queue


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    return a_queue_of_two(sqlite_engine, tmp_path)


def kept(queue: QueueUnderTest, asked: QueueFilter) -> QueueCounts:
    with reading(queue.engine) as session:
        return queue.deployment.count_cache.counts(session, asked, queue.deployment.now)


def counted(queue: QueueUnderTest, asked: QueueFilter) -> QueueCounts:
    with reading(queue.engine) as session:
        return count_cases(session, asked, queue.deployment.now).counts(queue.deployment.now)


@pytest.mark.both_databases
def test_after_every_act_the_cached_counts_are_what_a_new_count_says(engine: Engine, tmp_path: Path) -> None:
    queue = a_queue_of_two(engine, tmp_path)
    deployment = queue.deployment
    acts: tuple[Callable[[], object], ...] = (
        lambda: None,
        lambda: cases.claim(deployment, "rita", deployment.now, "1"),
        lambda: cases.comment(deployment, "rita", deployment.now, "1", "@rolf look"),
        lambda: case_desk.look_at_case(deployment, "rolf", deployment.now, "1"),
        lambda: queue.flagged("gamma"),
        lambda: deployment.wait_until(deployment.now + timedelta(hours=2)),
        lambda: cases.dismiss(deployment, "rita", deployment.now, "1", reasons="a campaign of theirs"),
        lambda: deployment.wait_until(deployment.now + timedelta(days=2)),
    )
    for act in acts:
        act()
        assert [kept(queue, asked) for asked in FILTERS] == [counted(queue, asked) for asked in FILTERS]


def test_that_somebody_read_or_commented_a_case_is_no_reason_to_count_anew(
    queue: QueueUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment, kept_before = queue.deployment, kept(queue, QueueFilter())
    monkeypatch.setattr(count_cache, "count_cases", lambda *_: pytest.fail("it was counted anew"))
    case_desk.look_at_case(deployment, "rita", deployment.now, "1")
    cases.comment(deployment, "rita", deployment.now, "1", "seen at their switch too")
    assert kept(queue, QueueFilter()) == kept_before
    cases.claim(deployment, "rita", deployment.now, "1")
    with pytest.raises(pytest.fail.Exception, match="counted anew"):
        kept(queue, QueueFilter())


def test_a_narrowed_reader_and_one_who_is_not_are_each_counted_their_own(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    people.grant_role(deployment, "ida", deployment.now, "ana", Role.ANALYST, channels=["voice"])

    def waiting(by: str) -> int:
        desk = case_queue.look_at_queue(deployment, by, deployment.now, QueueFilter(), limit=10)
        return sum(desk.counts.states.values())

    assert [waiting(by) for by in ("rita", "ana", "rita", "ana")] == [2, 1, 2, 1]


def test_another_log_in_the_place_of_the_one_that_was_read_is_a_change(queue: QueueUnderTest) -> None:
    newest = NewestChange(frozenset())
    with reading(queue.engine) as session:
        change = newest.of(session)
        assert change is not None
        assert newest.of(session) == change
        other = Change(change.sequence, "0" * 64)
        newest._read = (other, other)
        assert newest.of(session) == change
        ahead = Change(change.sequence + 1, "0" * 64)
        newest._read = (ahead, ahead)
        assert newest.of(session) is None
