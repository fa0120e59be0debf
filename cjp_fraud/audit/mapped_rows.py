"""Rows of the database as records, and as entries of the audit log name them."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from sqlalchemy import inspect

from cjp_fraud.audit.row_digests import NamedRow, Record, row_digest
from cjp_fraud.digests import canonical_json
from cjp_fraud.storage.base import Base, column_names, column_values, key_names


def named_row(row: Base) -> NamedRow:
    """Return how an entry names a row as it stands now; the row must be flushed."""
    table, key, plain, documents = _parts(row)
    return NamedRow(table, key, row_digest(table, key, plain, documents))


def record_of(row: Base, *, without: frozenset[str] = frozenset()) -> Record:
    """Return a row as a record; the columns ``without`` are not read, and withheld."""
    table, key, plain, documents = _parts(row, without)
    fields: dict[str, Any] = json.loads(canonical_json(plain))
    return Record(table, key, fields, documents, without)


def _parts(
    row: Base, without: frozenset[str] = frozenset()
) -> tuple[str, str, dict[str, Any], dict[str, bytes]]:
    kind = type(row)
    names = column_names(kind)
    if without:
        names = tuple(name for name in names if name not in without)
    plain = column_values(row, names)
    documents = {name: plain.pop(name) for name in _binary(kind) if isinstance(plain.get(name), bytes)}
    key = "/".join([str(plain[name]) for name in key_names(kind)])
    return kind.__tablename__, key, plain, documents


@cache
def _binary(kind: type[Base]) -> tuple[str, ...]:
    """Return the names of all attributes whose columns hold bytes."""
    columns = inspect(kind).column_attrs
    return tuple(column.key for column in columns if column.columns[0].type.python_type is bytes)
