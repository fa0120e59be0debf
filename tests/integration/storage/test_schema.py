"""The schema: every table is known to whoever opens a database, whatever they have imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from alembic.script import ScriptDirectory

from cjp_fraud.storage import migrations
from cjp_fraud.storage.schema_version import HEAD

_PROGRAM = """
import sys
from cjp_fraud.storage.database import make_engine
make_engine(sys.argv[1])
from cjp_fraud.storage.base import Base
tables = Base.metadata.sorted_tables
assert all(key.column.table in tables for table in tables for key in table.foreign_keys)
print(len(tables), "pandas" in sys.modules)
"""


def test_an_engine_alone_knows_every_table_that_foreign_keys_lead_to(tmp_path: Path) -> None:
    program = [sys.executable, "-c", _PROGRAM, f"sqlite:///{tmp_path / 'x.db'}"]
    tables, loads_pandas = subprocess.run(program, capture_output=True, text=True, check=True).stdout.split()
    assert int(tables) > 30
    assert loads_pandas == "False"


def test_the_revision_that_a_database_is_checked_for_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head() == HEAD
