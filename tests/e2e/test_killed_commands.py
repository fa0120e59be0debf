"""Real commands killed in the middle, in a process of their own: the rerun completes, nothing doubled, nothing lost."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import func, select

from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.detection.tables import ModelPromotion
from cjp_fraud.people.tables import User
from cjp_fraud.storage.database import make_engine, reading
from cjp_fraud.storage.lake import Lake
from cjp_fraud.traffic.schema import QUARANTINE, TRAFFIC
from tests import processes
from tests.commands import command_dying_at, command_with_small_forests


def run(home: Path, *words: str) -> processes.Ended:
    """Run a command to its end."""
    return processes.run(processes.command, *words, environment=environment(home))


def killed(home: Path, when: str, commit: int, *words: str) -> None:
    """Run a command that dies at a commit; it must really have died there."""
    processes.killed(command_dying_at, when, commit, *words, environment=environment(home))


def environment(home: Path) -> dict[str, str]:
    """What a command is started with: nothing of the settings of the machine's user."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CJP_FRAUD_")}
    return kept | {"CJP_FRAUD_HOME": str(home), "CJP_FRAUD_NOW": "2026-04-01T00:00:00Z"}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two users, one tenant of two on record, and the traffic of both delivered."""
    home = tmp_path_factory.mktemp("prepared") / "home"
    files = home.parent
    rows = pd.DataFrame(
        {
            "tenant_id": ["acme"] * 500 + ["later"] * 500,
            "interval_start": [*pd.date_range("2026-03-01", periods=500, freq="5min", tz="UTC")] * 2,
            "interval_seconds": 300,
            "channel": "voice",
            "direction": "inbound",
            "contacts_offered": 7,
        }
    )
    rows.to_csv(files / "traffic.csv", index=False)
    (files / "one.csv").write_text("tenant_id,time_zone\nacme,Europe/Berlin\n")
    (files / "two.csv").write_text("tenant_id,time_zone\nacme,Europe/Berlin\nlater,Asia/Tokyo\n")
    for words in (
        ("init", "--simulated"),
        ("users", "create", "ada", "--role", "analyst", "--role", "admin", "--identity", "account:ada"),
        ("tenants", "load", str(files / "one.csv"), "--as", "ada"),
        ("traffic", "ingest", str(files / "traffic.csv")),
    ):
        done = run(home, *words)
        assert done.exit_code == 0, done.stderr
    return home


@pytest.fixture(scope="module")
def trained(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prepared home with twenty days of traffic and the model versions of their Mondays."""
    home = tmp_path_factory.mktemp("trained") / "home"
    shutil.copytree(prepared, home)
    days = pd.date_range("2026-03-01", periods=20 * 288, freq="5min", tz="UTC")
    rows = pd.DataFrame({"tenant_id": "acme", "interval_start": days, "interval_seconds": 300})
    rows = rows.assign(channel="voice", direction="inbound", contacts_offered=range(len(rows)))
    rows = rows.assign(contacts_offered=rows["contacts_offered"] % 11)
    rows.to_csv(home.parent / "more.csv", index=False)
    assert run(home, "traffic", "ingest", str(home.parent / "more.csv")).exit_code == 0
    done = processes.run(command_with_small_forests, "train", environment=environment(home))
    assert done.exit_code == 0, done.stderr
    return home


@pytest.fixture
def home(prepared: Path, tmp_path: Path) -> Path:
    """A copy of the prepared home."""
    shutil.copytree(prepared, tmp_path / "home")
    return tmp_path / "home"


def holds(home: Path) -> None:
    """The audit log holds, and agrees with the rows."""
    engine = make_engine(f"sqlite:///{home / 'cjp_fraud.db'}")
    assert verify_log(engine).faults == ()
    engine.dispose()


@pytest.mark.parametrize("table", [1, pytest.param(6, marks=pytest.mark.slow)])
def test_init(tmp_path: Path, table: int) -> None:
    home = tmp_path / "new"
    killed(home, "table", table, "init", "--simulated")
    assert run(home, "init", "--simulated").exit_code == 0
    assert run(home, "traffic", "quarantine").exit_code == 0
    holds(home)


@pytest.mark.parametrize("when", ["before", "after"])
def test_users_create(home: Path, when: str) -> None:
    words = ("users", "create", "bob", "--role", "approver", "--identity", "account:bob", "--as", "ada")
    killed(home, when, 1, *words)
    again = run(home, *words)
    assert again.exit_code == (0 if when == "before" else 1)
    engine = make_engine(f"sqlite:///{home / 'cjp_fraud.db'}")
    with reading(engine) as session:
        assert session.scalar(select(func.count()).select_from(User).where(User.name == "bob")) == 1
    holds(home)


@pytest.mark.parametrize("when", ["before", pytest.param("after", marks=pytest.mark.slow)])
def test_tenants_load(home: Path, prepared: Path, when: str) -> None:
    file = str(prepared.parent / "two.csv")
    killed(home, when, 1, "tenants", "load", file, "--as", "ada")
    assert run(home, "tenants", "load", file, "--as", "ada").exit_code == 0
    shown = run(home, "tenants", "show", "--json")
    assert shown.stdout.count('"tenant_id"') == 2
    holds(home)


@pytest.mark.parametrize(
    ("when", "commit"),
    [("lake", 1), *(pytest.param(*place, marks=pytest.mark.slow) for place in (("before", 1), ("lake", 2)))],
)
def test_quarantine_resubmit(home: Path, prepared: Path, when: str, commit: int) -> None:
    assert run(home, "tenants", "load", str(prepared.parent / "two.csv"), "--as", "ada").exit_code == 0
    killed(home, when, commit, "traffic", "quarantine", "--resubmit")
    assert run(home, "traffic", "quarantine", "--resubmit").exit_code == 0
    lake = Lake(str(home / "lake"))
    rows = lake.read(TRAFFIC).to_pandas()
    assert len(rows) == 1000
    assert (rows["contacts_offered"] == 7).all(), "nothing is summed twice"
    assert lake.read(QUARANTINE).num_rows == 0


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_models_promote(trained: Path, tmp_path: Path, when: str) -> None:
    home = tmp_path / "home"
    shutil.copytree(trained, home)
    killed(home, when, 1, "models", "promote", "2026-03-16", "--as", "ada")
    assert run(home, "models", "promote", "2026-03-16", "--as", "ada").exit_code == 0
    engine = make_engine(f"sqlite:///{home / 'cjp_fraud.db'}")
    with reading(engine) as session:
        valid = [row.valid_from for row in session.scalars(select(ModelPromotion))]
    assert valid.count(max(valid)) == (1 if when == "before" else 2), (
        "an honest record of being promoted twice"
    )
    holds(home)
