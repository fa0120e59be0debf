"""Which rows of audited tables a transaction wrote that no entry of the audit log names yet.

Every session notes the rows that it inserts and changes. :func:`cjp_fraud.audit.log.append` takes the noted rows and
names them in its entry; :func:`cjp_fraud.storage.database.transaction` refuses to commit while some are left.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction

from cjp_fraud.storage.base import Base, key_names

_ROWS: Final = "written_rows"
_TABLES: Final = "tables_written_in_bulk"
_FIXED: Final = "fixed_tables_changed"
_SHOWN: Final = 10
"""Rows that the message of :func:`refuse_unnamed` lists."""


class UnnamedRowsError(RuntimeError):
    """A transaction wrote rows of audited tables and no entry of the log that names them: a bug."""


class FixedRowsError(RuntimeError):
    """A transaction changed rows of a table whose rows never change: a bug."""


def take_written(session: Session, rows: Iterable[Base] = ()) -> list[Base]:
    """Flush; return the audited rows written since the last call, each once, and forget them.

    Parameters
    ----------
    rows : rows written by statements (``session.execute(insert(...))``), of which the session does not know.
    """
    session.flush()
    written: dict[Any, Base] = session.info.pop(_ROWS, {})
    taken = {id(row): row for row in written.values()}
    for row in rows:
        session.info.get(_TABLES, set()).discard(row.__tablename__)
        taken.setdefault(id(row), row)
    return list(taken.values())


def wrote_unnamed(session: Session) -> bool:
    """Flush; return whether audited rows were written that no entry names yet."""
    session.flush()
    return bool(session.info.get(_ROWS) or session.info.get(_TABLES))


def refuse_unnamed(session: Session) -> None:
    """Refuse to commit rows that no entry names, and changes of rows that never change.

    Raises
    ------
    UnnamedRowsError
        Names the rows; append the entry after them, in the same transaction.
    FixedRowsError
        Names the tables.
    """
    session.flush()
    if fixed := session.info.get(_FIXED):
        raise FixedRowsError(
            f"rows of {', '.join(sorted(fixed))} were changed, and no row of theirs may: write a new row, or say "
            "ROWS_CHANGE in the table's class"
        )
    unnamed = [f"{table} {'/'.join(map(str, key))}" for table, key in session.info.get(_ROWS, {})]
    unnamed += [f"rows of {table} (bulk)" for table in sorted(session.info.get(_TABLES, ()))]
    if unnamed:
        more = f" and {len(unnamed) - _SHOWN} more" if len(unnamed) > _SHOWN else ""
        raise UnnamedRowsError(
            f"no entry of the audit log names {', '.join(unnamed[:_SHOWN])}{more}: write the rows first, then "
            "append the entry, in one transaction (rows= names what bulk statements wrote)"
        )


def note_written(session: Session, rows: Iterable[Base]) -> None:
    """Note audited rows that a statement wrote, as if the session had written them."""
    noted: dict[Any, Base] = session.info.setdefault(_ROWS, {})
    for row in rows:
        if _is_audited(row):
            key = tuple(getattr(row, name) for name in key_names(type(row)))
            noted[row.__tablename__, key] = row


@event.listens_for(Session, "after_flush")
def _note_flushed(session: Session, _context: UOWTransaction) -> None:
    deleted = [row.__tablename__ for row in session.deleted if _is_audited(row)]
    if deleted:
        raise UnnamedRowsError(
            f"rows of {', '.join(sorted(set(deleted)))} are never deleted: they are audited"
        )
    # Sessions of other packages in this process (Airflow's) have rows that are none of ours.
    changed = [row for row in session.dirty if isinstance(row, Base) and session.is_modified(row)]
    _note_fixed(session, (type(row) for row in changed))
    note_written(session, (*session.new, *changed))


@event.listens_for(Session, "do_orm_execute")
def _note_bulk(state: ORMExecuteState) -> None:
    if not (state.is_insert or state.is_update or state.is_delete):
        return
    name = getattr(getattr(state.statement, "table", None), "name", None)
    kinds = [mapper.class_ for mapper in Base.registry.mappers if mapper.class_.__tablename__ == name]
    if state.is_update:
        _note_fixed(state.session, kinds)
    if not any(kind.NOT_AUDITED is None for kind in kinds):
        return
    if state.is_delete:
        raise UnnamedRowsError(f"rows of {name} are never deleted: they are audited")
    state.session.info.setdefault(_TABLES, set()).add(name)


def _note_fixed(session: Session, changed: Iterable[type[Base]]) -> None:
    fixed = {kind.__tablename__ for kind in changed if not kind.ROWS_CHANGE}
    if fixed:
        session.info.setdefault(_FIXED, set()).update(fixed)


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, _previous: object) -> None:
    session.info.pop(_ROWS, None)
    session.info.pop(_TABLES, None)
    session.info.pop(_FIXED, None)


def _is_audited(row: object) -> bool:
    return isinstance(row, Base) and row.NOT_AUDITED is None
