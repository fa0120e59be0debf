"""Alembic migrations, run from the package itself (``cjp-fraud init``).

Alembic is imported only by the functions that need it: every command opens a database, and would wait for the import.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import OperationalError

from cjp_fraud.errors import StorageError
from cjp_fraud.storage.locks import process_lock

if TYPE_CHECKING:
    from alembic.config import Config

HEAD: Final = "0001"
"""The newest revision that this version of the package has."""

_SCRIPTS = Path(__file__).parent / "migrations"


def migration_config(engine: Engine) -> Config:
    """Return the Alembic configuration of this package, bound to ``engine``."""
    from alembic.config import Config

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
    from alembic import command

    config = migration_config(engine)
    with process_lock(engine, "migrate"):
        before = current_revision(engine)
        command.upgrade(config, "head")
    return before, HEAD


def current_revision(engine: Engine) -> str | None:
    """Return the revision that the database is at; None where it has none."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return revision


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
    if revision != HEAD:
        raise StorageError(
            f"the database {where} is at revision {revision}, this version needs {HEAD}; run: cjp-fraud init"
        )
