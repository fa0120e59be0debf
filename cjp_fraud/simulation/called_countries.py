"""Contacts by country: one map a row, from the usual contacts and from what events add."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cjp_fraud.simulation.countries import Country
from cjp_fraud.simulation.scenario import Part, country_entries

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]


def country_maps(
    country: Country,
    offered: Floats,
    international: Floats,
    parts: Sequence[tuple[Part, np.random.Generator]],
    rows: Ints,
) -> pa.Array:
    """Return map<string, int64>[rows]: usual contacts go to the tenant's own country and to its neighbour.

    Parameters
    ----------
    offered, international : float[intervals], usual contacts.
    parts : what events add, each with the generator of its countries.
    rows : the intervals that are wanted, ascending.
    """
    codes = [country.code, country.neighbour]
    home, abroad = np.flatnonzero(offered > international), np.flatnonzero(international)
    intervals = [home, abroad]
    numbers = [np.zeros(len(home), np.int64), np.ones(len(abroad), np.int64)]
    contacts = [(offered - international)[home], international[abroad]]
    for part, rng in parts:
        first, at, which, counts = country_entries(part, rng)
        names = part.mix.countries or (country.code,)
        codes += [code for code in names if code not in codes]
        intervals.append(first + at)
        numbers.append(np.array([codes.index(code) for code in names], np.int64)[which])
        contacts.append(counts.astype(np.float64))
    return _maps(codes, np.concatenate(intervals), np.concatenate(numbers), np.concatenate(contacts), rows)


def _maps(codes: list[str], interval: Ints, number: Ints, contacts: Floats, rows: Ints) -> pa.Array:
    keys = interval * len(codes) + number
    order = np.argsort(keys, kind="stable")
    keys, contacts = keys[order], contacts[order]
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    if len(first) < len(keys):
        keys, contacts = keys[first], np.add.reduceat(contacts, first)
    interval, number = np.divmod(keys, len(codes))
    begins, ends = np.searchsorted(interval, rows), np.searchsorted(interval, rows, side="right")
    keep = np.isin(interval, rows)
    offsets = np.concatenate([[0], np.cumsum(ends - begins)])
    names = pa.DictionaryArray.from_arrays(number[keep].astype(np.int32), pa.array(codes))
    return pa.MapArray.from_arrays(
        pa.array(offsets.astype(np.int32)), names.cast(pa.string()), pa.array(contacts[keep].astype(np.int64))
    )
