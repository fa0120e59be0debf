"""Make and insert thousands of rows: several times as fast as the session, which keeps a history of each value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, insert, inspect
from sqlalchemy.engine import Dialect
from sqlalchemy.orm.attributes import instance_dict, manager_of_class

from cjp_fraud.storage.base import Base, column_names

_RowT = TypeVar("_RowT", bound=Base)
_Process = Callable[[Any], Any]


def new_row(kind: type[_RowT], **values: Any) -> _RowT:
    """Return a new row with ``values``, as if it had been read: for :func:`insert_many`, never for a session.

    Parameters
    ----------
    values : by attribute; columns that are not given are null, and no default is filled in.

    Raises
    ------
    TypeError
        If there is no such column.
    """
    nothing = _nothing(kind)
    whole = nothing | values
    if len(whole) > len(nothing):
        raise TypeError(
            f"{kind.__tablename__} has no column {', '.join(sorted(values.keys() - nothing.keys()))}"
        )
    row: _RowT = manager_of_class(kind).new_instance()
    instance_dict(row).update(whole)
    return row


def insert_many(connection: Connection, kind: type[Base], rows: Sequence[Base]) -> None:
    """Insert rows of one table by one statement.

    Parameters
    ----------
    rows : complete, their ids too: no default is filled in.
    """
    values = [instance_dict(row) for row in rows]
    columns = {name: [of_row.get(name) for of_row in values] for name in column_names(kind)}
    insert_columns(connection, kind, columns)


def insert_columns(connection: Connection, kind: type[Base], columns: Mapping[str, Sequence[Any]]) -> None:
    """Insert rows of one table by one statement, given column by column.

    The values are brought into the driver's form a column at a time. SQLAlchemy does so a value at a time and looks
    each up by its name, which takes longer than to write the rows.

    Parameters
    ----------
    columns : attribute → its value in each row, for all attributes that are columns.
    """
    text, is_named, processors = _statement(kind, connection.dialect)
    bound = [_bound(columns[name], process) for name, process in processors.items()]
    rows: Iterable[Any] = zip(*bound, strict=True)
    if is_named:
        rows = (dict(zip(processors, row, strict=True)) for row in rows)
    connection.exec_driver_sql(text, list(rows))


@lru_cache(maxsize=512)
def _nothing(kind: type[Base]) -> dict[str, None]:
    return dict.fromkeys(column_names(kind))


def _bound(values: Sequence[Any], process: _Process | None) -> Sequence[Any]:
    """Return values in the driver's form; one that stands in row after row, as moments and enums do, is made once."""
    if process is None:
        return values
    bound: list[Any] = []
    before, made = None, process(None)
    for value in values:
        if value is not before:
            before, made = value, process(value)
        bound.append(made)
    return bound


@lru_cache(maxsize=512)
def _statement(kind: type[Base], dialect: Dialect) -> tuple[str, bool, dict[str, _Process | None]]:
    """Return the statement, whether its values are named, and attribute → what makes the driver's form of a value.

    The attributes come in the order of the statement's values.
    """
    column_of = {attribute.key: attribute.columns[0] for attribute in inspect(kind).column_attrs}
    statement = insert(kind).values({column: bindparam(name) for name, column in column_of.items()})
    compiled = statement.compile(dialect=dialect)
    order = compiled.positiontup if compiled.positional else column_of
    processors: dict[str, _Process | None] = {
        name: column_of[name].type.dialect_impl(dialect).bind_processor(dialect) for name in order or ()
    }
    return str(compiled), not compiled.positional, processors
