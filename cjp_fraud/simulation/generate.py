"""Simulate tenants in memory: their traffic, when each row is delivered, and the truth about what happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cjp_fraud.simulation.called_countries import country_maps
from cjp_fraud.simulation.cloud import STEP_MINUTES, STEP_SECONDS, Cloud, Stream
from cjp_fraud.simulation.contact_columns import Columns, usual_columns
from cjp_fraud.simulation.counts import draw_minutes
from cjp_fraud.simulation.delivery import delivery_of
from cjp_fraud.simulation.event_placement import Event, Injection, events_of, injected
from cjp_fraud.simulation.expected import Expected, Floats, expected_of, tenant_noise
from cjp_fraud.simulation.scenario import added_columns
from cjp_fraud.simulation.series_kinds import SeriesKind
from cjp_fraud.simulation.tenant_profiles import Profile, draw_profile
from cjp_fraud.simulation.truth import TruthRow, truth_of
from cjp_fraud.storage.lake import UTC_STAMP
from cjp_fraud.traffic.schema import (
    APPLICATION,
    CHANNEL,
    COUNTRIES,
    DIRECTION,
    METRICS,
    SECONDS,
    START,
    TENANT,
)

Ints = npt.NDArray[np.int64]

COUNTS_ONLY = ("contacts_offered", "contacts_peak")
"""The columns that the detection scores; nothing else has to be made for it."""

ALL_COLUMNS = tuple(METRICS)


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedTraffic:
    """Tenants as simulated.

    Attributes
    ----------
    traffic : table, one row per series and interval of 300 s, sorted by tenant, series and start: ``tenant_id``,
        ``channel``, ``direction`` (dictionary of string), ``application_id`` (null), ``interval_seconds``,
        ``interval_start`` (UTC, µs) and the metrics that were asked for, in the types of the traffic schema. The
        detection takes it as it is (``arrange(traffic, zones)``, ``backtest_rows(traffic.to_pandas(), zones, rules)``).
    late_hours : int16[rows], hours after the others that a row is delivered; 0: on time.
    truth : one row per part of an event, in the order of the tenants.
    tenants : profiles, in order.
    """

    traffic: pa.Table
    late_hours: npt.NDArray[np.int16]
    truth: tuple[TruthRow, ...]
    tenants: tuple[Profile, ...]

    @property
    def zones(self) -> dict[str, str]:
        """Zone of each tenant, as the detection takes it."""
        return {profile.tenant_id: profile.zone for profile in self.tenants}


@dataclass(frozen=True, slots=True, eq=False)
class _SeriesRows:
    """Rows of one series; ``countries`` None: the source has none."""

    tenant_id: str
    kind: SeriesKind
    intervals: Ints
    columns: Columns
    countries: pa.Array | None
    late: npt.NDArray[np.int16]
    truth: tuple[TruthRow, ...]


def simulate_tenants(
    cloud: Cloud,
    tenants: Iterable[int],
    *,
    columns: Sequence[str] = ALL_COLUMNS,
    inject: Sequence[Injection] = (),
) -> SimulatedTraffic:
    """Simulate some tenants; each is the same whichever others are asked for, in whatever order.

    Parameters
    ----------
    cloud : what is simulated.
    tenants : their numbers.
    columns : metrics that are wanted; ``COUNTS_ONLY`` is all that a detector needs, and faster.
    inject : events beside those of the cloud, each at its time and size; those of other tenants are left out.

    Raises
    ------
    BadInputError
        If an injection does not fit its tenant.
    """
    profiles = tuple(draw_profile(cloud, index) for index in tenants)
    series: list[_SeriesRows] = []
    for profile in profiles:
        theirs = [injection for injection in inject if injection.tenant == profile.index]
        series += _simulate_tenant(cloud, profile, theirs, columns)
    return SimulatedTraffic(
        traffic=_table(cloud, series, columns),
        late_hours=np.concatenate([np.zeros(0, np.int16), *(each.late for each in series)]),
        truth=tuple(row for each in series for row in each.truth),
        tenants=profiles,
    )


def _simulate_tenant(
    cloud: Cloud, profile: Profile, inject: Sequence[Injection], columns: Sequence[str]
) -> list[_SeriesRows]:
    expected = expected_of(cloud, profile)
    noise = tenant_noise(cloud, expected)
    events = list(events_of(cloud, expected)) if cloud.events else []
    events += [injected(cloud, expected, injection) for injection in inject]
    present, late = delivery_of(cloud, expected)
    rows = np.flatnonzero(present)
    return [
        _simulate_series(cloud, expected, kind, noise, events, rows, late[rows], columns)
        for kind in profile.series
    ]


def _simulate_series(
    cloud: Cloud,
    expected: Expected,
    kind: SeriesKind,
    noise: Floats,
    events: Sequence[Event],
    rows: Ints,
    late: npt.NDArray[np.int16],
    columns: Sequence[str],
) -> _SeriesRows:
    profile = expected.profile
    number = profile.series.index(kind)
    rng = cloud.random(Stream.SERIES, profile.index, number)
    minutes = _usual_minutes(expected, kind, noise, rng)
    usual = minutes.sum(axis=0).astype(np.float32)
    values: Columns = {}
    if not set(columns) <= set(COUNTS_ONLY):
        values = usual_columns(kind, usual, expected.rate(kind).astype(np.float32), rng)
    international = values.get("contacts_international", usual).copy()
    truth, countries = [], []
    placed = [(event, part) for event in events for part in event.parts if part.series == kind.name]
    for order, (event, part) in enumerate(placed):
        part_rng = cloud.random(Stream.SERIES, profile.index, number, order)
        first, added = added_columns(part, outbound=kind.outbound, rng=part_rng)
        truth.append(truth_of(cloud, profile, event, part, added))
        minute = part.first_minute + np.arange(len(part.contacts))
        minutes[minute % STEP_MINUTES, minute // STEP_MINUTES] += part.contacts
        _add(values, first, added)
        countries.append((part, part_rng))
    values["contacts_offered"] = minutes.sum(axis=0)
    values["contacts_peak"] = minutes.max(axis=0)
    if "top_destination_share" in values:
        values["top_destination_share"] /= np.maximum(values["contacts_offered"], 1)
    maps = None
    if COUNTRIES in columns and kind.international is not None:
        maps = country_maps(profile.country, usual, international, countries, rows)
    chosen = {name: column.take(rows) for name, column in values.items() if name in columns}
    return _SeriesRows(profile.tenant_id, kind, rows, chosen, maps, late, tuple(truth))


def _usual_minutes(expected: Expected, kind: SeriesKind, noise: Floats, rng: np.random.Generator) -> Ints:
    """Return int64[5, intervals], usual contacts by the minute, the nightly job among them."""
    profile = expected.profile
    dispersion = rng.uniform(*kind.dispersion)
    spread = np.exp(dispersion * rng.standard_normal(len(noise), dtype=np.float32) - dispersion**2 / 2)
    minutes = draw_minutes(expected.rate(kind) * noise * spread, profile.clumping, rng)
    job = profile.job
    if job is None or kind is not profile.series[0]:
        return minutes
    starts = expected.calendar.day_start * STEP_MINUTES + job.minute
    first = np.rint(starts + job.jitter * rng.standard_normal(len(starts))).astype(np.int64)
    at: Ints = (first[:, None] + np.arange(job.length)).ravel()
    contacts = rng.poisson(job.contacts_a_minute, size=len(at))
    live = (at >= expected.live[0] * STEP_MINUTES) & (at < expected.live[1] * STEP_MINUTES)
    np.add.at(minutes, (at[live] % STEP_MINUTES, at[live] // STEP_MINUTES), contacts[live])
    return minutes


def _add(values: Columns, first: int, added: Columns) -> None:
    """Add what a part adds; the most frequent destination is the larger of the two."""
    for name, more in added.items():
        if name not in values:
            continue
        there = values[name][first : first + len(more)]
        if name == "top_destination_share":
            np.maximum(there, more, out=there)
        else:
            there += more


def _table(cloud: Cloud, series: Sequence[_SeriesRows], columns: Sequence[str]) -> pa.Table:
    lengths = np.array([len(each.intervals) for each in series], np.int64)
    starts = [each.intervals for each in series]
    begin = int(cloud.begin.timestamp())
    seconds = begin + STEP_SECONDS * np.concatenate([np.zeros(0, np.int64), *starts])
    made = {
        TENANT: _key([each.tenant_id for each in series], lengths),
        CHANNEL: _key([each.kind.channel for each in series], lengths),
        DIRECTION: _key([each.kind.direction for each in series], lengths),
        APPLICATION: pa.nulls(len(seconds), pa.string()),
        SECONDS: pa.array(np.full(len(seconds), STEP_SECONDS, np.int32)),
        START: pa.array(seconds * 1_000_000).cast(UTC_STAMP),
    }
    for name in columns:
        absent = pa.nulls(int(lengths.max(initial=0)), METRICS[name])
        made[name] = pa.chunked_array([_column(each, name, absent) for each in series], METRICS[name])
    return pa.table(made)


def _key(words: Sequence[str], lengths: Ints) -> pa.DictionaryArray:
    unique = list(dict.fromkeys(words))
    code = {word: number for number, word in enumerate(unique)}
    codes = np.repeat(np.array([code[word] for word in words], np.int32), lengths)
    return pa.DictionaryArray.from_arrays(codes, pa.array(unique, pa.string()))


def _column(series: _SeriesRows, name: str, absent: pa.Array) -> pa.Array:
    """Return a column of a series; ``absent`` are nulls, as many as the longest series has rows."""
    if name == COUNTRIES and series.countries is not None:
        return series.countries
    if name not in series.columns:
        return absent.slice(0, len(series.intervals))
    kind = METRICS[name]
    values = series.columns[name].astype(np.int64 if kind == pa.int64() else np.float64)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])
