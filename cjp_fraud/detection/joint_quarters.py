"""Quarters of an hour in which many tenants are flagged together, from scored rows and their flags."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Final

import numpy as np
from babel.core import get_global
from numpy.typing import NDArray

from cjp_fraud.detection.scored_rows import ScoredRows
from cjp_fraud.detection.scoring import moment
from cjp_fraud.review.joint_spikes import (
    FEWEST_TENANTS,
    QUARTER_SECONDS,
    JointGroup,
    JointSpikeRow,
    Line,
    joint_groups,
)
from features.columns import APPLICATION, CHANNEL, DIRECTION, TENANT
from features.counting_clocks import Clock
from features.local_grid import HOUR

Ints = NDArray[np.int64]

NO_COUNTRY: Final = "ZZ"
"""CLDR's territory of zones that are in no country, such as UTC."""


def joint_spikes(
    parts: Sequence[ScoredRows], zones: Mapping[str, str], closed: datetime
) -> list[JointSpikeRow]:
    """Find the joint spikes of closed hours, by time.

    An interval of more than 15 minutes counts in each of its quarters, as far as its UTC hour goes.

    Parameters
    ----------
    parts : all rows of some whole UTC hours, with flags.
    zones : IANA zone of every tenant; its territory (CLDR) is the tenant's country.
    closed : aware; hours that end by then are closed.
    """
    until = int(closed.timestamp())
    of_closed = [
        rows.take(~np.isnan(rows.log_p) & ((rows.start // HOUR + 1) * HOUR <= until))
        for rows in parts
        if rows.version is not None and rows.clock is Clock.MINUTE
    ]
    flags = [rows.take(rows.flagged) for rows in of_closed]
    crowded = _crowded(flags)
    if not crowded:
        return []
    country_of = {tenant: country for tenant, zone in zones.items() if (country := country_of_zone(zone))}
    with_traffic, flagged = _lines(of_closed, crowded), _lines(flags, crowded)
    by_quarter = [_FlagsByQuarter(rows) for rows in flags]
    spikes = []
    for quarter in sorted(crowded):
        share = max(part.usual_share for part in by_quarter if part.reaches_into(quarter))
        for joint in joint_groups(with_traffic[quarter], flagged[quarter], country_of, share):
            spikes.append(_row(quarter, joint, by_quarter))
    return spikes


@cache
def country_of_zone(zone: str) -> str | None:
    """The country (ISO 3166-1) that a time zone is in, by CLDR; None of a zone of no country."""
    territory = get_global("zone_territories").get(get_global("zone_aliases").get(zone, zone), NO_COUNTRY)
    return None if territory == NO_COUNTRY or not territory.isalpha() else str(territory)


def _crowded(flags: Sequence[ScoredRows]) -> set[int]:
    """Quarters (since 1970) in which enough tenants have a flag for any group to be joint."""
    tenants: dict[int, set[str]] = defaultdict(set)
    for quarter, lines in _lines(flags, None).items():
        tenants[quarter] = {line.tenant_id for line in lines}
    return {quarter for quarter, of_quarter in tenants.items() if len(of_quarter) >= FEWEST_TENANTS}


def _lines(parts: Sequence[ScoredRows], chosen_quarters: Collection[int] | None) -> dict[int, set[Line]]:
    """The lines that have a row in each of the wanted quarters; None: in any."""
    lines: dict[int, set[Line]] = defaultdict(set)
    for rows in parts:
        index, quarter = _quarters(rows)
        if chosen_quarters is not None:
            chosen = np.isin(quarter, sorted(chosen_quarters))
            index, quarter = index[chosen], quarter[chosen]
        series = rows.series[index]
        present = np.unique(series)
        names = rows.table.keys.loc[present, [TENANT, CHANNEL, DIRECTION, APPLICATION]]
        line_of = {
            code: Line(
                str(tenant), str(channel), str(direction), carried if isinstance(carried, str) else None
            )
            for code, (tenant, channel, direction, carried) in zip(
                present.tolist(), names.itertuples(index=False, name=None), strict=True
            )
        }
        for of_quarter in np.unique(quarter).tolist():
            lines[of_quarter] |= {line_of[code] for code in np.unique(series[quarter == of_quarter]).tolist()}
    return lines


def _quarters(rows: ScoredRows) -> tuple[Ints, Ints]:
    """Index of a row and quarter, for each quarter of its UTC hour that a row's interval reaches into."""
    ends = np.minimum(rows.start + rows.table.seconds[rows.series], (rows.start // HOUR + 1) * HOUR)
    first = rows.start // QUARTER_SECONDS
    count = (ends - 1) // QUARTER_SECONDS - first + 1
    index = np.repeat(np.arange(len(rows)), count)
    return index, first[index] + np.arange(len(index)) - np.repeat(np.cumsum(count) - count, count)


class _FlagsByQuarter:
    """Flagged rows of one version, and the quarters that each of their intervals reaches into, found once.

    Attributes
    ----------
    usual_share : of flags, at the operating point of the version; a quarter has one version.
    """

    def __init__(self, rows: ScoredRows) -> None:
        assert rows.version is not None, "only scored rows are flagged"
        self.usual_share = rows.version.usual_share
        self._index, self._quarters = _quarters(rows)
        self._tenants = rows.table.keys[TENANT].to_numpy(dtype=object)[rows.series].astype(str)
        self._starts = rows.start
        self._ends = rows.start + rows.table.seconds[rows.series]

    def reaches_into(self, quarter: int) -> bool:
        """Whether an interval reaches into the quarter."""
        return bool(np.any(self._quarters == quarter))

    def spans(self, quarter: int, tenants: Collection[str]) -> tuple[list[int], list[int]]:
        """Return starts and ends (seconds) of the tenants' intervals that reach into the quarter."""
        of_quarter = self._index[self._quarters == quarter]
        chosen = of_quarter[np.isin(self._tenants[of_quarter], list(tenants))]
        return self._starts[chosen].tolist(), self._ends[chosen].tolist()


def _row(quarter: int, joint: JointGroup, flags: Sequence[_FlagsByQuarter]) -> JointSpikeRow:
    """The joint spike with its time: from the first to the last flagged interval, as far as the quarter goes."""
    spans = [part.spans(quarter, joint.tenants) for part in flags]
    begins = [begin for starts, _ in spans for begin in starts]
    ends = [end for _, of_part in spans for end in of_part]
    first, last = quarter * QUARTER_SECONDS, (quarter + 1) * QUARTER_SECONDS
    return JointSpikeRow(
        quarter_start=moment(first),
        begins_at=moment(max(first, min(begins))),
        ends_at=moment(min(last, max(ends))),
        joint=joint,
    )
