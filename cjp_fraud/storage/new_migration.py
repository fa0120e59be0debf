"""``python -m cjp_fraud.storage.new_migration "what it does"``: draft a migration from the tables' classes."""

from __future__ import annotations

import importlib.util
import pkgutil
import sys
import tempfile
from pathlib import Path

from alembic import command

import cjp_fraud
from cjp_fraud.storage.database import make_engine
from cjp_fraud.storage.migration import migration_config


def import_all_tables() -> None:
    """Import every ``cjp_fraud.*.tables``, so that the metadata is whole."""
    for package in pkgutil.iter_modules(cjp_fraud.__path__):
        if package.ispkg and importlib.util.find_spec(f"cjp_fraud.{package.name}.tables") is not None:
            importlib.import_module(f"cjp_fraud.{package.name}.tables")


def draft(message: str) -> None:
    """Compare the migrated schema with the classes and write the difference as a new migration."""
    import_all_tables()
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{Path(folder) / 'draft.db'}")
        config = migration_config(engine)
        command.upgrade(config, "head")
        command.revision(config, message=message, autogenerate=True)
        engine.dispose()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit('usage: python -m cjp_fraud.storage.new_migration "what it does"')
    draft(sys.argv[1])
