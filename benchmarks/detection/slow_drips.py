"""Slow frauds of known size: which of them the weekly clock finds, and how often it flags where there are none.

    python -m benchmarks.detection.slow_drips [--seed N]... [--tenants 150]

Each tenant with outbound voice gets, one at a time, drips of 1, 2, 3 and 5 % of its minutes from a random minute on,
which ramp up as the scenario says. They are added to the sums by day of clean traffic, so that one simulation serves
all. Found: s′ > 0 as of one of the Mondays within four weeks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import typer
from numpy.typing import NDArray

from cjp_fraud.clock import day_of
from cjp_fraud.detection.daily_sums import SUMMED, arranged_sums, sums_by_day
from cjp_fraud.detection.series import series_table
from cjp_fraud.simulation.cloud import DAY_INTERVALS, STEP_MINUTES, Cloud
from cjp_fraud.simulation.expected import expected_of
from cjp_fraud.simulation.generate import simulate_tenants
from cjp_fraud.simulation.revenue_share_frauds import SlowRevenueShare
from cjp_fraud.simulation.scenario import Place, added_columns
from cjp_fraud.simulation.series_kinds import VOICE_OUT
from cjp_fraud.simulation.tenant_profiles import draw_profile, tenant_id_of
from features.columns import TENANT
from features.weekly_growth import WEEK
from features.weekly_statistic import GROWTH, DailySums, weekly_scores

Floats = NDArray[np.float64]

SHARES = (0.01, 0.02, 0.03, 0.05)
COLUMNS = (*SUMMED.values(), "countries")
PIECE = 25
"""Tenants that are simulated at once."""
WEEKS = 10
FIRST_WEEK = 3
"""A drip begins after three weeks; before them nothing is scored."""
WITHIN = 4
"""Weeks in which a drip is to be found."""
DAYS_A_MONTH = 365.25 / 12
MINUTES_A_DAY = 1440
LEAST_CONTACTS = 5


@dataclass(frozen=True, slots=True)
class Drip:
    """A drip by day.

    Attributes
    ----------
    tenant : id.
    share : of the tenant's minutes at the end of the ramp.
    begin : its first day.
    columns : float64 [days] of each column of the sums.
    country : that is called.
    """

    tenant: str
    share: float
    begin: int
    columns: dict[str, Floats]
    country: str


def slow_drips(seed: int, tenants: int) -> pd.DataFrame:
    """Return the share found by size of the drip, and false cases a tenant-month, without events and with them.

    Each Monday with a flag counts as a case of its tenant. With events they are counted on tenants without fraud.
    """
    clean = Cloud(seed=seed, weeks=WEEKS, events=False)
    sums, _ = daily_sums_of(clean, tenants)
    drips = [drip for tenant in range(tenants) for drip in drips_of(clean, tenant)]
    found = _found(clean, sums, drips)
    shares = np.array([drip.share for drip in drips])
    large = np.array([_contacts(drip) >= LEAST_CONTACTS for drip in drips], dtype=bool)
    rows = {
        f"{share:.0%} of the minutes": {
            "drips": float((shares == share).sum()),
            "found": float(found[shares == share].mean()),
            f"of {LEAST_CONTACTS} contacts": float((large & (shares == share)).sum()),
            "found, of these": float(found[large & (shares == share)].mean()),
        }
        for share in SHARES
    }
    rows["false cases a tenant-month"] = {"found": _false_cases(clean, sums, set())}
    eventful = Cloud(seed=seed, weeks=WEEKS)
    sums, attacked = daily_sums_of(eventful, tenants)
    rows["the same, with benign events"] = {"found": _false_cases(eventful, sums, attacked)}
    return pd.DataFrame(rows).T


def daily_sums_of(cloud: Cloud, tenants: int) -> tuple[pa.Table, set[str]]:
    """Return sums by day of the first tenants, and which of them have a fraud."""
    parts: list[pa.Table] = []
    attacked: set[str] = set()
    for first in range(0, tenants, PIECE):
        simulated = simulate_tenants(cloud, range(first, min(first + PIECE, tenants)), columns=COLUMNS)
        parts.append(sums_by_day(simulated.traffic))
        attacked |= {event.tenant_id for event in simulated.truth if not event.benign}
    return pa.concat_tables(parts), attacked


def drips_of(cloud: Cloud, tenant: int) -> list[Drip]:
    """Return a drip of each size; none where the tenant has no outbound voice long enough."""
    profile = draw_profile(cloud, tenant)
    if VOICE_OUT not in [kind.name for kind in profile.series]:
        return []
    expected = expected_of(cloud, profile)
    earliest = expected.live[0] * STEP_MINUTES + FIRST_WEEK * WEEK * MINUTES_A_DAY
    latest = expected.live[1] * STEP_MINUTES - (WITHIN * WEEK + 1) * MINUTES_A_DAY
    if earliest >= latest:
        return []
    drips = []
    for share in SHARES:
        rng = np.random.default_rng([cloud.seed, tenant, round(1000 * share)])
        minute = int(rng.integers(earliest, latest))
        (part,) = SlowRevenueShare(share=(share, share)).parts(Place(expected, minute, minute + 1), rng)
        first, added = added_columns(part, outbound=True, rng=rng)
        by_interval = np.pad(part.contacts, (part.first_minute % STEP_MINUTES, 0))
        added["contacts_offered"] = np.add.reduceat(
            by_interval.astype(np.float64), np.arange(0, len(by_interval), STEP_MINUTES)
        )
        columns = {name: _by_day(cloud, first, added[metric]) for name, metric in SUMMED.items()}
        day = minute // MINUTES_A_DAY
        drips.append(Drip(tenant_id_of(tenant), share, day, columns, part.mix.countries[0]))
    return drips


def _by_day(cloud: Cloud, first: int, values: Floats) -> Floats:
    day = (first + np.arange(len(values))) // DAY_INTERVALS
    return np.bincount(day, values, WEEK * cloud.weeks)[: WEEK * cloud.weeks]


def _mondays(drip: Drip) -> range:
    """The Mondays within four weeks, as days from the first."""
    return range(-(-(drip.begin + 1) // WEEK) * WEEK, drip.begin + WITHIN * WEEK + 1, WEEK)


def _contacts(drip: Drip) -> float:
    return float(drip.columns["contacts"][: _mondays(drip)[-1]].sum())


def _found(cloud: Cloud, sums: pa.Table, drips: Sequence[Drip]) -> NDArray[np.bool_]:
    """Whether each tenant's outbound voice, with the drip, is flagged for a shift within four weeks."""
    of_tenant = _outbound_voice(sums)
    found = np.zeros(len(drips), dtype=bool)
    for monday in sorted({monday for drip in drips for monday in _mondays(drip)}):
        chosen = [number for number, drip in enumerate(drips) if monday in _mondays(drip)]
        parts = []
        for number in chosen:
            drip = drips[number]
            rows = of_tenant[drip.tenant]
            arranged, names = arranged_sums(
                rows, np.zeros(len(rows), np.int64), 1, day_of(cloud.start) + monday
            )
            parts.append(_with_drip(arranged, names, drip, monday))
        scores = weekly_scores(_together(parts))
        with np.errstate(invalid="ignore"):
            found[chosen] |= (scores.statistic > 0) & (scores.what != GROWTH)
    return found


def _outbound_voice(sums: pa.Table) -> dict[str, pa.Table]:
    """Sums of each tenant's outbound voice."""
    channel, direction = (
        pc.equal(sums[name], word) for name, word in zip(("channel", "direction"), VOICE_OUT, strict=True)
    )
    voice = sums.filter(pc.and_(channel, direction)).sort_by(TENANT)
    tenants = voice[TENANT].to_numpy()
    first = np.flatnonzero(np.append(True, tenants[1:] != tenants[:-1]))
    ends = np.append(first[1:], len(tenants))
    return {
        str(tenants[begin]): voice.slice(begin, end - begin)
        for begin, end in zip(first.tolist(), ends.tolist(), strict=True)
    }


def _together(parts: Sequence[DailySums]) -> DailySums:
    """Sums of one series each, as those of many."""
    columns = {name: np.vstack([getattr(part, name) for part in parts]) for name in (*SUMMED, "of_country")}
    series = np.concatenate([np.full(len(part.country_series), row) for row, part in enumerate(parts)])
    return DailySums(**columns, country_series=series)


def _with_drip(sums: DailySums, names: Sequence[str], drip: Drip, monday: int) -> DailySums:
    """Add a drip to the one series of some sums."""
    days = sums.contacts.shape[1]

    def last(values: Floats) -> Floats:
        seen = values[max(monday - days, 0) : monday]
        return np.pad(seen, (days - len(seen), 0))

    columns = {name: getattr(sums, name) + last(drip.columns[name]) for name in SUMMED}
    calls = last(drip.columns["contacts"])
    of_country, series = sums.of_country, sums.country_series
    if drip.country in names:
        of_country = of_country + np.outer([name == drip.country for name in names], calls)
    else:
        of_country, series = np.vstack([of_country, calls]), np.append(series, 0)
    return DailySums(**columns, of_country=of_country, country_series=series)


def _false_cases(cloud: Cloud, sums: pa.Table, attacked: set[str]) -> float:
    """Cases a tenant-month on tenants without fraud, from the first Monday with scores on."""
    zones = dict.fromkeys(sums[TENANT].unique().to_pylist(), "Etc/UTC")
    series, code = series_table(sums, zones)
    tenants = series.keys[TENANT].to_numpy()
    innocent = ~np.isin(tenants.astype(str), sorted(attacked))
    begin = day_of(cloud.start)
    cases = weeks = 0
    for monday in range(FIRST_WEEK * WEEK, WEEK * cloud.weeks + 1, WEEK):
        arranged, _ = arranged_sums(sums, code, len(series), begin + monday)
        statistic = weekly_scores(arranged).statistic
        weeks += len(set(tenants[innocent & ~np.isnan(statistic)]))
        with np.errstate(invalid="ignore"):
            cases += len(set(tenants[innocent & (statistic > 0)]))
    return cases / (weeks * WEEK / DAYS_A_MONTH)


assert {field.name for field in fields(DailySums)} == {*SUMMED, "of_country", "country_series"}


def main(
    seed: Annotated[list[int] | None, typer.Option(help="A seed; several are allowed.")] = None,
    tenants: Annotated[int, typer.Option(help="How many are simulated, with all their series.")] = 150,
) -> None:
    """Print the figures of each seed."""
    for number in seed or [1]:
        print(
            f"seed {number}\n{slow_drips(number, tenants).to_string(float_format='{:.3g}'.format)}",
            flush=True,
        )


if __name__ == "__main__":
    typer.run(main)
