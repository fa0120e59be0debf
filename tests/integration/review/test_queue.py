"""The queue is read a page at a time: nothing is skipped while it changes, and no page sorts all cases."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, select, text, update

from cjp_fraud.errors import BadInputError
from cjp_fraud.notices.methods.mail_server import MailServer
from cjp_fraud.people.model import Decision
from cjp_fraud.review.claim import claim, claim_next
from cjp_fraud.review.determination import dismiss, reopen
from cjp_fraud.review.model import CLOSED_STATES, CaseState, QueueFilter, QueueOrder
from cjp_fraud.review.queue import QueuedCase, queue
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.database import make_engine, reading, transaction
from tests.case_builders import START, StaffedDeployment, a_flag, flag, open_staffed
from tests.contract_builders import a_row, load_rows
from tests.notice_builders import by_email
from tests.thoroughness import examples

pytestmark = pytest.mark.both_databases

TENANTS = [f"t{number}" for number in range(9)]
LATER = START + timedelta(days=3)


@pytest.fixture
def staffed(engine: Engine, tmp_path: Path) -> StaffedDeployment:
    mail = by_email(MailServer(host="127.0.0.1", port=9))
    return open_staffed(engine, tmp_path, mail, *(a_row(tenant_id=name) for name in TENANTS))


def pages(
    engine: Engine, wanted: QueueFilter | None = None, limit: int = 2
) -> Iterator[tuple[QueuedCase, ...]]:
    """Yield page after page, each read in a transaction of its own."""
    after = None
    while True:
        with reading(engine) as session:
            page = queue(session, wanted, limit=limit, after=after)
        yield page.cases
        after = page.next_cursor
        if after is None:
            return


def test_pages_joined_are_the_queue_highest_score_first(staffed: StaffedDeployment) -> None:
    scores = [5.0, 7.0, 7.0, 4.0, 6.0]
    for name, score in zip(TENANTS, scores, strict=False):
        flag(staffed.engine, a_flag(START, name, score=score))

    read = [row for page in pages(staffed.engine) for row in page]

    assert [(row.top_score, row.number) for row in read] == [(7.0, 2), (7.0, 3), (6.0, 5), (5.0, 1), (4.0, 4)]
    assert not any(row.moved for row in read)
    assert [
        row.number for page in pages(staffed.engine, QueueFilter(order=QueueOrder.AGE)) for row in page
    ] == [
        1,
        2,
        3,
        4,
        5,
    ]


def test_what_costs_most_per_hour_comes_first_then_the_most_unusual_then_the_oldest(
    staffed: StaffedDeployment,
) -> None:
    for name, score, cents in [("t0", 9.0, 1.0), ("t1", 3.0, 50.0), ("t2", 5.0, 50.0), ("t3", 5.0, 50.0)]:
        flag(staffed.engine, a_flag(START, name, score=score, cents_per_contact=cents))

    read = [row for page in pages(staffed.engine) for row in page]
    by_score = [row for page in pages(staffed.engine, QueueFilter(order=QueueOrder.SCORE)) for row in page]

    assert [row.tenant_id for row in read] == ["t2", "t3", "t1", "t0"]
    assert [row.tenant_id for row in by_score] == ["t0", "t2", "t3", "t1"]
    with transaction(staffed.engine) as session:
        claimed = claim_next(Decision(session, staffed.people["rita"], staffed.now))
    assert claimed is not None
    assert claimed.id == read[0].id, "the next one to claim is the first row"


def test_a_case_that_begins_to_cost_more_comes_again_behind_the_others(staffed: StaffedDeployment) -> None:
    for name in TENANTS[:3]:
        flag(staffed.engine, a_flag(START, name, score=6.0, cents_per_contact=1.0))
    read = pages(staffed.engine, limit=1)
    assert [row.tenant_id for row in next(read)] == ["t0"]
    flag(staffed.engine, a_flag(START, "t2", score=6.0, cents_per_contact=90.0), tenant_ids={"t2"})
    rest = [(row.tenant_id, row.moved) for page in read for row in page]
    assert rest == [("t1", False), ("t2", True)]


def test_a_page_counts_what_the_filter_lets_through_by_state(staffed: StaffedDeployment) -> None:
    for name in TENANTS[:4]:
        flag(staffed.engine, a_flag(START, name))
    staffed.do(claim, "rita")

    with reading(staffed.engine) as session:
        page = queue(session, limit=1)
        of_one = queue(session, QueueFilter(tenant_id="t0"), limit=1)
        closed = queue(session, QueueFilter(states=CLOSED_STATES), limit=1)

    assert page.counts == {CaseState.OPEN: 3, CaseState.IN_REVIEW: 1}
    assert (of_one.counts, len(of_one.cases)) == ({CaseState.OPEN: 1}, 1)
    assert (closed.counts, closed.cases, closed.next_cursor) == ({}, (), None)


def test_a_closed_case_waits_again_once_it_is_flagged_and_until_the_flag_is_taken_back(
    staffed: StaffedDeployment,
) -> None:
    flag(staffed.engine, a_flag(START, "t0"))
    staffed.do(claim, "rita")
    staffed.do(dismiss, "rita", reasons="a campaign")
    assert waiting(staffed) == []

    at = START + timedelta(hours=2)
    flag(staffed.engine, a_flag(at, "t0"), at=at)
    with reading(staffed.engine) as session:
        (row,) = queue(session).cases
    assert (row.state, row.flags, row.flags_since) == (CaseState.DISMISSED, 2, 1)

    window = (at - timedelta(minutes=30), at + timedelta(minutes=30))
    flag(staffed.engine, at=at + timedelta(hours=1), window=window)
    assert waiting(staffed) == []
    staffed.wait(hours=3)
    staffed.do(reopen, "rita", reasons="no campaign")
    assert waiting(staffed) == [1]


def waiting(staffed: StaffedDeployment) -> list[int]:
    return [row.number for page in pages(staffed.engine) for row in page]


def test_a_case_whose_score_rises_past_the_place_read_is_shown_at_the_end(staffed: StaffedDeployment) -> None:
    for place, name in enumerate(TENANTS[:5]):
        flag(staffed.engine, a_flag(START, name, score=9.0 - place))

    read = pages(staffed.engine)
    first = next(read)
    flag(staffed.engine, a_flag(START + timedelta(minutes=5), "t4", score=20.0))
    rest = [row for page in read for row in page]

    assert [row.number for row in first] == [1, 2]
    assert [(row.number, row.moved) for row in rest] == [(3, False), (4, False), (5, True)]


CHANGES = st.lists(
    st.lists(st.tuples(st.integers(0, 8), st.floats(4, 12), st.booleans()), max_size=4), max_size=8
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("queue")
    (folder / "queue.db").write_bytes(sqlite_template)
    engine = make_engine(f"sqlite:///{folder / 'queue.db'}")
    load_rows(engine, folder, *(a_row(tenant_id=name) for name in TENANTS), at=START - timedelta(days=60))
    yield engine
    engine.dispose()


@pytest.mark.thorough
@settings(max_examples=examples(10, 60))
@given(changes=CHANGES, limit=st.integers(1, 4), order=st.sampled_from(QueueOrder))
def test_whatever_changes_between_pages_no_case_is_skipped_and_only_moved_ones_come_twice(
    world: Engine, changes: list[list[tuple[int, float, bool]]], limit: int, order: QueueOrder
) -> None:
    """Detection runs between the pages: scores rise and fall, cases open, and some are closed by hand."""
    with world.begin() as connection:
        for table in ("flags", "episodes", "case_lines", "case_traits", "cases"):
            connection.execute(text(f"DELETE FROM {table}"))
    for name in TENANTS[:7]:
        flag(world, a_flag(START, name, score=6.0))
    at_first = set(numbers(world))
    closed: set[int] = set()

    read: list[QueuedCase] = []
    for page, between in zip(
        pages(world, QueueFilter(order=order), limit), [*changes, *([[]] * 60)], strict=False
    ):
        read += page
        for tenant, score, close in between:
            name = TENANTS[tenant]
            flag(world, a_flag(START, name, score=score), tenant_ids={name})
            if close:
                closed |= closed_by_hand(world, name)

    times = Counter(row.number for row in read)
    assert at_first - closed <= set(times)
    assert all(times[row.number] == 1 or row.moved or order is not QueueOrder.AGE for row in read)
    shown_in_place = Counter(row.number for row in read if not row.moved)
    assert all(count == 1 for count in shown_in_place.values())
    if order is QueueOrder.AGE:
        assert all(count == 1 for count in times.values())


def numbers(engine: Engine) -> list[int]:
    with reading(engine) as session:
        return list(session.scalars(select(Case.number)))


def closed_by_hand(engine: Engine, tenant_id: str) -> set[int]:
    """Close the tenant's case; return its number."""
    with engine.begin() as connection:
        rows = connection.execute(
            update(Case)
            .where(Case.tenant_id == tenant_id)
            .values(state=CaseState.DISMISSED, closed_at=LATER, in_queue=False)
            .returning(Case.number)
        )
        return {number for (number,) in rows}


@pytest.mark.parametrize("cursor", ["", "nonsense", "WzFd", "éé", base64.b64encode(b"[" * 9_000).decode()])
def test_a_cursor_that_nobody_gave_out_is_refused_in_words(sqlite_engine: Engine, cursor: str) -> None:
    with reading(sqlite_engine) as session, pytest.raises(BadInputError, match="no place in the queue"):
        queue(session, after=cursor)


@pytest.mark.parametrize(
    "document",
    [
        ["score", 1, False, [["2025-01-01T00:00:00Z"], 1]],
        ["score", 1, False, [[float("nan")], 1]],
        ["score", 1, False, [[5.0], 2**63]],
        ["score", 1, False, [5.0, 1]],
        ["score", 1, False, [[5.0, 1.0], 1]],
        ["worst", 1, False, [[5], 1]],
        ["worst", 1, False, [[2**63, 1.0], 1]],
        ["worst", 1, False, [[5, float("inf")], 1]],
        ["score", 2**63, False, None],
        ["score", float("inf"), False, None],
        ["score", 1, True, [["2025-01-01T00:00:00Z"], 1]],
        ["age", 1, False, [[5.0], 1]],
        ["age", 1, False, [["0001-01-01T00:00:00+23:59"], 1]],
    ],
    ids=json.dumps,
)
def test_a_cursor_whose_key_is_of_another_kind_is_refused_in_words(
    engine: Engine, document: list[Any]
) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(document).encode()).decode()
    wanted = QueueFilter(order=QueueOrder(document[0]))
    with reading(engine) as session, pytest.raises(BadInputError, match="no place in the queue"):
        queue(session, wanted, after=cursor)


def test_the_next_page_is_asked_in_the_same_order(staffed: StaffedDeployment) -> None:
    for name in TENANTS[:3]:
        flag(staffed.engine, a_flag(START, name))
    with reading(staffed.engine) as session:
        cursor = queue(session, limit=1).next_cursor
        with pytest.raises(BadInputError, match="same order"):
            queue(session, QueueFilter(order=QueueOrder.AGE), after=cursor)


CASES = 4_000
PAGE = 20


@pytest.fixture(scope="module")
def crowd(engine_of_module: Engine, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Thousands of cases, most of them closed long ago; for reading only."""
    engine, folder = engine_of_module, tmp_path_factory.mktemp("crowd")
    states = [CaseState.DISMISSED, CaseState.REINSTATED, CaseState.EXPIRED, CaseState.LAPSED]
    load_rows(engine, folder, *(a_row(tenant_id=f"t{number}") for number in range(400)), at=START)
    cases = []
    for number in range(1, CASES + 1):
        waits = number % 40 == 0
        cases.append(
            {
                "id": new_id(),
                "number": number,
                "tenant_id": f"t{number // 40}" if waits else f"t{number % 400}",
                "state": CaseState.OPEN if waits else states[number % 4],
                "opened_at": START + timedelta(minutes=number),
                "opened_hour": START,
                "first_flag_at": START,
                "last_flag_at": START,
                "top_score": (number * 7919) % 1000 / 100,
                "exposure_per_hour": number * 6053 % 700,
                "closed_at": None if waits else LATER,
                "in_queue": waits,
                "queue_revision": number,
                "recorded_at": START,
            }
        )
    with engine.begin() as connection:
        connection.execute(insert(Case), cases)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT", reading_only=True) as connection:
        connection.exec_driver_sql("ANALYZE")
    return engine


FILTERS = {
    "the queue, worst first": QueueFilter(),
    "the queue by score": QueueFilter(order=QueueOrder.SCORE),
    "the queue by age": QueueFilter(order=QueueOrder.AGE),
    "all cases ever": QueueFilter(states=frozenset(CaseState)),
    "two states by age": QueueFilter(
        states=frozenset({CaseState.DISMISSED, CaseState.OPEN}), order=QueueOrder.AGE
    ),
    "all of one tenant": QueueFilter(tenant_id="t7", states=frozenset(CaseState)),
}


@pytest.mark.parametrize("asked", FILTERS)
def test_no_page_sorts_or_reads_all_cases(crowd: Engine, asked: str, monkeypatch: Any) -> None:
    wanted = FILTERS[asked]
    plans: list[Any] = []
    with reading(crowd) as session:
        first = queue(session, wanted, limit=PAGE)
        execute = session.execute

        def explained(statement: Any, *arguments: Any, **options: Any) -> Any:
            plans.append(plan_of(crowd, statement))
            return execute(statement, *arguments, **options)

        monkeypatch.setattr(session, "execute", explained)
        if first.next_cursor is not None:
            queue(session, wanted, limit=PAGE, after=first.next_cursor)
        queue(session, wanted, limit=PAGE)

    assert plans
    for plan in plans:
        if crowd.dialect.name == "sqlite":
            assert not [line for line in plan if line == "SCAN cases"], plan
        else:
            # A count by states that include closed ones reads what it counts; it sorts its groups alone.
            counts = wanted.states is not None and any("Aggregate" in kind for kind, *_ in plan)
            assert not [node for node in plan if sorts_too_much(node) or (reads_all(node) and not counts)], (
                plan
            )


def plan_of(engine: Engine, statement: Any) -> Any:
    """Return the steps of a statement's plan: lines on SQLite, nodes with their rows on PostgreSQL."""
    compiled = statement.compile(engine, compile_kwargs={"literal_binds": True})
    with engine.connect().execution_options(reading_only=True) as connection:
        if engine.dialect.name == "sqlite":
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")
            return [row[-1] for row in rows]
        (document,) = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {compiled}").one()
    nodes, found = [json.loads(document)[0]["Plan"] if isinstance(document, str) else document[0]["Plan"]], []
    while nodes:
        node = nodes.pop()
        found.append(
            (node["Node Type"], node.get("Relation Name"), node["Actual Rows"], node.get("Index Name"))
        )
        nodes += node.get("Plans", [])
    return found


def reads_all(node: tuple[str, str | None, int, str | None]) -> bool:
    kind, relation, _rows, _index = node
    return kind == "Seq Scan" and relation == "cases"


def sorts_too_much(node: tuple[str, str | None, int, str | None]) -> bool:
    """Whether a step sorts more than a page of each branch."""
    kind, _relation, rows, _index = node
    return "Sort" in kind and rows > len(CaseState) * (PAGE + 1)


def test_a_case_opened_again_while_pages_are_read_is_shown_at_the_end(staffed: StaffedDeployment) -> None:
    for place, name in enumerate(TENANTS[:4]):
        flag(staffed.engine, a_flag(START, name, score=9.0 - place), at=staffed.now)
    with reading(staffed.engine) as session:
        (best, *_) = queue(session).cases
    with transaction(staffed.engine) as session:
        decision = Decision(session, staffed.people["rita"], staffed.now)
        claim(decision, best.id)
        dismiss(decision, best.id, reasons="a campaign")
    with reading(staffed.engine) as session:
        first = queue(session, limit=1)
    assert best.number not in [row.number for row in first.cases]
    with transaction(staffed.engine) as session:
        reopen(Decision(session, staffed.people["rita"], staffed.now), best.id, reasons="no campaign")
    shown, after = [row.number for row in first.cases], first.next_cursor
    while after is not None:
        with reading(staffed.engine) as session:
            page = queue(session, limit=1, after=after)
        shown += [row.number for row in page.cases]
        after = page.next_cursor
    assert sorted(set(shown)) == [1, 2, 3, 4]
