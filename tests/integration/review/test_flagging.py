"""Flags become episodes and cases, and the same flags again change nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, update

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.errors import NotFoundError, Refused
from cjp_fraud.people.model import Actor, Decision, Role
from cjp_fraud.people.users import actor_named
from cjp_fraud.review.claim import claim, claim_overflow
from cjp_fraud.review.determination import dismiss
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.queue import overflow_list, queue
from cjp_fraud.review.tables import Case, Episode, Flag
from cjp_fraud.storage.database import make_engine, reading, transaction
from features.counting_clocks import Clock
from tests.case_builders import HOUR, START, a_flag, flag
from tests.chains import chain_faults
from tests.contract_builders import a_row, load_rows
from tests.people_builders import a_user
from tests.simulated_clocks import simulate_clock
from tests.thoroughness import examples

MINUTE = timedelta(minutes=1)
DAY = (START - timedelta(hours=12), START + timedelta(hours=36))


@pytest.fixture
def tenants(engine: Engine, tmp_path: Path) -> Engine:
    load_rows(engine, tmp_path, *(a_row(tenant_id=f"t{number}") for number in range(30)), a_row())
    return engine


def rita(engine: Engine) -> Actor:
    with transaction(engine) as session:
        a_user(session, "rita", [Role.ANALYST, Role.REVIEWER], START)
        return actor_named(session, "rita")


def count(engine: Engine, kind: type) -> int:
    with reading(engine) as session:
        return session.scalar(select(func.count()).select_from(kind)) or 0


def cases(engine: Engine) -> list[Case]:
    with reading(engine) as session:
        return list(session.scalars(select(Case).order_by(Case.number)))


def episodes(engine: Engine) -> list[Episode]:
    with reading(engine) as session:
        return list(
            session.scalars(select(Episode).where(Episode.flag_count > 0).order_by(Episode.first_flag_at))
        )


def test_flags_close_in_time_are_one_episode_and_one_case(tenants: Engine) -> None:
    result = flag(tenants, a_flag(START), a_flag(START + 60 * MINUTE, score=9.0))

    assert (result.new, result.episodes, len(result.opened)) == (2, 1, 1)
    case = cases(tenants)[0]
    assert (case.number, case.state, case.top_score) == (1, CaseState.OPEN, 9.0)


def test_flags_of_two_clocks_stand_beside_each_other_in_one_episode(tenants: Engine) -> None:
    hour = a_flag(START, clock=Clock.HOUR, span_seconds=3600, score=8.0)
    result = flag(tenants, a_flag(START), hour, window=DAY)
    assert (result.new, result.episodes, len(result.opened)) == (2, 1, 1)
    assert cases(tenants)[0].top_score == 8.0
    again = flag(tenants, a_flag(START), window=DAY)
    assert (again.unchanged, again.superseded) == (1, 1)
    with reading(tenants) as session:
        standing = session.scalars(select(Flag.clock).where(Flag.superseded_at.is_(None))).all()
    assert standing == [Clock.MINUTE]


@pytest.mark.both_databases
def test_the_same_flags_again_change_nothing_not_even_the_log(tenants: Engine) -> None:
    rows = [a_flag(START), a_flag(START + 5 * MINUTE), a_flag(START, "t1")]
    flag(tenants, *rows, window=DAY)
    before = {kind: count(tenants, kind) for kind in (Flag, Episode, Case, AuditEntry)}

    again = flag(tenants, *rows, window=DAY)

    assert (again.new, again.superseded, again.opened, again.joined) == (0, 0, (), 0)
    assert again.unchanged == 3
    assert {kind: count(tenants, kind) for kind in before} == before


def test_a_flag_that_is_taken_back_is_superseded_and_never_deleted(tenants: Engine) -> None:
    flag(tenants, a_flag(START), a_flag(START + 5 * MINUTE), window=DAY)

    result = flag(tenants, a_flag(START), window=DAY)

    assert (result.superseded, result.new, count(tenants, Flag)) == (1, 0, 2)
    assert episodes(tenants)[0].flag_count == 1


@pytest.mark.both_databases
def test_a_flag_that_differs_replaces_the_one_before(tenants: Engine) -> None:
    flag(tenants, a_flag(START), window=DAY)

    result = flag(tenants, a_flag(START, score=7.0), window=DAY)

    assert (result.superseded, result.new) == (1, 1)
    assert cases(tenants)[0].top_score == 7.0


def test_a_window_of_other_tenants_leaves_a_flag_alone(tenants: Engine) -> None:
    flag(tenants, a_flag(START), window=DAY)

    result = flag(tenants, a_flag(START, "t1"), window=DAY, tenant_ids={"t1"})

    assert result.superseded == 0


def test_a_late_flag_that_joins_two_episodes_keeps_the_older_id(tenants: Engine) -> None:
    first, second = a_flag(START), a_flag(START + 110 * MINUTE)
    flag(tenants, first, second, window=DAY)
    older = episodes(tenants)[0].id

    flag(tenants, first, a_flag(START + 55 * MINUTE), second, window=DAY)

    assert [(one.id, one.flag_count) for one in episodes(tenants)] == [(older, 3)]
    with reading(tenants) as session:
        joined = session.scalars(select(Episode).where(Episode.flag_count == 0)).one()
        assert joined.joined_to == older
    assert len(cases(tenants)) == 1


def test_a_late_flag_before_the_first_keeps_the_id(tenants: Engine) -> None:
    flag(tenants, a_flag(START), window=DAY)
    known = episodes(tenants)[0].id

    flag(tenants, a_flag(START - 10 * MINUTE), a_flag(START), window=DAY)

    assert [one.id for one in episodes(tenants)] == [known]


def test_an_episode_joins_the_tenants_open_case_however_late(tenants: Engine) -> None:
    flag(tenants, a_flag(START))
    flag(tenants, a_flag(START + timedelta(days=9)))

    assert len(cases(tenants)) == 1


def test_a_dismissed_case_takes_an_episode_of_the_next_day_and_stays_dismissed(tenants: Engine) -> None:
    by = rita(tenants)
    flag(tenants, a_flag(START))
    case_id = cases(tenants)[0].id
    with transaction(tenants) as session:
        claim(Decision(session, by, START + HOUR), case_id)
        dismiss(Decision(session, by, START + HOUR), case_id, reasons="a campaign")

    result = flag(tenants, a_flag(START + 20 * HOUR), at=START + 20 * HOUR)

    assert (result.joined, result.opened) == (1, ())
    assert [case.state for case in cases(tenants)] == [CaseState.DISMISSED]
    with reading(tenants) as session:
        assert [row.flags_since for row in queue(session).cases] == [1]


def test_after_a_day_without_flags_a_dismissed_tenant_gets_a_new_case(tenants: Engine) -> None:
    by = rita(tenants)
    flag(tenants, a_flag(START))
    case_id = cases(tenants)[0].id
    with transaction(tenants) as session:
        claim(Decision(session, by, START), case_id)
        dismiss(Decision(session, by, START), case_id, reasons="a campaign")

    flag(tenants, a_flag(START + 24 * HOUR + MINUTE))

    assert [case.state for case in cases(tenants)] == [CaseState.DISMISSED, CaseState.OPEN]


@pytest.mark.parametrize(
    ("later", "cases_then"),
    [
        ({"reasons": {"words": [], "hour_before": 2.0}}, 1),
        ({"reasons": {"words": [], "hour_before": 0.1}}, 2),
        ({"reasons": {"words": [], "hour_before": 2.0}, "direction": "inbound"}, 2),
        ({"reasons": {"words": [], "hour_before": 2.0}, "interval_start": START + 97 * HOUR}, 2),
    ],
    ids=["at the level", "a new burst", "another series", "after the fourth midnight"],
)
def test_a_dismissed_shift_takes_what_goes_on_at_its_level_over_a_weekend(
    tenants: Engine, later: dict[str, Any], cases_then: int
) -> None:
    by = rita(tenants)
    flag(tenants, a_flag(START))
    case_id = cases(tenants)[0].id
    with transaction(tenants) as session:
        claim(Decision(session, by, START), case_id)
        dismiss(Decision(session, by, START), case_id, reasons="a migration")

    flag(tenants, a_flag(**{"start": START + 70 * HOUR} | later))

    assert len(cases(tenants)) == cases_then
    assert cases(tenants)[0].state is CaseState.DISMISSED


def the_flag(engine: Engine) -> Flag:
    with reading(engine) as session:
        return session.scalars(select(Flag)).one()


EARLY = a_flag(q_value=None, reasons={"words": ["14 × the usual"]})
CLOSED = a_flag(q_value=0.05, reasons={"words": ["14 × the usual", "at most one in 20 is chance"]})


def test_a_flag_of_an_open_hour_gets_its_q_value_once_it_is_closed_and_keeps_it(tenants: Engine) -> None:
    flag(tenants, EARLY, window=DAY)
    before = the_flag(tenants)
    result = flag(tenants, CLOSED, window=DAY)
    assert (result.new, result.unchanged, result.superseded) == (0, 1, 0)
    after = the_flag(tenants)
    assert (after.id, before.q_value, after.q_value) == (before.id, None, 0.05)
    assert after.reasons["words"][-1] == "at most one in 20 is chance"
    flag(tenants, EARLY, window=DAY)
    assert the_flag(tenants).q_value == 0.05
    with reading(tenants) as session:
        assert chain_faults(session) == []


def test_a_flag_that_was_determined_in_an_open_hour_stays_without_a_q_value(tenants: Engine) -> None:
    by = rita(tenants)
    flag(tenants, EARLY, window=DAY)
    case_id = cases(tenants)[0].id
    with transaction(tenants) as session:
        claim(Decision(session, by, START), case_id)
        dismiss(Decision(session, by, START), case_id, reasons="their launch")
    flag(tenants, CLOSED, window=DAY)
    assert the_flag(tenants).q_value is None


def test_a_flag_that_a_determination_names_is_never_superseded(tenants: Engine) -> None:
    by = rita(tenants)
    flag(tenants, a_flag(START))
    case_id = cases(tenants)[0].id
    with transaction(tenants) as session:
        claim(Decision(session, by, START), case_id)
        dismiss(Decision(session, by, START), case_id, reasons="a campaign")

    result = flag(tenants, window=DAY)

    assert (result.superseded, result.kept_by_determination) == (0, 1)
    result = flag(tenants, a_flag(START, score=8.0), window=DAY)
    assert (result.new, result.kept_by_determination) == (0, 1)


def test_an_outage_of_the_sources_cannot_flood_the_queue(tenants: Engine) -> None:
    rows = [a_flag(START, f"t{number}", score=5.0 + number / 10) for number in range(30)]

    result = flag(tenants, *rows)

    assert (len(result.opened), result.overflow) == (20, 10)
    assert {case.tenant_id for case in cases(tenants)} == {f"t{number}" for number in range(10, 30)}
    with reading(tenants) as session:
        assert [row.tenant_id for row in overflow_list(session)][:2] == ["t9", "t8"]


@pytest.mark.both_databases
def test_the_cap_lets_the_highest_expected_loss_through_and_the_list_goes_by_it(tenants: Engine) -> None:
    """A contact without a known charge counts as one cent, and is marked."""
    result = flag(
        tenants,
        a_flag(START, "t1", excess=100.0, cents_per_contact=90.0),
        a_flag(START, "t2", excess=900.0, cents_per_contact=0.5),
        a_flag(START, "t3", excess=500.0, score=9.0),
        a_flag(START, "t4", excess=20.0, cents_per_contact=30.0),
        cap=2,
    )
    assert (len(result.opened), result.overflow) == (2, 2)
    assert {case.tenant_id for case in cases(tenants)} == {"t1", "t4"}
    with reading(tenants) as session:
        waiting = overflow_list(session)
        assert queue(session).overflow == 2
    assert [(row.tenant_id, row.expected_loss, row.charge_known) for row in waiting] == [
        ("t3", 500.0, False),
        ("t2", 450.0, True),
    ]


def test_a_case_off_the_list_takes_the_tenants_later_episodes_on_it_too(tenants: Engine) -> None:
    by = rita(tenants)
    for hour, other in ((0, "t2"), (2, "t3")):
        at = START + hour * HOUR
        flag(tenants, a_flag(at, other, excess=500.0), a_flag(at, "t1"), window=(at, at + HOUR), cap=1)
    with reading(tenants) as session:
        earlier, later = sorted(overflow_list(session), key=lambda row: row.first_flag_at)
    assert (earlier.tenant_id, later.tenant_id) == ("t1", "t1")
    with transaction(tenants) as session:
        case = claim_overflow(Decision(session, by, START), earlier.episode_id)
    assert case.last_flag_at == START + 2 * HOUR
    with reading(tenants) as session:
        assert overflow_list(session) == []


def test_what_overflowed_gets_its_case_when_it_is_flagged_in_an_hour_with_room(tenants: Engine) -> None:
    rows = [a_flag(START, f"t{number}", score=5.0 + number / 10) for number in range(21)]
    flag(tenants, *rows)

    result = flag(tenants, a_flag(START + 60 * MINUTE, "t0"), window=(START + HOUR, START + 2 * HOUR))

    assert (len(result.opened), result.overflow) == (1, 0)


def test_hours_at_once_or_one_by_one_open_the_same_cases(tenants: Engine, tmp_path: Path) -> None:
    rows = [
        a_flag(START + hour * HOUR, f"t{number}", score=5.0 + ((7 * number + hour) % 13) / 10)
        for number in range(12)
        for hour in range(3)
        if (number + hour) % 2
    ]
    for hour in range(3):
        window = (START + hour * HOUR, START + (hour + 1) * HOUR)
        flag(
            tenants,
            *(row for row in rows if window[0] <= row.interval_start < window[1]),
            window=window,
            cap=2,
        )
    one_by_one = [(case.tenant_id, case.opened_hour, case.number) for case in cases(tenants)]

    other = _fresh(tmp_path, tenants)
    flag(other, *rows, window=(START, START + 3 * HOUR), cap=2)

    assert [(case.tenant_id, case.opened_hour, case.number) for case in cases(other)] == one_by_one


def _fresh(folder: Path, like: Engine) -> Engine:
    from cjp_fraud.storage.schema_version import migrate

    engine = make_engine(f"sqlite:///{folder / 'other.db'}")
    migrate(engine)
    simulate_clock(engine)
    load_rows(engine, folder, *(a_row(tenant_id=f"t{number}") for number in range(30)), a_row())
    return engine


def test_a_reviewer_takes_an_episode_off_the_overflow_list_over_the_cap(tenants: Engine) -> None:
    by = rita(tenants)
    flag(tenants, a_flag(START), a_flag(START, "t1", score=5.0), cap=1)
    with reading(tenants) as session:
        waiting = overflow_list(session)[0].episode_id

    with transaction(tenants) as session:
        case = claim_overflow(Decision(session, by, START), waiting)

    assert (case.tenant_id, case.state, case.number) == ("t1", CaseState.IN_REVIEW, 2)
    with transaction(tenants) as session, pytest.raises(NotFoundError, match="overflow"):
        claim_overflow(Decision(session, by, START), waiting)


def test_a_case_has_one_holder_and_the_second_is_told_who(tenants: Engine) -> None:
    by = rita(tenants)
    with transaction(tenants) as session:
        a_user(session, "ana", [Role.ANALYST], START)
        ana = actor_named(session, "ana")
    flag(tenants, a_flag(START))
    case_id = cases(tenants)[0].id
    with transaction(tenants) as session:
        claim(Decision(session, by, START), case_id)

    with transaction(tenants) as session, pytest.raises(Refused, match="rita holds it"):
        claim(Decision(session, ana, START), case_id)


@pytest.mark.parametrize(
    "row",
    [a_flag(START + timedelta(days=9)), a_flag(START, excess=0.0), a_flag(START, "t2")],
    ids=["outside the window", "not upward", "a tenant that was not scored"],
)
def test_rows_that_were_not_scored_are_refused(tenants: Engine, row: object) -> None:
    with pytest.raises(ValueError, match="flag of"):
        flag(tenants, row, window=DAY, tenant_ids={"acme"})  # type: ignore[arg-type]


times = st.sets(st.integers(0, 400), max_size=10)


@pytest.mark.thorough
@settings(
    max_examples=examples(8, 30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(runs=st.lists(times, min_size=1, max_size=4))
def test_whatever_came_before_the_flags_in_force_are_those_of_the_last_run(
    sqlite_template: bytes, tmp_path_factory: pytest.TempPathFactory, runs: list[set[int]]
) -> None:
    folder = tmp_path_factory.mktemp("flags")
    (folder / "db").write_bytes(sqlite_template)
    engine = make_engine(f"sqlite:///{folder / 'db'}")
    load_rows(engine, folder, a_row())

    for run in runs:
        flag(engine, *(a_flag(START + minute * 5 * MINUTE) for minute in run), window=DAY)

    expected = [START + minute * 5 * MINUTE for minute in sorted(runs[-1])]
    with reading(engine) as session:
        in_force = session.scalars(
            select(Flag).where(Flag.superseded_at.is_(None)).order_by(Flag.interval_start)
        ).all()
        assert [one.interval_start for one in in_force] == expected
        _check_episodes(in_force, {one.id: one for one in session.scalars(select(Episode))})
        assert chain_faults(session) == []
    engine.dispose()


def _check_episodes(flags: object, by_id: dict[str, Episode]) -> None:
    """Each episode's span is that of its flags, and flags over an hour apart are never in one."""
    spans: dict[str, list[datetime]] = {}
    for one in flags:  # type: ignore[attr-defined]
        spans.setdefault(one.episode_id, []).append(one.interval_start)
    for name, starts in spans.items():
        episode = by_id[name]
        assert (episode.first_flag_at, episode.last_flag_at) == (starts[0], starts[-1])
        assert episode.flag_count == len(starts)
        assert episode.case_id is not None
        assert all(b - a <= HOUR for a, b in pairwise(starts))
    assert {name for name, one in by_id.items() if one.flag_count} == set(spans)


def test_an_episode_that_a_measures_end_splits_is_named_in_the_log_though_no_flag_changed(
    tenants: Engine,
) -> None:
    flags = [a_flag(START + timedelta(minutes=minutes)) for minutes in (0, 30)]
    flag(tenants, *flags)
    with tenants.begin() as connection:  # as the end of a measure leaves the case
        ended = START + timedelta(minutes=10)
        connection.execute(update(Case).values(state=CaseState.REINSTATED, closed_at=ended))

    again = flag(tenants, *flags)

    assert (again.new, again.superseded, again.episodes) == (0, 0, 2)
    with reading(tenants) as session:
        newest = session.scalars(select(AuditEntry).order_by(AuditEntry.sequence.desc())).first()
    assert newest is not None
    assert newest.action == "flags.recorded"
    assert {row["table"] for row in newest.rows} >= {"episodes", "flags"}
