"""One small cloud with everything that detection has to bring together, for tests of how it is run.

Eleven days of 48 tenants: dense ones in four zones, of which two are attacked; sparse ones, to one of which calls
trickle; six of seven Berlin tenants that spike together; tenants with missing hours, a missing week and an interval
that is covered in part.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from features.columns import INTERVAL_START, TENANT
from tests.integration.detection.deployments import ZONES, traffic

BEGIN = datetime(2026, 2, 28, tzinfo=UTC)
"""A Saturday, so that a version comes into force on the tenth day: its Monday needs nine days before it."""
DAYS = 11
END = BEGIN + timedelta(days=DAYS)
NOW = END + timedelta(days=1)
EVE = BEGIN + timedelta(days=9)
"""Tests detect what comes from here on: the two days on which the version is in force."""
DAY = 288
"""Intervals of a day."""

BERLIN = [f"berlin-{number}" for number in range(7)]
GAPPY = {
    f"gappy-{place}": zone
    for place, zone in zip(("hours", "week", "late", "early"), ZONES.values(), strict=True)
}
TENANTS = (
    ZONES
    | dict.fromkeys(BERLIN, "Europe/Berlin")
    | {"tokyo-0": "Asia/Tokyo", "tokyo-1": "Asia/Tokyo"}
    | {f"sparse-{number:02}": "Etc/UTC" for number in range(30)}
    | GAPPY
    | {"trickle": "America/New_York"}
)
"""So many that the hours of two days are a pool of their own."""

ATTACKED = BEGIN + timedelta(days=10, hours=7, minutes=30)
"""When acme's burst begins, in the middle of a day."""
JOINT = BEGIN + timedelta(days=10, hours=10, minutes=30)
"""When six tenants in Berlin spike, for half an hour."""
DRIP = BEGIN + timedelta(days=9, hours=9)
"""When calls begin to trickle, for four hours; before any burst, or these would hide it in the pool of hours."""
BURSTS = {
    "acme": [(10 * DAY + 90, 5, 300)],
    "zenith": [(9 * DAY + 178, 4, 250), (10 * DAY - 2, 4, 250)],  # across the local midnight, and that of UTC
    **{tenant: [(10 * DAY + 126, 6, 300)] for tenant in BERLIN[:6]},
}


def cloud_traffic(*, attacked: bool = True) -> pd.DataFrame:
    """The cloud's rows, with or without the bursts."""
    made = traffic(
        DAYS, begin=BEGIN, tenants=TENANTS, burst=lambda tenant: BURSTS.get(tenant, []) if attacked else []
    )
    return _with_gaps(_with_few_calls(made))


def _with_few_calls(rows: pd.DataFrame) -> pd.DataFrame:
    """Let the sparse tenants have two calls a day, and 48 more trickle in to one of them."""
    trickle = rows[TENANT] == "trickle"
    few = trickle | rows[TENANT].str.startswith("sparse")
    rows.loc[few, "contacts_offered"] = np.random.default_rng(1).poisson(2 / DAY, few.sum())
    since = rows[INTERVAL_START].between(DRIP, DRIP + timedelta(hours=4), inclusive="left")
    rows.loc[trickle & since, "contacts_offered"] += 1
    return rows


def _with_gaps(rows: pd.DataFrame) -> pd.DataFrame:
    """Take hours and days from some tenants, and make one interval that is covered in part."""

    def between(place: str, first: timedelta, last: timedelta) -> pd.Series:
        start = rows[INTERVAL_START]
        return (rows[TENANT] == f"gappy-{place}") & (start >= BEGIN + first) & (start < BEGIN + last)

    missing = between("hours", timedelta(days=9, hours=3), timedelta(days=9, hours=5, minutes=10))
    missing |= between("week", timedelta(days=3, hours=13), timedelta(days=9, hours=2, minutes=35))
    missing |= between("late", timedelta(0), timedelta(days=2, hours=7))
    missing |= between("early", timedelta(days=10, hours=20), timedelta(days=20))
    partly = between("hours", timedelta(days=10), timedelta(days=10, minutes=5))
    minute = rows[partly].assign(interval_seconds=60, contacts_offered=1, contacts_peak=None)
    return pd.concat([rows[~(missing | partly)], minute], ignore_index=True)
