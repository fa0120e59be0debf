"""The longer clocks on a real lake: what trickles is flagged by them, and an hour alone gives what the whole gives."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd

from features.columns import INTERVAL_START
from features.counting_clocks import CLOCKS, Clock
from tests.integration.detection.cloud import DRIP, NOW
from tests.integration.detection.deployments import SmallDeployment


def test_what_trickles_is_flagged_by_the_longer_clocks_and_not_by_the_minutes(
    detected: SmallDeployment,
) -> None:
    during = {
        clock: [
            flag.interval_start
            for flag in detected.flags()
            if flag.tenant_id == "trickle" and flag.clock == clock and flag.interval_start >= DRIP
        ]
        for clock in CLOCKS
    }
    assert during[Clock.HOUR]
    assert during[Clock.DAY]
    assert not during[Clock.MINUTE]
    assert max(during[Clock.DAY]) < DRIP + timedelta(hours=24)


def test_an_hour_alone_gives_the_spans_of_the_whole(
    eve: SmallDeployment, detected: SmallDeployment, tmp_path: Path
) -> None:
    hourly = eve.copy(tmp_path / "hourly")
    hour = DRIP + timedelta(hours=3)
    hourly.detect(hour, hour + timedelta(hours=1), NOW)
    whole, alone = (
        spans[spans[INTERVAL_START].between(hour, hour + timedelta(hours=1), inclusive="left")].reset_index(
            drop=True
        )
        for spans in (detected.clock_scores(), hourly.clock_scores())
    )
    assert len(whole)
    pd.testing.assert_frame_equal(whole, alone, check_exact=True)
