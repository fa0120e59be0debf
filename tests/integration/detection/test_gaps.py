"""Intervals in gaps: detection lists them with their baseline and without a flag, also when it is run again.

That it lists those that a back-test lists, however a window is cut, is in ``test_detect.py`` and ``test_stages.py``:
the cloud has gaps on all of its days.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from features.columns import TENANT
from tests.integration.detection.cloud import END, EVE, NOW
from tests.integration.detection.deployments import SmallDeployment


def test_intervals_in_gaps_are_listed_with_a_baseline_and_cannot_be_flagged(
    detected: SmallDeployment,
) -> None:
    scores = detected.scores()
    gaps = scores[scores["observed"].isna()]
    assert gaps.groupby(TENANT).size().to_dict() == {"gappy-hours": 27, "gappy-week": 1603}
    settled = gaps[gaps["interval_start"] >= pd.Timestamp(EVE)]
    assert settled["baseline"].notna().all()
    assert gaps["threshold"].isna().all()
    assert not gaps["flagged"].any()


@pytest.mark.parametrize("now", [NOW, END + timedelta(hours=1)])
def test_an_hour_detected_again_lists_its_gaps_again(
    detected: SmallDeployment, tmp_path: Path, now: datetime
) -> None:
    small = detected.copy(tmp_path / "again")
    begin = EVE + timedelta(hours=3)
    small.detect(begin, begin + timedelta(hours=1), now)
    pd.testing.assert_frame_equal(small.scores(), detected.scores(), check_exact=True)
