"""Row by row: what can be stored, what goes to quarantine and why, and what must not be kept at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cjp_fraud.traffic.model import Reason, Rejection, TenantTraffic
from cjp_fraud.traffic.parsing import Parsed, parse_maps, parse_numbers, parse_stamps, parse_texts
from cjp_fraud.traffic.schema import (
    APPLICATION,
    CHANNEL,
    CHANNELS,
    COUNTRIES,
    COUNTS,
    DELIVERED,
    DIRECTION,
    DIRECTIONS,
    LINE,
    METRICS,
    OFFERED,
    PRINCIPAL,
    SECONDS,
    SERIES,
    SHARE,
    START,
    TENANT,
)
from cjp_fraud.traffic.sources.model import SourceBatch

FUTURE_ALLOWANCE = timedelta(days=1)
"""Stamps may run ahead of the clock by this much (zones mixed up are found, small clock errors are not)."""


@dataclass(frozen=True)
class Checked:
    """What became of a batch.

    Parameters
    ----------
    accepted : usable rows, columns of ``DELIVERED`` and ``line``.
    rejected : rows for the quarantine, in the order of their lines.
    refused : number of rows of excluded deployments; nothing else of them is kept.
    unusable : series, ``interval_seconds`` and ``interval_start`` of rejected rows that say which interval
        they mean: its contacts are unknown, not zero.
    """

    accepted: pa.Table
    rejected: tuple[Rejection, ...]
    refused: int
    unusable: pa.Table

    @property
    def read(self) -> int:
        """Number of rows in the batch."""
        return len(self.accepted) + len(self.rejected) + self.refused


class _Faults:
    """What is wrong with the rows of a batch: which rows, why, and a function that explains one of them."""

    def __init__(self, count: int) -> None:
        self.bad = np.zeros(count, bool)
        self._entries: list[tuple[npt.NDArray[np.bool_], Reason, Callable[[int], str]]] = []

    def add(self, rows: npt.NDArray[np.bool_], reason: Reason, explain: Callable[[int], str]) -> None:
        if rows.any():
            self.bad |= rows
            self._entries.append((rows, reason, explain))

    def explain(self, row: int) -> tuple[Reason, str]:
        hits = [(reason, explain(row)) for rows, reason, explain in self._entries if rows[row]]
        return hits[0][0], "; ".join(text for _, text in hits)


def check_batch(batch: SourceBatch, tenants: Mapping[str, TenantTraffic], *, now: datetime) -> Checked:
    """Separate usable rows from rejected ones and from those of excluded deployments.

    Exclusion is checked first: nothing of an excluded deployment reaches the quarantine, however broken the
    row is.

    Parameters
    ----------
    batch : rows as delivered.
    tenants : all tenants on record.
    now : aware; stamps over a day ahead of it are rejected.
    """
    rows = batch.rows
    excluded = {name for name, tenant in tenants.items() if not tenant.deployment_accepted}
    tenant_ids = parse_texts(rows[TENANT])
    hidden = _is_in(tenant_ids, excluded)
    refused = int(hidden.sum())
    lines = batch.lines
    if refused:
        seen = pa.array(~hidden)
        rows, tenant_ids, lines = rows.filter(seen), tenant_ids.filter(seen), lines[~hidden]

    faults = _Faults(len(rows))
    _check_tenants(tenant_ids, tenants, faults)
    columns: dict[str, pa.Array] = {TENANT: tenant_ids}
    _check_keys(rows, columns, faults, now)
    unplaced = faults.bad.copy()
    for name in METRICS:
        if name in rows.column_names:
            columns[name] = _metric(rows, name, faults)

    rejected = _rejections(rows, tenant_ids, lines, faults)
    for line in batch.broken:
        if excluded.intersection(cell.strip() for cell in line.cells):
            refused += 1
        else:
            rejected.append(
                Rejection(
                    line.line, Reason.MALFORMED, f"the line is no row: {line.why}", None, {"line": line.text}
                )
            )
    full = {field.name: columns.get(field.name, pa.nulls(len(rows), field.type)) for field in DELIVERED}
    accepted = pa.table(full, schema=DELIVERED).append_column(LINE, pa.array(lines, pa.int64()))
    if faults.bad.any():
        accepted = accepted.filter(pa.array(~faults.bad))
    unusable = pa.table(full, schema=DELIVERED).filter(pa.array(faults.bad & ~unplaced))
    by_line = tuple(sorted(rejected, key=lambda rejection: rejection.line))
    return Checked(accepted, by_line, refused, unusable.select([*SERIES, SECONDS, START]))


def _check_tenants(tenant_ids: pa.Array, tenants: Mapping[str, TenantTraffic], faults: _Faults) -> None:
    null = _mask(pc.is_null(tenant_ids))
    faults.add(null, Reason.MISSING_TENANT, lambda row: "tenant_id is empty")
    faults.add(
        ~_is_in(tenant_ids, tenants) & ~null,
        Reason.UNKNOWN_TENANT,
        lambda row: (
            f"tenant {tenant_ids[row].as_py()!r} is not on record; load it (cjp-fraud tenants load FILE), "
            "then submit the row again (cjp-fraud traffic quarantine --resubmit)"
        ),
    )


def _check_keys(rows: pa.Table, columns: dict[str, pa.Array], faults: _Faults, now: datetime) -> None:
    for name, allowed, reason in (
        (CHANNEL, CHANNELS, Reason.UNKNOWN_CHANNEL),
        (DIRECTION, DIRECTIONS, Reason.UNKNOWN_DIRECTION),
    ):
        words = columns[name] = parse_texts(rows[name])
        faults.add(~_is_in(words, allowed), reason, _not_one_of(name, words, allowed))
    for name in (APPLICATION, PRINCIPAL):
        if name in rows.column_names:
            texts = columns[name] = parse_texts(rows[name])
            faults.add(
                _mask(pc.match_substring(texts, "\0")),
                Reason.BAD_TEXT,
                _explained(name, rows, "it holds a zero character, which cannot be stored"),
            )

    stamps = parse_stamps(rows[START])
    columns[START] = stamps.values
    _add_unparsed(START, rows, stamps, faults)
    limit = pa.scalar(now + FUTURE_ALLOWANCE, stamps.values.type)
    faults.add(
        _mask(pc.greater(stamps.values, limit)),
        Reason.FUTURE,
        lambda row: f"interval_start is {_shown(rows, START, row)}, over a day ahead of {now.isoformat()}",
    )
    faults.add(
        _mask(pc.less(stamps.values, pa.scalar(0, pa.int64()).cast(stamps.values.type))),
        Reason.OUT_OF_RANGE,
        lambda row: f"interval_start is {_shown(rows, START, row)}, before 1970",
    )
    seconds = parse_numbers(rows[SECONDS], whole=True, required=True)
    values = seconds.values.fill_null(0).to_numpy(zero_copy_only=False)
    fits = (values >= 60) & (values <= 3600)
    fits[fits] = 3600 % values[fits] == 0
    faults.add(
        ~fits,
        Reason.BAD_INTERVAL,
        lambda row: (
            f"interval_seconds is {_shown(rows, SECONDS, row)}; it must be 60 to 3600 and divide an hour"
        ),
    )
    columns[SECONDS] = pa.array(np.where(fits, values, 60).astype(np.int32))


def _metric(rows: pa.Table, name: str, faults: _Faults) -> pa.Array:
    if name == COUNTRIES:
        maps = parse_maps(rows[name])
        _add_unparsed(name, rows, maps, faults)
        return maps.values
    numbers = parse_numbers(rows[name], whole=name in COUNTS, required=name == OFFERED)
    _add_unparsed(name, rows, numbers, faults)
    values = numbers.values
    faults.add(
        _mask(pc.less(values, 0)),
        Reason.NEGATIVE,
        lambda row: f"{name} is {_shown(rows, name, row)}; it cannot be negative",
    )
    if name == SHARE:
        faults.add(
            _mask(pc.greater(values, 1)),
            Reason.OUT_OF_RANGE,
            lambda row: f"{name} is {_shown(rows, name, row)}; a share is 0 to 1",
        )
    return values


def _add_unparsed(name: str, rows: pa.Table, parsed: Parsed, faults: _Faults) -> None:
    for reason, (mask, why) in parsed.faults.items():
        faults.add(mask, reason, _explained(name, rows, why))


def _explained(name: str, rows: pa.Table, why: str) -> Callable[[int], str]:
    return lambda row: f"{name} is {_shown(rows, name, row)}; {why}"


def _not_one_of(name: str, words: pa.Array, allowed: tuple[str, ...]) -> Callable[[int], str]:
    return lambda row: f"{name} is {words[row].as_py()!r}; it must be one of {', '.join(allowed)}"


def _rejections(
    rows: pa.Table, tenant_ids: pa.Array, lines: npt.NDArray[np.int64], faults: _Faults
) -> list[Rejection]:
    bad = pa.array(faults.bad)
    bad_rows = zip(
        np.flatnonzero(faults.bad).tolist(),
        lines[faults.bad].tolist(),
        tenant_ids.filter(bad).to_pylist(),
        _readable(rows.filter(bad)).to_pylist(),
        strict=True,
    )
    return [Rejection(line, *faults.explain(row), tenant, content) for row, line, tenant, content in bad_rows]


def _readable(rows: pa.Table) -> pa.Table:
    """Return the rows with stamps as texts: Arrow has years that Python has not."""
    for at, kind in enumerate(rows.schema.types):
        if pa.types.is_timestamp(kind):
            rows = rows.set_column(at, rows.column_names[at], rows.column(at).cast(pa.string()))
    return rows


def _shown(rows: pa.Table, name: str, row: int) -> str:
    value = _readable(rows.slice(row, 1))[name][0].as_py()
    if value is None:
        return "empty"
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value))
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_in(words: pa.Array, allowed: object) -> npt.NDArray[np.bool_]:
    return _mask(pc.is_in(words, value_set=pa.array(list(allowed), pa.string())))  # type: ignore[call-overload]


def _mask(values: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    mask: npt.NDArray[np.bool_] = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
    return mask
