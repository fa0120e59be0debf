"""The baseline is refreshed in pieces of bounded rows, and looks at no more than what is due."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from cjp_fraud.detection import baseline, refresh_pieces
from cjp_fraud.detection.baseline import refresh
from cjp_fraud.detection.lake_tables import BASELINE, PROFILE
from cjp_fraud.storage.lake import Lake
from tests.integration.detection.deployments import START, ZONES, SmallDeployment, traffic

DAYS = 6
NOW = START + timedelta(days=DAYS, hours=1)


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> SmallDeployment:
    """Six days of four tenants in four zones and three buckets, ingested and not folded."""
    made = SmallDeployment.new(tmp_path_factory.mktemp("delivered"), sqlite_template)
    made.ingest(traffic(DAYS, seconds=900))
    return made


@pytest.fixture(scope="module")
def whole(delivered: SmallDeployment, tmp_path_factory: pytest.TempPathFactory) -> SmallDeployment:
    """Folded in one piece; for reading only."""
    made = delivered.copy(tmp_path_factory.mktemp("whole") / "home")
    refresh(made.lake, made.engine, ZONES, NOW)
    return made


@pytest.mark.parametrize("most_rows", [400, 200])
def test_small_pieces_give_the_same_bytes(
    delivered: SmallDeployment,
    whole: SmallDeployment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    most_rows: int,
) -> None:
    """400 rows are some days of a bucket; 200 are less than the three UTC days that one local day reads."""
    pieces = delivered.copy(tmp_path / "pieces")
    read: list[int] = []
    real = baseline.read_arranged

    def counted(*args: object, **kwargs: object) -> object:
        arranged = real(*args, **kwargs)  # type: ignore[arg-type]
        read.append(sum(len(group.starts) for group in arranged.groups))
        return arranged

    monkeypatch.setattr(refresh_pieces, "MOST_ROWS", most_rows)
    monkeypatch.setattr(baseline, "read_arranged", counted)
    assert refresh(pieces.lake, pieces.engine, ZONES, NOW).folded == len(whole.profile_rows(PROFILE))
    assert len(read) >= 5
    assert max(read) <= max(most_rows, 3 * 96), "a single tenant's day may be more"
    for table in (PROFILE, BASELINE):
        pd.testing.assert_frame_equal(
            whole.profile_rows(table), pieces.profile_rows(table), check_exact=True, obj=table.name
        )


def test_where_nothing_is_due_no_table_of_the_lake_is_read(
    delivered: SmallDeployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only on Mondays, when the week is scored, the table of sums by UTC day is looked at whenever it is asked for."""
    small = delivered.copy(tmp_path / "small")
    tuesday = NOW + timedelta(days=(1 - NOW.weekday()) % 7)
    refresh(small.lake, small.engine, ZONES, tuesday)

    def refused(*args: object, **kwargs: object) -> None:
        raise AssertionError("the lake was read")

    monkeypatch.setattr(Lake, "read", refused)
    monkeypatch.setattr(Lake, "partitions", refused)
    assert refresh(small.lake, small.engine, ZONES, tuesday + timedelta(minutes=5)).folded == 0
