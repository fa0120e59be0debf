"""Alembic migrations, run from the package itself (``cjp-fraud init``)."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from cjp_fraud.errors import StorageError
from cjp_fraud.storage.locks import process_lock

_SCRIPTS = Path(__file__).parent / "migrations"


def migration_config(engine: Engine) -> Config:
    """Return the Alembic configuration of this package, bound to ``engine``."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["engine"] = engine
    return config


def migrate(engine: Engine) -> tuple[str | None, str]:
    """Bring the database to this version's schema; running it again is harmless.

    Returns
    -------
    the revision before (None: empty database) and after.
    """
    config = migration_config(engine)
    with process_lock(engine, "migrate"):
        before = current_revision(engine)
        command.upgrade(config, "head")
    return before, head_revision()


def head_revision() -> str:
    """Return the newest revision that this version of the package has."""
    head = ScriptDirectory(str(_SCRIPTS)).get_current_head()
    if head is None:
        raise StorageError("the package holds no migrations; reinstall cjp-fraud")
    return head


def current_revision(engine: Engine) -> str | None:
    """Return the revision that the database is at; None where it has none."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def require_current(engine: Engine) -> None:
    """Refuse a database that is not at this version's schema.

    Raises
    ------
    StorageError
        Says what to run.
    """
    where = engine.url.render_as_string(hide_password=True)
    try:
        revision = current_revision(engine)
    except OperationalError as error:
        raise StorageError(f"the database {where} cannot be reached: {error.orig}") from error
    if revision is None:
        raise StorageError(f"the database {where} is empty; run: cjp-fraud init")
    if revision != head_revision():
        raise StorageError(
            f"the database {where} is at revision {revision}, this version needs {head_revision()}; "
            "run: cjp-fraud init"
        )
