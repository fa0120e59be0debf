"""Bursts of known size, by night and by day, injected into tenants of outbound voice: which of them are found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cjp_fraud.simulation.cloud import DAY_INTERVALS, STEP_MINUTES, Cloud
from cjp_fraud.simulation.event_placement import Injection
from cjp_fraud.simulation.expected import expected_of
from cjp_fraud.simulation.tenant_profiles import draw_profile

BURST = "revenue_share_burst"
"""The documented attack of 16 minutes, scaled to the size that is asked for."""
VOICE_OUT = ("voice", "outbound")
SHARES = (0.25, 0.5, 1.0, 2.0)
"""Contacts a minute of the burst as a share of the series' mean contacts a minute."""
LEAST_CONTACTS = 5
"""Of an interval of a burst; the product flags no smaller excess."""
NIGHT, BY_DAY = "night", "day"


def burst_tenants(cloud: Cloud, number: int) -> list[int]:
    """Numbers of tenants that exist throughout and have outbound voice only, large enough for a burst.

    A quarter of the mean over one interval must be at least ``LEAST_CONTACTS``: a smaller tenant cannot be flagged for
    it, unless the 15 minutes decide.
    """
    chosen: list[int] = []
    candidate = 0
    while len(chosen) < number:
        profile = draw_profile(cloud, candidate)
        if [kind.name for kind in profile.series] == [VOICE_OUT]:
            expected = expected_of(cloud, profile)
            smallest = min(SHARES) * STEP_MINUTES * expected.mean_a_minute(VOICE_OUT)
            if expected.live == (0, cloud.intervals) and smallest >= LEAST_CONTACTS:
                chosen.append(candidate)
        candidate += 1
    return chosen


def injections(
    cloud: Cloud, tenants: Sequence[int], first_day: int
) -> tuple[list[Injection], dict[int, dict[int, str]]]:
    """One burst by night and one by day for each tenant, sizes in turn.

    Parameters
    ----------
    first_day : the earliest day, counted from the first; the night's burst comes in the first half of what is left, the
        day's in the second, or the other way round.

    Returns
    -------
    the bursts, and what each is (``night 0.25``) by place of the tenant in ``tenants`` and begin in UTC seconds.
    """
    bursts: list[Injection] = []
    kinds: dict[int, dict[int, str]] = {}
    for row, tenant in enumerate(tenants):
        rng = np.random.default_rng([cloud.seed, tenant])
        share = SHARES[row % len(SHARES)]
        last_day = cloud.intervals // DAY_INTERVALS - 1
        middle = (first_day + last_day) // 2
        halves = [(first_day, middle), (middle, last_day)]
        for time, (low, high) in zip(
            (NIGHT, BY_DAY), halves if rng.random() < 0.5 else halves[::-1], strict=True
        ):
            minute = _minute(cloud, tenant, int(rng.integers(low, high)), time, rng)
            begin = cloud.at(minute)
            bursts.append(Injection(tenant, BURST, begin, factor=1 + share))
            kinds.setdefault(row, {})[int(begin.timestamp())] = f"{time} {share:g}"
    return bursts, kinds


def _minute(cloud: Cloud, tenant: int, day: int, time: str, rng: np.random.Generator) -> int:
    """Within an hour of the middle of the tenant's quietest two hours of that UTC day, or of the busiest."""
    profile = draw_profile(cloud, tenant)
    (kind,) = profile.series
    rate = expected_of(cloud, profile).rate(kind)[day * DAY_INTERVALS : (day + 1) * DAY_INTERVALS]
    around = np.convolve(rate, np.ones(24), mode="same")
    around[:12], around[-12:] = np.nan, np.nan
    at = int(np.nanargmin(around) if time == NIGHT else np.nanargmax(around))
    return (day * DAY_INTERVALS + at) * STEP_MINUTES + int(rng.integers(-55, 55))
