"""Whose the tables are (PostgreSQL): of an owner role, so that the application cannot switch the log's triggers off.

The owner runs the migrations and grants the application's role what it needs: to read and to add rows, and to change
rows of the tables whose rows change (``ROWS_CHANGE``). It may delete none, change no table and make none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from cjp_fraud.errors import BadInputError, StorageError, refuse_unless
from cjp_fraud.storage.base import Base
from cjp_fraud.storage.schema_version import HEAD, current_revision, migrate

POSTGRESQL: Final = "postgresql"

HOW_TO: Final = "docs/operations.md, The owner of the tables"
"""Where the roles and what they may do are described."""

_LOG: Final = "audit_entries"
_REVISION: Final = "alembic_version"


@dataclass(frozen=True, slots=True)
class _Place:
    """As whom and where a connection stands."""

    role: str
    schema: str | None
    database: str
    cluster: tuple[int, datetime]
    """The database's number, and when the server started: two URLs of one database have the same."""


def migrate_as_owner(owner: Engine, application: Engine) -> tuple[str | None, str]:
    """Bring the database to this version's schema as the owner of its tables, and grant what the application needs.

    Running it again is harmless; tables that are new since get their grants.

    Parameters
    ----------
    owner : connects as the role that owns the tables, or will.
    application : connects as the role that the application uses.

    Returns
    -------
    the revision before (None: empty database) and after.

    Raises
    ------
    BadInputError
        If one of them is no PostgreSQL database, or they are not the same one.
    Refused
        Names all by which the application's role could get past the grants.
    StorageError
        If one of them cannot be reached.
    """
    if {owner.dialect.name, application.dialect.name} != {POSTGRESQL}:
        raise BadInputError(
            "--owner-url is for PostgreSQL, where tables belong to a role; the database of CJP_FRAUD_DATABASE_URL "
            f"or of --owner-url is {next(iter({owner.dialect.name, application.dialect.name} - {POSTGRESQL}))}: "
            "leave --owner-url away"
        )
    ours, theirs = _place(owner), _place(application)
    if ours.cluster != theirs.cluster:
        raise BadInputError(
            f"--owner-url leads to database {ours.database!r} and CJP_FRAUD_DATABASE_URL to {theirs.database!r}, "
            "which are not the same database; name one database in both"
        )
    with owner.connect() as connection:
        _refuse_powers(connection, ours, theirs.role)
    revisions = migrate(owner)
    with owner.begin() as connection:
        _grant(connection, ours, theirs.role)
    with application.connect() as connection:
        _refuse_rights(connection, ours, theirs.role)
    return revisions


def require_may_migrate(engine: Engine) -> None:
    """Refuse to migrate as a role that does not own the tables, or may not make any.

    Raises
    ------
    StorageError
        Says that ``--owner-url`` is needed.
    """
    if engine.dialect.name != POSTGRESQL or current_revision(engine) == HEAD:
        return
    place = _place(engine)
    with engine.connect() as connection:
        owner = _owner(connection)
        creates = place.schema is not None and connection.scalar(
            text("SELECT has_schema_privilege(:schema, 'CREATE')"), {"schema": place.schema}
        )
    if owner is not None and not owner.is_ours:
        raise StorageError(
            f"the tables belong to role {owner.name!r}, and the application connects as {place.role!r}, which cannot "
            f"bring them to this version; run: cjp-fraud init --owner-url postgresql+psycopg://{owner.name}@... "
            f"({HOW_TO})"
        )
    if owner is None and not creates:
        raise StorageError(
            f"role {place.role!r} may not make tables in database {place.database!r}; run: cjp-fraud init "
            f"--owner-url URL, with the role that shall own them ({HOW_TO})"
        )


def application_owns(engine: Engine) -> str | None:
    """Say that the application's role owns the tables, and what that means; None: it does not, or SQLite."""
    if engine.dialect.name != POSTGRESQL:
        return None
    with engine.connect() as connection:
        owner = _owner(connection)
        if owner is None or not owner.is_ours:
            return None
        role = connection.scalar(text("SELECT current_user"))
    return (
        f"the application's role {role!r} owns its tables, so whoever has its password can switch off what keeps the "
        f"audit log append-only; cjp-fraud init --owner-url gives them to another role ({HOW_TO})"
    )


@dataclass(frozen=True, slots=True)
class _Owner:
    name: str
    is_ours: bool
    """Whether the connection's role is the owner, or may act as the owner."""


def _owner(connection: Connection) -> _Owner | None:
    """Return who owns the tables; None where there are none that the connection finds."""
    row = connection.execute(
        text(
            "SELECT pg_get_userbyid(relowner) AS name, pg_has_role(relowner, 'MEMBER') AS is_ours "
            "FROM pg_class WHERE oid = to_regclass(:log)"
        ),
        {"log": _LOG},
    ).one_or_none()
    return _Owner(row.name, row.is_ours) if row is not None else None


def _place(engine: Engine) -> _Place:
    where = engine.url.render_as_string(hide_password=True)
    try:
        with engine.connect() as connection:
            row = connection.execute(
                text(
                    "SELECT current_user AS role, current_schema() AS schema, datname AS database, oid, "
                    "pg_postmaster_start_time() AS started FROM pg_database WHERE datname = current_database()"
                )
            ).one()
    except DBAPIError as error:
        raise StorageError(f"the database {where} cannot be reached: {error.orig}") from error
    return _Place(row.role, row.schema, row.database, (row.oid, row.started))


def _refuse_powers(connection: Connection, owner: _Place, role: str) -> None:
    """Refuse roles whose powers no grant limits, before anything is changed."""
    facts = connection.execute(
        text(
            "SELECT rolsuper, rolcreaterole, pg_has_role(:role, :owner, 'MEMBER') AS acts_as_owner, "
            "pg_has_role(:role, (SELECT datdba FROM pg_database WHERE datname = current_database()), 'MEMBER') "
            "AS owns_database, "
            "coalesce((SELECT pg_has_role(:role, nspowner, 'MEMBER') FROM pg_namespace "
            "WHERE nspname = :schema), false) AS owns_schema FROM pg_roles WHERE rolname = :role"
        ),
        {"role": role, "owner": owner.role, "schema": owner.schema},
    ).one()
    of_others = connection.scalars(
        text(
            "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE nspname = :schema AND relname = ANY(:tables) AND pg_get_userbyid(relowner) <> current_user"
        ),
        {"schema": owner.schema, "tables": [*Base.metadata.tables, _REVISION]},
    ).all()
    alter = f"ALTER ROLE {role} NOSUPERUSER NOCREATEROLE"
    refuse_unless(
        (
            owner.schema is not None,
            f"role {owner.role!r} finds no schema to make tables in: set its search_path",
        ),
        (role != owner.role, f"the owner and the application are both {role!r}: make a role for each"),
        (not facts.rolsuper, f"the application's role {role!r} is a superuser, whom nothing stops: {alter}"),
        (not facts.rolcreaterole, f"the application's role {role!r} may give itself other roles: {alter}"),
        (
            not facts.acts_as_owner or role == owner.role or facts.rolsuper,
            f"the application's role {role!r} is a member of {owner.role!r}: REVOKE {owner.role} FROM {role}",
        ),
        (
            facts.rolsuper or not (facts.owns_database or facts.owns_schema),
            f"the application's role {role!r} owns the database or its schema: "
            f"ALTER DATABASE {owner.database} OWNER TO {owner.role}",
        ),
        (
            not of_others,
            f"there are tables of role {', '.join(of_others)}: in this database, as a superuser, "
            f"REASSIGN OWNED BY {', '.join(of_others)} TO {owner.role}",
        ),
        action="give the tables to an owner",
    )


def _grant(connection: Connection, owner: _Place, role: str) -> None:
    """Grant the application's role what it needs, and take from it whatever else it was granted."""
    quote = connection.dialect.identifier_preparer.quote_identifier
    to, schema = quote(role), quote(owner.schema or "")
    rights = connection.execute(
        text(
            "SELECT pg_has_role(nspowner, 'USAGE') AS owns_schema, "
            "has_schema_privilege(:role, :schema, 'USAGE') AS used FROM pg_namespace WHERE nspname = :schema"
        ),
        {"role": role, "schema": owner.schema},
    ).one()
    statements = []
    if rights.owns_schema:
        statements.append(f"REVOKE CREATE ON SCHEMA {schema} FROM {to}, PUBLIC")
    if not rights.used:
        statements.append(f"GRANT USAGE ON SCHEMA {schema} TO {to}")
    statements.append(f"REVOKE ALL ON {schema}.{_REVISION} FROM {to}, PUBLIC")
    statements.append(f"GRANT SELECT ON {schema}.{_REVISION} TO {to}")
    for kind in (mapper.class_ for mapper in Base.registry.mappers):
        table = f"{schema}.{quote(kind.__tablename__)}"
        update = ", UPDATE" if kind.ROWS_CHANGE else ""
        statements.append(f"REVOKE ALL ON {table} FROM {to}, PUBLIC")
        statements.append(f"GRANT SELECT, INSERT{update} ON {table} TO {to}")
    for statement in statements:
        connection.exec_driver_sql(statement)


def _refuse_rights(connection: Connection, owner: _Place, role: str) -> None:
    """Ask the server, as the application, what it may in the end, by whatever way it was granted."""
    fixed = [mapper.class_.__tablename__ for mapper in Base.registry.mappers if not mapper.class_.ROWS_CHANGE]
    may_be_granted = (connection.dialect.server_version_info or ()) >= (15,)  # before, to superusers alone
    skips = "has_parameter_privilege('session_replication_role', 'SET')" if may_be_granted else "false"
    facts = connection.execute(
        text(
            "SELECT to_regclass(:log) = to_regclass(quote_ident(:schema) || '.' || :log) AS finds, "
            "has_schema_privilege(:schema, 'CREATE') AS makes_tables, "
            "has_database_privilege(current_database(), 'CREATE') AS makes_schemas, "
            f"{skips} AS skips_triggers, "
            "ARRAY(SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(:schema)) "
            "AND relname = ANY(:tables) AND (has_table_privilege(pg_class.oid, 'DELETE, TRUNCATE, TRIGGER') "
            "OR relname = ANY(:fixed) AND has_table_privilege(pg_class.oid, 'UPDATE')) ORDER BY relname) AS too_much"
        ),
        {"log": _LOG, "schema": owner.schema, "tables": [*Base.metadata.tables], "fixed": fixed},
    ).one()
    refuse_unless(
        (
            bool(facts.finds),
            f"role {role!r} does not find the tables in schema {owner.schema!r}: "
            f"ALTER ROLE {role} SET search_path = {owner.schema}",
        ),
        (
            not facts.makes_tables,
            f"role {role!r} may make tables: REVOKE CREATE ON SCHEMA {owner.schema} FROM {role}, PUBLIC",
        ),
        (
            not facts.makes_schemas,
            f"role {role!r} may make schemas: REVOKE CREATE ON DATABASE {owner.database} FROM {role}, PUBLIC",
        ),
        (
            not facts.skips_triggers,
            f"role {role!r} may set session_replication_role: "
            f"REVOKE SET ON PARAMETER session_replication_role FROM {role}, PUBLIC",
        ),
        (
            not facts.too_much,
            f"role {role!r} may change or delete rows of {', '.join(facts.too_much)} by a role that it is a "
            f"member of: REVOKE that role FROM {role}",
        ),
        action=f"leave the tables to the application's role {role}",
    )
