"""Delivered texts and types into ours, a whole column at a time; values that cannot be read are marked, not raised.

Arrow's casts read the usual column in one go; only where one refuses are its texts looked at one by one (each
distinct text once).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cjp_fraud.storage.lake import UTC_STAMP
from cjp_fraud.traffic.model import Reason
from cjp_fraud.traffic.schema import COUNTRIES, METRICS

LARGEST_COUNT = 2**53
"""Counts above are not exact in floating point, and no contact centre has them."""

LARGEST_INT64 = 2**63 - 1

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Parsed:
    """A column's values (null where empty or unusable) and which rows are unusable, and why."""

    values: pa.Array
    faults: Mapping[Reason, tuple[npt.NDArray[np.bool_], str]] = field(default_factory=dict)


def parse_texts(column: pa.ChunkedArray) -> pa.Array:
    """Return texts without surrounding blanks; an empty one is null."""
    texts = _whole(column)
    if not pa.types.is_string(texts.type):
        texts = texts.cast(pa.string())
    texts = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def parse_stamps(column: pa.ChunkedArray) -> Parsed:
    """Return UTC stamps (microseconds) from ISO 8601 texts with a zone, or from stamps with a zone."""
    given = _whole(column)
    kind = given.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        endless = _beyond_microseconds(given)
        stamps = pc.if_else(pa.array(endless), pa.scalar(None, UTC_STAMP), given.cast(UTC_STAMP, safe=False))
        faults = {
            Reason.BAD_STAMP: (_null(given), "a time is needed"),
            Reason.OUT_OF_RANGE: (endless, "no calendar reaches that far"),
        }
        return Parsed(stamps, faults)
    if pa.types.is_timestamp(kind):
        null = _null(given)
        faults = {
            Reason.NO_ZONE: (~null, "it has no time zone"),
            Reason.BAD_STAMP: (null, "a time is needed"),
        }
        return Parsed(pa.nulls(len(given), UTC_STAMP), faults)
    texts = parse_texts(column)
    if texts.null_count == 0:
        try:
            return Parsed(texts.cast(UTC_STAMP))
        except pa.ArrowInvalid:
            pass
    distinct = texts.dictionary_encode()
    words = distinct.dictionary.to_pylist()
    by_word = [_stamp(word) for word in words]
    index = distinct.indices.fill_null(len(words))
    stamps = pa.array([*(s if isinstance(s, datetime) else None for s in by_word), None], UTC_STAMP).take(
        index
    )
    why = np.array([*(0 if isinstance(s, datetime) else 1 if s is Reason.NO_ZONE else 2 for s in by_word), 2])
    of_row = why[index.to_numpy()]
    return Parsed(
        stamps,
        {
            Reason.NO_ZONE: (of_row == 1, "it has no time zone; write 2026-01-31T09:00:00Z or +09:00"),
            Reason.BAD_STAMP: (of_row == 2, "it is not a time like 2026-01-31T09:00:00Z"),
        },
    )


def parse_numbers(column: pa.ChunkedArray, *, whole: bool, required: bool = False) -> Parsed:
    """Return numbers: int64 if ``whole``, else float64; NaN in a typed column is null.

    Texts are plain decimal numbers; ``5.0`` and ``1e3`` are whole, ``0x10``, ``1,000`` and ``nan`` are not numbers.
    """
    given = _whole(column)
    kind = given.type
    own_type = pa.int64() if whole else pa.float64()
    if pa.types.is_integer(kind):
        numbers = (
            given.cast(pa.float64(), safe=False)
            if pa.types.is_uint64(kind)
            else given.cast(own_type, safe=False)
        )
        if pa.types.is_uint64(kind):
            return _from_floats(numbers, np.zeros(len(given), bool), whole=whole, required=required)
        return _in_range(numbers, required=required)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        floats = given.cast(pa.float64(), safe=False)
        floats = pc.if_else(pc.is_nan(floats), pa.scalar(None, pa.float64()), floats)
        return _from_floats(floats, np.zeros(len(given), bool), whole=whole, required=required)
    if pa.types.is_null(kind):
        return _in_range(given.cast(own_type), required=required)
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind)):
        wrong = ~_null(given)
        return _from_floats(pa.nulls(len(given), pa.float64()), wrong, whole=whole, required=required)
    texts = parse_texts(column)
    if whole:
        try:
            numbers = texts.cast(pa.int64())
            if not pc.any(pc.match_substring(texts, "x", ignore_case=True)).as_py():
                return _in_range(numbers, required=required)
        except pa.ArrowInvalid:
            pass
    distinct = texts.dictionary_encode()
    by_word = [_number(word) for word in distinct.dictionary.to_pylist()]
    index = distinct.indices.fill_null(len(by_word))
    floats = pa.array([*by_word, None], pa.float64()).take(index)
    return _from_floats(floats, _null(floats) & ~_null(texts), whole=whole, required=required)


def parse_maps(column: pa.ChunkedArray) -> Parsed:
    """Return maps from country to contacts, from maps, structs, or JSON objects such as ``{"JP": 3}``."""
    given = _whole(column)
    if pa.types.is_string(given.type) or pa.types.is_dictionary(given.type):
        distinct = parse_texts(column).dictionary_encode()
        by_word = [_map(word) for word in distinct.dictionary.to_pylist()]
        index = distinct.indices.fill_null(len(by_word)).to_numpy()
        by_word.append((None, None))
        picked = [by_word[at] for at in index]
    else:
        picked = [_map(value) for value in given.to_pylist()]
    maps = pa.array([entries for entries, _ in picked], METRICS[COUNTRIES])
    reasons = np.array([reason or "" for _, reason in picked], dtype=object)
    why = 'it must be whole numbers by country, such as {"JP": 3}'
    kinds = dict.fromkeys((Reason.NOT_A_NUMBER, Reason.NEGATIVE, Reason.FRACTIONAL), why)
    kinds[Reason.COUNTRY_TWICE] = "a country stands in it twice; write each country once"
    kinds[Reason.BAD_TEXT] = "the name of a country holds characters that cannot be stored"
    return Parsed(maps, {kind: (reasons == kind.value, said) for kind, said in kinds.items()})


def is_storable(text: str) -> bool:
    """Return whether the lake and every database take a text: no zero character, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _from_floats(floats: pa.Array, unread: npt.NDArray[np.bool_], *, whole: bool, required: bool) -> Parsed:
    values = floats.fill_null(0.0).to_numpy(zero_copy_only=False)
    endless = ~np.isfinite(values)
    too_large = (np.abs(values) > LARGEST_COUNT) & ~endless
    fraction = (np.mod(np.where(endless, 0, values), 1) != 0) if whole else np.zeros(len(values), bool)
    unread = unread | endless
    usable = ~(unread | fraction | too_large | _null(floats))
    kind = pa.int64() if whole else pa.float64()
    filled = np.where(usable, values, 0)
    numbers = pa.array(filled.astype(np.int64) if whole else filled, kind, mask=~usable)
    faults = {
        Reason.NOT_A_NUMBER: (unread, "it is not a number"),
        Reason.FRACTIONAL: (fraction, "a count is a whole number"),
        Reason.OUT_OF_RANGE: (too_large, "it is too large"),
    }
    if required:
        empty = _null(floats) & ~unread
        faults[Reason.NOT_A_NUMBER] = (unread | empty, "a number is needed")
    return Parsed(numbers, faults)


def _in_range(numbers: pa.Array, *, required: bool) -> Parsed:
    faults = {}
    largest = pc.max(numbers).as_py()
    if largest is not None and largest > LARGEST_COUNT:
        too_large = pc.fill_null(pc.greater(numbers, LARGEST_COUNT), False).to_numpy(zero_copy_only=False)
        faults[Reason.OUT_OF_RANGE] = (too_large, "it is too large")
    if required and numbers.null_count:
        faults[Reason.NOT_A_NUMBER] = (_null(numbers), "a number is needed")
    return Parsed(numbers, faults)


def _stamp(word: str) -> datetime | Reason:
    try:
        at = datetime.fromisoformat(word)
    except ValueError:
        return Reason.BAD_STAMP
    if at.tzinfo is None:
        return Reason.NO_ZONE
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return Reason.BAD_STAMP


def _number(word: str) -> float | None:
    return float(word) if NUMBER.fullmatch(word) else None


def _map(value: Any) -> tuple[list[tuple[str, int]] | None, str | None]:
    if value is None:
        return None, None
    if isinstance(value, str):
        try:
            value = json.loads(value, object_pairs_hook=list)  # a dictionary would keep the last of two
        except (ValueError, RecursionError):
            return None, Reason.NOT_A_NUMBER.value
    pairs = list(value.items()) if isinstance(value, dict) else value
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
        return None, Reason.NOT_A_NUMBER.value
    if len({country for country, _ in pairs}) < len(pairs):
        return None, Reason.COUNTRY_TWICE.value
    if not all(is_storable(str(country)) for country, _ in pairs):
        return None, Reason.BAD_TEXT.value
    entries: list[tuple[str, int]] = []
    for country, count in sorted((str(key), count) for key, count in pairs if count is not None):
        if isinstance(count, bool) or not isinstance(count, int | float) or not abs(count) <= LARGEST_COUNT:
            return None, Reason.NOT_A_NUMBER.value
        if count < 0:
            return None, Reason.NEGATIVE.value
        if count != int(count):
            return None, Reason.FRACTIONAL.value
        entries.append((country, int(count)))
    return entries, None


def _beyond_microseconds(stamps: pa.Array) -> npt.NDArray[np.bool_]:
    """Return a mask of the stamps of a coarser unit that 64 bits cannot count in microseconds."""
    factor = {"s": 10**6, "ms": 10**3}.get(stamps.type.unit, 1)
    counts = stamps.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    beyond: npt.NDArray[np.bool_] = (counts > LARGEST_INT64 // factor) | (counts < -LARGEST_INT64 // factor)
    return beyond


def _null(values: pa.Array) -> npt.NDArray[np.bool_]:
    mask: npt.NDArray[np.bool_] = pc.is_null(values).to_numpy(zero_copy_only=False)
    return mask


def _whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole.cast(whole.type.value_type) if pa.types.is_dictionary(whole.type) else whole
