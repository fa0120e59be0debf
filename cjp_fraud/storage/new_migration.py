"""Write migrations from the tables' classes.

``python -m cjp_fraud.storage.new_migration "what it does"`` drafts a new migration with the difference to
those so far. ``python -m cjp_fraud.storage.new_migration --rewrite`` writes the first one anew, its triggers kept:
only while no database with records exists.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext

from cjp_fraud.storage.base import Base, import_all_tables
from cjp_fraud.storage.column_rendering import render
from cjp_fraud.storage.database import make_engine
from cjp_fraud.storage.schema_version import migration_config

FIRST = Path(__file__).parent / "migrations" / "versions" / "0001_initial_tables.py"
_TABLES = re.compile(
    r"(?<=^def upgrade\(\) -> None:\n)    op\.create_table.*?(?=^    for statement in)", re.M | re.S
)


def draft(message: str) -> None:
    """Compare the migrated schema with the classes and write the difference as a new migration."""
    import_all_tables()
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{Path(folder) / 'draft.db'}")
        config = migration_config(engine)
        command.upgrade(config, "head")
        command.revision(config, message=message, autogenerate=True)
        engine.dispose()


def rewrite_first() -> None:
    """Write the tables of the first migration anew from the classes; everything else in it is kept."""
    import_all_tables()
    engine = make_engine("sqlite://")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"render_item": render})
        upgrade = produce_migrations(context, Base.metadata).upgrade_ops
    assert upgrade is not None, "an empty database lacks every table"
    code = render_python_code(upgrade, render_item=render, migration_context=context)
    tables = "".join(f"{line}\n" for line in code.splitlines() if not line.lstrip().startswith("#"))
    FIRST.write_text(_TABLES.sub(lambda _: tables, FIRST.read_text(), count=1))
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", FIRST], check=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit('usage: python -m cjp_fraud.storage.new_migration "what it does", or --rewrite')
    if sys.argv[1] == "--rewrite":
        rewrite_first()
    else:
        draft(sys.argv[1])
