"""Rows of the database as records, and as entries of the audit log name them."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from sqlalchemy import inspect

from cjp_fraud.audit.row_digests import NamedRow, Record, row_digest
from cjp_fraud.digests import canonical_json
from cjp_fraud.storage.base import Base, column_values


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
    names, key_names = _columns(type(row))
    if without:
        names = tuple(name for name in names if name not in without)
    plain = column_values(row, names)
    documents = {name: plain.pop(name) for name in names if isinstance(plain[name], bytes)}
    key = "/".join([str(plain[name]) for name in key_names])
    return str(row.__tablename__), key, plain, documents


@cache
def _columns(kind: type[Base]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of all attributes that are columns, and of those that are the primary key."""
    mapper = inspect(kind)
    key = tuple(mapper.get_property_by_column(column).key for column in mapper.primary_key)
    return tuple(column.key for column in mapper.column_attrs), key
