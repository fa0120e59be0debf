"""What the rows that are frozen with a determination say of the flagged traffic: where it went, and what is usual."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from cjp_fraud.clock import utc_text
from cjp_fraud.review.measure_fit import Carried, Flagged, Stream, Usual
from cjp_fraud.review.measure_replay import ByPrincipal, Interval, Replay

if TYPE_CHECKING:
    from cjp_fraud.review.tables import Flag

USUAL_LEVEL: Final = "usual_level"
"""In a frozen row ``table`` says where it is from; of these rows each is one series of a flagged stream, with
``usual_per_hour`` (contacts an hour in the busiest interval of its usual day; left out: not known)."""


TRAFFIC_ROWS: Final = "traffic"
SCORE_ROWS: Final = "scores"
"""Tables of the lake, as frozen rows name them: contacts by country, and what is usual in each interval."""


def flagged_traffic(
    flags: Sequence[Flag],
    rows: Sequence[Mapping[str, Any]],
    by_principal: Sequence[Mapping[str, Any]],
    usual_by_principal: Sequence[Mapping[str, Any]] = (),
) -> Flagged:
    """Return what the flags of a determination, and the rows frozen with it, say of the flagged traffic.

    Parameters
    ----------
    rows : traffic, scores and usual levels, as the frozen document has them (moments as text).
    by_principal : rows by principal of the flagged intervals, as the frozen document has them.
    usual_by_principal : what these principals usually carry, as the frozen document has it.
    """
    levels = usual_levels(rows, flags)
    return Flagged.by(
        flags,
        principals=principals_seen(by_principal, flags),
        destinations=destinations_seen(rows, flags),
        levels=levels,
        replay=replay_of(rows, flags, by_principal, usual_by_principal, levels or ()),
    )


def replay_of(
    rows: Sequence[Mapping[str, Any]],
    flags: Sequence[Flag],
    by_principal: Sequence[Mapping[str, Any]],
    usual_by_principal: Sequence[Mapping[str, Any]],
    levels: Collection[Usual],
) -> Replay | None:
    """Return the frozen traffic of the flagged intervals, on which measures are replayed; None: no row is of one."""
    traffic = [row for row in rows if row.get("table") == TRAFFIC_ROWS]
    baselines = {
        (row["series_id"], row["interval_start"]): float(row["baseline"])
        for row in rows
        if row.get("table") == SCORE_ROWS and row.get("baseline") is not None
    }
    intervals = tuple(
        Interval(
            series_id=row["series_id"],
            stream=Stream(flag.channel, flag.direction),
            application_id=flag.application_id,
            start=row["interval_start"],
            seconds=row["interval_seconds"],
            observed=float(row["contacts_offered"]),
            usual=baselines.get((row["series_id"], row["interval_start"])),
            countries=dict(row["countries"]) if row.get("countries") else None,
        )
        for row, flag in rows_of_flags(traffic, flags)
    )
    if not intervals:
        return None
    replay = Replay(intervals, _usual_shares(traffic, {(each.series_id, each.start) for each in intervals}))
    flagged = {(each.stream, each.application_id) for each in intervals}
    return replace(
        replay,
        principals=_by_principal(by_principal, usual_by_principal, flags, replay.hours),
        beside=frozenset(
            level.stream for level in levels if (level.stream, level.application_id) not in flagged
        ),
    )


def _usual_shares(
    traffic: Sequence[Mapping[str, Any]], flagged: Collection[tuple[str, str]]
) -> dict[str, dict[str, float]]:
    """Return by series which part of its contacts goes to each country, in the rows outside the flagged intervals."""
    contacts: dict[str, float] = defaultdict(float)
    by_country: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in traffic:
        if (row["series_id"], row["interval_start"]) in flagged or not row.get("countries"):
            continue
        contacts[row["series_id"]] += row["contacts_offered"]
        for country, count in dict(row["countries"]).items():
            by_country[row["series_id"]][country] += count
    return {
        series: {country: count / total for country, count in by_country[series].items()}
        for series, total in contacts.items()
        if total > 0
    }


def _by_principal(
    rows: Sequence[Mapping[str, Any]], usual: Sequence[Mapping[str, Any]], flags: Sequence[Flag], hours: float
) -> tuple[ByPrincipal, ...] | None:
    """Return what each principal carried in the flagged intervals; None where nothing was frozen by principal."""
    if not rows:
        return None
    streams = {flag.series_id: Stream(flag.channel, flag.direction) for flag in flags}
    observed: dict[tuple[Stream, str], float] = defaultdict(float)
    for row, flag in rows_of_flags(rows, flags):
        observed[Stream(flag.channel, flag.direction), row["principal_id"]] += row["contacts_offered"]
    usually: dict[tuple[Stream, str], float] = defaultdict(float)
    for level in usual:
        usually[streams[level["series_id"]], level["principal_id"]] += level["contacts_per_hour"] * hours
    # Where anything is known of before, a principal without a level carried nothing then.
    silent = 0.0 if usual else None
    return tuple(
        ByPrincipal(stream, name, count, usually.get((stream, name), silent))
        for (stream, name), count in sorted(observed.items())
        if count > 0
    )


def principals_seen(rows: Sequence[Mapping[str, Any]], flags: Sequence[Flag]) -> frozenset[Carried] | None:
    """Return which principals carried contacts in these flags' intervals; None where no row was frozen.

    Parameters
    ----------
    rows : of a frozen document, moments as text.
    """
    if not rows:
        return None
    return frozenset(
        Carried(Stream(flag.channel, flag.direction), row["principal_id"])
        for row, flag in rows_of_flags(rows, flags)
        if row["contacts_offered"] > 0
    )


def destinations_seen(rows: Iterable[Mapping[str, Any]], flags: Sequence[Flag]) -> frozenset[Carried] | None:
    """Return the countries of the other end in the flags' intervals; None where no row of them names countries."""
    named = [
        (flag, dict(row["countries"])) for row, flag in rows_of_flags(rows, flags) if row.get("countries")
    ]
    if not named:
        return None
    return frozenset(
        Carried(Stream(flag.channel, flag.direction), country)
        for flag, countries in named
        for country, contacts in countries.items()
        if contacts > 0
    )


def usual_levels(rows: Sequence[Mapping[str, Any]], flags: Sequence[Flag]) -> frozenset[Usual] | None:
    """Return the highest usual level of each series of the flagged streams; None where no frozen row says any.

    A measure begins at an hour that nobody knows beforehand and may last for days, so it is the highest level of the
    usual day that counts, and of what was usual in the hours before the flags.
    """
    of_flag = {flag.series_id: flag for flag in flags}
    levels: dict[tuple[Stream, str | None], float | None] = {}
    for row in rows:
        flag = of_flag.get(row.get("series_id", ""))
        if row.get("table") == USUAL_LEVEL:
            key = (Stream(row["channel"], row["direction"]), row.get("application_id"))
            level = row.get("usual_per_hour")
        elif flag is not None and row.get("baseline") is not None:
            key = (Stream(flag.channel, flag.direction), flag.application_id)
            level = row["baseline"] * timedelta(hours=1) / timedelta(seconds=flag.interval_seconds)
        else:
            continue
        known = levels.get(key)
        levels[key] = level if known is None else max(known, level if level is not None else known)
    if not levels:
        return None
    return frozenset(Usual(stream, application, level) for (stream, application), level in levels.items())


def rows_of_flags(
    rows: Iterable[Mapping[str, Any]], flags: Sequence[Flag]
) -> Iterator[tuple[Mapping[str, Any], Flag]]:
    """Yield each row that lies in a flagged interval of its series, with the flag."""
    of_series: dict[str, list[tuple[str, str, Flag]]] = {}
    for flag in flags:
        end = flag.interval_start + timedelta(seconds=flag.interval_seconds)
        interval = (utc_text(flag.interval_start), utc_text(end), flag)
        of_series.setdefault(flag.series_id, []).append(interval)
    for row in rows:
        for begins, ends, flag in of_series.get(row.get("series_id", ""), ()):
            if begins <= row.get("interval_start", "") < ends:
                yield row, flag
                break
