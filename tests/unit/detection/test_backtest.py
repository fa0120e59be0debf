"""Back-test files: every interval's row, gaps, odd input, and what the columns promise."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cjp_fraud.detection.backtest import SCORES, backtest, backtest_rows, write_scores
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.errors import BadInputError
from features.columns import SCORE_COLUMNS
from tests.traffic_builders import MONDAY, a_day_curve, in_zone, rows_of, some_traffic

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def scores_of(traffic: pd.DataFrame, zone: str = "Etc/UTC") -> pd.DataFrame:
    return backtest_rows(traffic, in_zone(traffic, zone), DetectionRules()).to_pandas()


def test_the_columns_are_those_that_were_promised() -> None:
    table = backtest_rows(some_traffic(days=4), in_zone(some_traffic(days=4), "Etc/UTC"), DetectionRules())
    assert table.schema == SCORES
    assert tuple(table.column_names) == SCORE_COLUMNS


def test_every_interval_between_the_first_and_the_last_row_has_one_row() -> None:
    traffic = some_traffic(tenants=2, days=6)
    gappy = traffic.drop(index=range(800, 1000))
    scores = scores_of(gappy)
    for _, rows in scores.groupby("tenant_id"):
        assert (rows["interval_start"].diff().dropna() == pd.Timedelta(minutes=5)).all()
        assert len(rows) == 6 * 288
    assert scores["observed"].isna().sum() == 200


def test_in_a_gap_only_the_baseline_is_known() -> None:
    traffic = some_traffic(tenants=1, days=8)
    gap = traffic.index[3 * 288 + 10 : 6 * 288 + 10]
    scores = scores_of(traffic.drop(index=gap)).loc[gap]
    assert scores[["observed", "excess", "score", "p_value", "episode_id"]].isna().all().all()
    assert not scores["flagged"].any()
    assert scores["baseline"].notna().all()


def test_the_baseline_in_a_gap_is_what_it_is_beside_it() -> None:
    traffic = some_traffic(tenants=1, days=8)
    whole, gappy = scores_of(traffic), scores_of(traffic.drop(index=traffic.index[5 * 288 + 100]))
    assert whole["baseline"].iloc[5 * 288 + 100] == gappy["baseline"].iloc[5 * 288 + 100]


def test_after_a_month_of_silence_nothing_is_usual_any_more() -> None:
    rows = [
        rows_of("a", a_day_curve(3 * 288)),
        rows_of("a", a_day_curve(288), start=MONDAY + pd.Timedelta(days=60)),
    ]
    scores = scores_of(pd.concat(rows, ignore_index=True))
    day = (scores["interval_start"] - MONDAY).dt.days
    assert scores["baseline"].notna()[day.between(1, 30)].all()
    assert scores["baseline"].isna()[day.between(31, 60)].all()


def test_score_and_p_say_the_same() -> None:
    scores = scores_of(some_traffic(days=12)).dropna(subset="score")
    np.testing.assert_allclose(scores["score"], -np.log10(scores["p_value"]), atol=1e-9)
    assert (scores["p_value"] > 0).all()
    own = scores["observed"] - scores["baseline"]
    later = scores["interval_start"].dt.time >= time(0, 10)
    of_three = own + own.groupby(scores["tenant_id"]).transform(lambda own: own.shift(1) + own.shift(2))
    later &= scores["flagged_by"].isin(["hour", "day", "hour,day"]).eq(False)
    alone, together = (np.isclose(scores["excess"], sums)[later] for sums in (own, of_three))
    assert (alone | together).all(), "of the interval, or of its 15 minutes"
    assert (~together).any()
    assert (~alone).any()


def test_cold_rows_have_no_score_and_no_flag() -> None:
    scores = scores_of(some_traffic(tenants=1, days=4))
    assert scores["score"].isna().tolist() == [True] * 2 * 288 + [False] * 2 * 288
    assert scores["baseline"].isna().tolist() == [True] * 288 + [False] * 3 * 288
    assert not scores.loc[scores["score"].isna(), "flagged"].any()


def test_a_flag_is_an_upward_excess_with_an_episode() -> None:
    scores = scores_of(some_traffic(tenants=4, days=20))
    flagged = scores[scores["flagged"]]
    assert len(flagged)
    assert (flagged["excess"] >= 5).all()
    assert (flagged["excess"] >= 0.1 * flagged["baseline"]).all()
    assert flagged["episode_id"].notna().all()
    assert scores.loc[~scores["flagged"], "episode_id"].isna().all()


def test_a_stray_row_years_away_is_a_long_gap_and_no_more() -> None:
    traffic = pd.concat(
        [
            rows_of("a", a_day_curve(10 * 288)),
            rows_of("a", np.array([3.0]), start=MONDAY + pd.Timedelta(days=800)),
        ],
        ignore_index=True,
    )
    scores = scores_of(traffic)
    assert len(scores) == 800 * 288 + 1
    assert scores["observed"].notna().sum() == 10 * 288 + 1


def test_spans_that_nobody_can_mean_are_refused() -> None:
    far = rows_of("a", np.array([3.0]), start=pd.Timestamp("1700-01-01", tz="UTC"), seconds=60)
    late = rows_of("a", np.array([3.0]), seconds=60)
    with pytest.raises(BadInputError, match="a voice, runs from 1700-01-01 to 2024-03-04"):
        scores_of(pd.concat([far, late], ignore_index=True))


def test_a_single_row_is_a_row_without_a_score() -> None:
    scores = scores_of(rows_of("a", np.array([3.0])))
    assert scores[["observed", "flagged"]].to_numpy().tolist() == [[3.0, False]]
    assert scores[["baseline", "score"]].isna().all().all()


def test_no_rows_give_an_empty_table() -> None:
    empty = some_traffic(days=3).iloc[:0]
    assert backtest_rows(empty, {}, DetectionRules()).equals(SCORES.empty_table())


def test_a_partly_covered_interval_counts_in_proportion_and_its_peak_as_it_is() -> None:
    traffic = some_traffic(tenants=1, days=12).assign(seconds_covered=300)
    partly = traffic.copy()
    partly.loc[3000, ["seconds_covered", "contacts_offered"]] = [
        240,
        0.8 * traffic.loc[3000, "contacts_offered"],
    ]
    scores, whole = scores_of(partly), scores_of(traffic)
    assert scores.loc[3000, "observed"] == pytest.approx(traffic.loc[3000, "contacts_offered"])
    pd.testing.assert_frame_equal(scores, whole, check_exact=False, rtol=1e-9)


def test_an_interval_covered_under_half_is_unknown() -> None:
    traffic = some_traffic(tenants=1, days=3).assign(seconds_covered=300)
    traffic.loc[[700, 701], "seconds_covered"] = [149, 150]
    assert np.flatnonzero(scores_of(traffic)["observed"].isna()).tolist() == [700]


def test_series_are_kept_apart_by_every_part_of_their_key() -> None:
    one = some_traffic(tenants=1, days=4)
    other = one.assign(application_id="bot", contacts_offered=one["contacts_offered"] * 3)
    both = scores_of(pd.concat([one, other], ignore_index=True))
    alone = scores_of(one)
    assert len(both) == 2 * len(alone)
    np.testing.assert_array_equal(both.loc[both["application_id"].isna(), "baseline"], alone["baseline"])


def test_a_newcomer_of_the_half_hour_after_a_midnight_at_half_past_is_judged_by_its_own_past() -> None:
    """Its first UTC hour begins on the local day before, on which it has no row."""
    old = rows_of("old", a_day_curve(12 * 288, high=400.0))
    begun = MONDAY + pd.Timedelta(days=9, hours=18, minutes=30)
    new = rows_of("young", a_day_curve(2 * 288, high=4.0), start=begun)
    both = pd.concat([old, new], ignore_index=True)
    scores = backtest_rows(both, in_zone(both, "Asia/Kolkata"), DetectionRules()).to_pandas()
    theirs = scores[scores["tenant_id"] == "young"]
    assert theirs["interval_start"].min() == begun
    assert theirs["hour_score"].isna().all(), "it has no past, and the other tenant's is not its own"


def test_a_tenant_without_a_zone_is_named() -> None:
    with pytest.raises(BadInputError, match="no time zone for tenant tenant-0"):
        backtest_rows(some_traffic(tenants=1, days=3), {}, DetectionRules())


def test_two_rows_for_one_interval_are_refused() -> None:
    traffic = some_traffic(tenants=1, days=3)
    with pytest.raises(BadInputError, match="two rows for the interval"):
        scores_of(pd.concat([traffic, traffic.iloc[:1]], ignore_index=True))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    traffic = some_traffic(tenants=2, days=5, with_peak=False).drop(
        columns=["application_id", "contacts_peak"]
    )
    traffic["contacts_offered"] = traffic["contacts_offered"].astype(int)
    traffic["interval_start"] = traffic["interval_start"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    traffic.to_csv(tmp_path / "traffic.csv", index=False)
    (tmp_path / "tenants.csv").write_text("tenant_id,time_zone\ntenant-0,Etc/UTC\ntenant-1,Asia/Kolkata\n")
    return tmp_path / "traffic.csv", tmp_path / "tenants.csv"


def test_files_split_anyhow_give_the_same_scores(files: tuple[Path, Path], tmp_path: Path) -> None:
    traffic, tenants = files
    header, *lines = traffic.read_text().splitlines()
    parts = [tmp_path / "odd.csv", tmp_path / "even.csv"]
    for number, part in enumerate(parts):
        part.write_text("\n".join([header, *lines[number::2]]) + "\n")
    whole = backtest([traffic], tenants, now=NOW)
    assert backtest(parts, tenants, now=NOW).scores.equals(whole.scores)
    assert whole.traffic.read == len(lines)


def test_files_in_parquet_and_gzip_give_the_same_scores(files: tuple[Path, Path], tmp_path: Path) -> None:
    traffic, tenants = files
    frame = pd.read_csv(traffic, parse_dates=["interval_start"])
    frame.to_csv(tmp_path / "traffic.csv.gz", index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    frame.to_parquet(tmp_path / "traffic.parquet")
    expected = backtest([traffic], tenants, now=NOW).scores
    for name in ("traffic.csv.gz", "traffic.parquet"):
        assert backtest([tmp_path / name], tenants, now=NOW).scores.equals(expected), name


def test_scores_are_written_whole(tmp_path: Path) -> None:
    table = SCORES.empty_table()
    write_scores(table, tmp_path / "scores.parquet")
    assert pq.read_schema(tmp_path / "scores.parquet").equals(table.schema)
    assert [file.name for file in tmp_path.iterdir()] == ["scores.parquet"]
    with pytest.raises(BadInputError, match="--out"):
        write_scores(table, tmp_path / "nowhere" / "scores.parquet")


def test_progress_is_reported(files: tuple[Path, Path]) -> None:
    steps: list[tuple[str, int, int]] = []
    backtest([files[0]], files[1], now=NOW, progress=lambda *step: steps.append(step))
    assert steps[-1] == ("scoring days", 5, 5)


def test_the_type_of_the_table_is_plain(files: tuple[Path, Path]) -> None:
    scores = backtest([files[0]], files[1], now=NOW).scores
    assert scores.schema.field("interval_start").type == pa.timestamp("us", tz="UTC")
    assert not any(pa.types.is_dictionary(field.type) for field in scores.schema)


def test_a_file_with_a_header_alone_gives_no_rows(tmp_path: Path) -> None:
    traffic, tenants = tmp_path / "traffic.csv", tmp_path / "tenants.csv"
    traffic.write_text("tenant_id,interval_start,interval_seconds,channel,direction,contacts_offered\n")
    tenants.write_text("tenant_id,time_zone\na,Etc/UTC\n")
    result = backtest([traffic], tenants, now=NOW)
    assert (result.traffic.read, len(result.scores)) == (0, 0)
    assert result.scores.schema == SCORES
