"""The declarative base, the column types and the identifiers that all domains share."""

from __future__ import annotations

import enum
import importlib.util
import pkgutil
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, ClassVar

from sqlalchemy import JSON, DateTime, MetaData, String, inspect
from sqlalchemy import Enum as SqlEnum
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator
from uuid6 import uuid7

import cjp_fraud
from cjp_fraud.clock import aware

TABLE_MODULES = (
    "tables",
    "confirmation_tables",
    "decision_tables",
    "queue_tables",
    "quality_tables",
    "stage_tables",
)
"""Names of the modules in which a package keeps its tables."""

ID_LENGTH = 36
"""Characters of an identifier in text (UUIDv7, RFC 9562: sortable by the time it was made)."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, stored and returned in UTC; refuses naive values."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC; SQLite keeps text without a zone, so the zone is dropped after the conversion."""
        if value is None:
            return None
        at = aware(value)
        return at.replace(tzinfo=None) if dialect.name == "sqlite" else at

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


JsonDocument = JSON().with_variant(JSONB(), "postgresql")
"""A JSON document whose inner order does not matter."""

NullableDocument = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""The same, where there may be none: null is then the database's."""

_ENUM_LENGTH = 40


def new_id() -> str:
    """Return a new sortable identifier (UUIDv7)."""
    return str(uuid7())


def new_salt() -> str:
    """Return 32 random hex digits, which keep what is hashed with them from being guessed by its digest."""
    return secrets.token_hex(16)


Id = Annotated[str, mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)]
"""The primary key of most tables: ``id: Mapped[Id]``."""

IdOf = Annotated[str, mapped_column(String(ID_LENGTH))]
"""An identifier of something that no foreign key names."""

Sha256 = Annotated[str, mapped_column(String(64))]
"""A SHA-256 as 64 lower-case hex digits."""

ZoneName = Annotated[str, mapped_column(String(64))]
"""The name of an IANA time zone."""


class Base(DeclarativeBase):
    """Declarative base; constraints get names, so that migrations can address them.

    Every table is audited: each row that a transaction writes must be named by an entry of the audit log in
    the same transaction (:mod:`cjp_fraud.storage.written_rows`). A table that is not audited says why.
    """

    NOT_AUDITED: ClassVar[str | None] = None
    """Why no entry of the log names the rows of this table; None: each of them is named."""

    ROWS_CHANGE: ClassVar[bool] = False
    """Whether rows change after they are written. Where they do not, a transaction that changes one is refused, and on
    PostgreSQL so is the application's role by the server (:mod:`cjp_fraud.storage.ownership`). None is ever deleted."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        dict[str, Any]: JsonDocument,
        list[str]: JsonDocument,
        list[dict[str, str]]: JsonDocument,
        # Text, restricted by a check constraint that has the enum's name in lower case.
        enum.StrEnum: SqlEnum(
            enum.StrEnum,
            native_enum=False,
            create_constraint=True,
            length=_ENUM_LENGTH,
            values_callable=lambda members: [member.value for member in members],
        ),
    }
    """Column types by annotation, so that ``at: Mapped[datetime]`` needs none: moments are :class:`UtcDateTime`,
    documents JSON, enums their values as text."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Recorded:
    """A row that says when the machine recorded it, besides the moments in its other columns.

    :mod:`cjp_fraud.audit.recording` fills it in; whatever a caller gives is overwritten.
    """

    recorded_at: Mapped[datetime] = mapped_column(
        sort_order=900, comment="when it was recorded, by the clock of the machine or of the database server"
    )


def column_values(row: Base, names: Iterable[str]) -> dict[str, Any]:
    """Return the values of a row's attributes ``names``.

    Loaded values are taken from the row itself. Only the others are asked of the session, because that is slow.
    """
    loaded = row.__dict__
    return {name: loaded[name] if name in loaded else getattr(row, name) for name in names}


@cache
def column_names(kind: type[Base]) -> tuple[str, ...]:
    """Return the names of all attributes of a table that are columns."""
    return tuple(column.key for column in inspect(kind).column_attrs)


@cache
def key_names(kind: type[Base]) -> tuple[str, ...]:
    """Return the names of the attributes that are a table's primary key."""
    mapper = inspect(kind)
    return tuple(mapper.get_property_by_column(column).key for column in mapper.primary_key)


@cache
def import_all_tables() -> None:
    """Import every module of tables, so that the metadata is whole: those in ``TABLE_MODULES`` of each package."""
    for package in pkgutil.iter_modules(cjp_fraud.__path__):
        # Looked for in the folder: to ask the package would import it, with all that it needs.
        folders = [f"{folder}/{package.name}" for folder in cjp_fraud.__path__]
        there = {module.name for module in pkgutil.iter_modules(folders)} if package.ispkg else set()
        for name in TABLE_MODULES:
            if name in there:
                importlib.import_module(f"cjp_fraud.{package.name}.{name}")
