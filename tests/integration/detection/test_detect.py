"""Detection on a real lake: equal to a back-test, the same however it is cut and run again, and felt by late rows."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine, func, select

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.detection.baseline import refresh
from cjp_fraud.detection.lake_tables import BASELINE, CALIBRATION, PROFILE, SCORES
from cjp_fraud.errors import BadInputError
from cjp_fraud.review.tables import Case, Flag
from cjp_fraud.storage.database import reading
from features.columns import CLOCK_SCORE, INTERVAL_START, SERIES_KEY, TENANT
from features.counting_clocks import HOURLY_CLOCKS
from tests.integration.detection.cloud import ATTACKED, BEGIN, END, EVE, NOW, TENANTS, cloud_traffic
from tests.integration.detection.deployments import SmallDeployment, traffic

WHENEVER = [4, 5]
"""Hours after the eve at which a window is cut: within a day, and one hour within a gap."""


@pytest.fixture
def fresh(eve: SmallDeployment, tmp_path: Path) -> SmallDeployment:
    """A copy that a test may change: two days wait."""
    return eve.copy(tmp_path / "fresh")


@pytest.fixture
def done(detected: SmallDeployment, tmp_path: Path) -> SmallDeployment:
    """A copy that a test may change: all is detected."""
    return detected.copy(tmp_path / "done")


def assert_same(one: SmallDeployment, other: SmallDeployment, since: datetime = BEGIN) -> None:
    """Both have the same scores on every clock, and the same flags."""
    for mine, theirs in ((one.scores(), other.scores()), (one.clock_scores(), other.clock_scores())):
        mine, theirs = (
            frame[frame[INTERVAL_START] >= pd.Timestamp(since)].reset_index(drop=True)
            for frame in (mine, theirs)
        )
        pd.testing.assert_frame_equal(mine, theirs, check_exact=True)
    assert one.flag_keys() == other.flag_keys()


def test_detection_equals_the_back_test_to_the_bit(detected: SmallDeployment, tested: pd.DataFrame) -> None:
    scores = detected.scores()
    for name in (TENANT, INTERVAL_START, "observed", "baseline", "score", "p_value"):
        pd.testing.assert_series_equal(scores[name], tested[name], check_exact=True)
    by_minute = tested["flagged_by"].fillna("").str.split(",").map(lambda clocks: "minute" in clocks)
    assert scores["flagged"].astype(bool).tolist() == by_minute.tolist()
    own = by_minute | ~tested["flagged"]  # where only a longer clock flagged, a back-test shows its excess
    pd.testing.assert_series_equal(scores.loc[own, "excess"], tested.loc[own, "excess"], check_exact=True)
    flags = detected.flags()
    assert {"acme", "zenith", "trickle"} <= {flag.tenant_id for flag in flags}
    assert len({(flag.tenant_id, flag.interval_start) for flag in flags}) == tested["flagged"].sum()


def test_every_clock_equals_the_back_test_to_the_bit(detected: SmallDeployment, tested: pd.DataFrame) -> None:
    spans = detected.clock_scores()
    for clock in HOURLY_CLOCKS:
        of_clock = spans[spans["clock"] == clock]
        both = of_clock.merge(tested, on=[*SERIES_KEY, INTERVAL_START], suffixes=("", "_tested"))
        assert len(both) == len(of_clock) > 0
        pd.testing.assert_series_equal(
            both["score"], both[CLOCK_SCORE[clock]], check_exact=True, check_names=False
        )
        by_it = both["flagged_by"].fillna("").str.split(",").map(lambda names, clock=clock: clock in names)
        assert (both["flagged"] == by_it).all()
        assert by_it.any()


def test_episodes_are_those_of_the_back_test(detected: SmallDeployment, tested: pd.DataFrame) -> None:
    expected = tested[tested["flagged"]].groupby("episode_id")[INTERVAL_START].agg(set)
    flags = pd.DataFrame(
        [(flag.episode_id, flag.interval_start) for flag in detected.flags()], columns=["episode", "start"]
    )
    recorded = flags.groupby("episode")["start"].agg(set)
    assert sorted(map(sorted, recorded)) == sorted(map(sorted, expected))


def test_a_window_cut_anywhere_gives_the_same_bytes(
    detected: SmallDeployment, fresh: SmallDeployment
) -> None:
    cuts = [EVE, *(EVE + timedelta(hours=hour) for hour in WHENEVER), END]
    for begin, end in itertools.pairwise(cuts):
        fresh.detect(begin, end, NOW)
    assert_same(detected, fresh)


@pytest.mark.slow
@pytest.mark.parametrize("hours", [[], [1, 5 * 24, 9 * 24 + 13, 10 * 24]])
def test_the_whole_at_once_or_cut_anywhere_gives_the_same_bytes(
    detected: SmallDeployment, trained: SmallDeployment, tmp_path: Path, hours: list[int]
) -> None:
    whole = trained.copy(tmp_path / "whole")
    cuts = [BEGIN, *(BEGIN + timedelta(hours=hour) for hour in hours), END]
    for begin, end in itertools.pairwise(cuts):
        whole.detect(begin, end, NOW)
    assert_same(detected, whole)


def test_a_window_that_begins_late_makes_the_days_before_it_first(
    detected: SmallDeployment, trained: SmallDeployment, tmp_path: Path
) -> None:
    late = trained.copy(tmp_path / "late")
    begin = EVE + timedelta(hours=29)
    late.detect(begin, END, NOW)
    whole = detected.scores()
    whole = whole[whole[INTERVAL_START] >= begin].reset_index(drop=True)
    pd.testing.assert_frame_equal(late.scores(), whole, check_exact=True)


def test_running_again_changes_nothing(done: SmallDeployment) -> None:
    before = (done.flag_keys(), _entries(done.engine), done.lake.read(CALIBRATION).num_rows)
    scores = done.scores()
    again = done.detect(BEGIN, END, NOW)
    assert (again.flags.new, again.flags.superseded, again.flags.opened) == (0, 0, ())
    assert again.flags.unchanged == len(before[0]) > 0
    pd.testing.assert_frame_equal(scores, done.scores(), check_exact=True)
    assert before == (done.flag_keys(), _entries(done.engine), done.lake.read(CALIBRATION).num_rows)
    assert done.train(END) == []
    assert refresh(done.lake, done.engine, TENANTS, NOW).folded == 0


def test_one_commit_a_table_whatever_the_window(done: SmallDeployment) -> None:
    before = {table.name: done.lake.version(table) for table in (SCORES, CALIBRATION)}
    done.detect(EVE, END, NOW)
    assert {name: version + 1 for name, version in before.items()} == {
        table.name: done.lake.version(table) for table in (SCORES, CALIBRATION)
    }


def test_the_flags_of_an_open_hour_are_null(fresh: SmallDeployment) -> None:
    now = EVE + timedelta(hours=7, minutes=35)
    found = fresh.detect(EVE, EVE + timedelta(hours=9), now)
    assert found.open_from == EVE + timedelta(hours=7)
    scores = fresh.scores()
    is_open = scores[INTERVAL_START] >= pd.Timestamp(found.open_from)
    assert scores.loc[is_open, "flagged"].isna().all()
    assert scores.loc[~is_open, "flagged"].notna().all()
    assert is_open.any()


def test_a_late_row_folds_its_day_again_and_a_new_score_supersedes_the_flag(done: SmallDeployment) -> None:
    assert _is_flagged(done, "acme", ATTACKED)
    corrected = cloud_traffic(attacked=False)
    corrected = corrected[
        (corrected[TENANT] == "acme") & (corrected[INTERVAL_START] == pd.Timestamp(ATTACKED))
    ]
    done.ingest(corrected, "correction.parquet", now=NOW)
    assert refresh(done.lake, done.engine, TENANTS, NOW + timedelta(days=1)).folded == 1
    day = ATTACKED.replace(hour=0, minute=0)
    found = done.detect(day, day + timedelta(days=1), NOW + timedelta(days=1))
    assert found.flags.superseded >= 1
    assert not _is_flagged(done, "acme", ATTACKED)


def test_a_late_row_changes_no_snapshot_that_was_made(done: SmallDeployment) -> None:
    before = done.profile_rows(BASELINE)
    late = cloud_traffic()
    late = late[(late[TENANT] == "acme") & (late[INTERVAL_START] >= pd.Timestamp(EVE))]
    done.ingest(late.assign(contacts_offered=late["contacts_offered"] + 50).head(100), "late.parquet")
    assert refresh(done.lake, done.engine, TENANTS, NOW).folded >= 1
    pd.testing.assert_frame_equal(before, done.profile_rows(BASELINE), check_exact=True)


def test_fourteen_snapshots_a_series_are_kept(tmp_path: Path, sqlite_template: bytes) -> None:
    small = SmallDeployment.new(tmp_path, sqlite_template, {"loo": "Etc/UTC"})
    small.ingest(traffic(16, tenants=small.zones, seconds=3600))
    refresh(small.lake, small.engine, small.zones, NOW + timedelta(days=9))
    assert small.profile_rows(BASELINE)["day"].nunique() == 14


def test_folding_day_by_day_gives_the_same_profile_as_all_at_once(
    detected: SmallDeployment, fresh: SmallDeployment
) -> None:
    refresh(fresh.lake, fresh.engine, TENANTS, EVE + timedelta(days=1, hours=17))
    refresh(fresh.lake, fresh.engine, TENANTS, NOW)
    for table in (PROFILE, BASELINE):
        pd.testing.assert_frame_equal(
            detected.profile_rows(table), fresh.profile_rows(table), check_exact=True, obj=table.name
        )


def test_a_tenant_delivered_later_does_not_change_the_profile_of_others(done: SmallDeployment) -> None:
    before = done.profile_rows(PROFILE)
    done.zones = {**TENANTS, "new": "Etc/UTC"}
    done.ingest(traffic(9, tenants={"new": "Etc/UTC"}), "new.parquet", now=NOW)
    refresh(done.lake, done.engine, done.zones, NOW)
    after = done.profile_rows(PROFILE)
    assert (after[TENANT] == "new").sum() == 9
    rest = after[after[TENANT] != "new"].reset_index(drop=True)
    pd.testing.assert_frame_equal(before, rest, check_exact=True)


def test_an_empty_window_is_refused(fresh: SmallDeployment) -> None:
    with pytest.raises(BadInputError, match="empty"):
        fresh.detect(END, EVE)


def test_a_window_of_the_future_has_nothing_to_score(done: SmallDeployment) -> None:
    later = datetime.fromisoformat("2027-01-01T00:00:00Z")
    assert done.detect(later, later + timedelta(days=1)).scored == 0


def test_a_flag_says_why_in_words_and_numbers(detected: SmallDeployment) -> None:
    with reading(detected.engine) as session:
        flag = session.scalars(
            select(Flag).where(Flag.tenant_id == "acme", Flag.interval_start == ATTACKED)
        ).one()
        words = " ".join(flag.reasons["words"])
        assert "× the usual Tuesday 03:30" in words, "in the tenant's own weekday and hour"
        assert "once in" in words or "less than once" in words
        assert flag.excess == pytest.approx(flag.observed - flag.baseline)
        assert session.scalar(select(func.count()).select_from(Case)) >= 2


def _is_flagged(small: SmallDeployment, tenant: str, at: datetime) -> bool:
    return any(flag.tenant_id == tenant and flag.interval_start == at for flag in small.flags())


def _entries(engine: Engine) -> int:
    with reading(engine) as session:
        return int(session.scalar(select(func.count()).select_from(AuditEntry)) or 0)
