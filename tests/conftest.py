"""Fixtures that all tests share: databases of both kinds, the shared sample data, and skips that count in CI."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from cjp_fraud.storage.database import make_engine
from cjp_fraud.storage.schema_version import migrate
from tests import postgres
from tests.fast_databases import make_all_engines_fast
from tests.memory_folders import keep_tests_files_in_memory
from tests.return_paths import KEY_HEX
from tests.simulated_clocks import simulate_clock

REPOSITORY = Path(__file__).resolve().parents[1]

# No deadlines: a slow machine is no fault. CI takes the same examples each time, developers new ones.
_NO_HURRY: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("developer", **_NO_HURRY)
settings.register_profile("ci", **_NO_HURRY, derandomize=True, print_blob=True)
settings.register_profile("quick", **_NO_HURRY, max_examples=10, stateful_step_count=10)
IN_CI = os.environ.get("CI", "").lower() == "true"
settings.register_profile("thorough", **_NO_HURRY, derandomize=IN_CI, print_blob=True)
make_all_engines_fast()
keep_tests_files_in_memory()
gc.set_threshold(100_000, 50, 100)  # while tests are imported and chosen, next to nothing becomes garbage
os.environ["CJP_FRAUD_RETURN_PATH_KEY"] = KEY_HEX

settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if IN_CI else "developer"))


SHARED_DATA = Path(os.environ.get("CJP_FRAUD_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
"""Where the full real sample stands, beside the repository, if it is there."""


NOT_THERE = f"the full real sample is not at {SHARED_DATA} (CJP_FRAUD_SHARED_DATA)"
"""Why tests on it are skipped; the only skip that does not fail a run in CI, where the sample is never."""


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the full real sample (``real/``, ``bounces/``); tests that want it are skipped without it."""
    return SHARED_DATA


@pytest.hookimpl(tryfirst=True)  # before the items are chosen by their markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave PostgreSQL to the slow run where it shows nothing of its own; skip tests whose data are not there.

    The tests on the full real sample are skipped where it is not there: the packaged ten series stand for it.
    """
    _drop_repetitions(items)
    sample_is_there = (SHARED_DATA / "real" / "traffic.csv.gz").exists()
    for item in items:
        if _on_postgresql(item) and item.get_closest_marker("both_databases") is None:
            item.add_marker(pytest.mark.slow)
        if not sample_is_there and "shared_data" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason=NOT_THERE))


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what was imported and chosen: hundreds of thousands of objects that stay."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _drop_repetitions(items: list[pytest.Item]) -> None:
    """Let a test that shows nothing of PostgreSQL's own run there once: with its other parameters it runs on SQLite."""
    seen: set[str] = set()
    kept = []
    for item in items:
        if _on_postgresql(item) and item.get_closest_marker("both_databases") is None:
            test = item.nodeid.partition("[")[0]
            if test in seen:
                continue
            seen.add(test)
        kept.append(item)
    items[:] = kept


def _on_postgresql(item: pytest.Item) -> bool:
    """Whether a test runs on PostgreSQL and on SQLite too, and this is the one on PostgreSQL."""
    chosen = getattr(item, "callspec", None)
    return chosen is not None and "postgresql" in chosen.params.values()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server of this session's own."""
    with postgres.running_server() as url:
        if url is None:
            pytest.skip(postgres.WHEEL_MISSING)
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """Name of a migrated database to copy from."""
    name = "template_migrated"
    postgres.on_server(postgres_server, f"CREATE DATABASE {name} TEMPLATE template0")
    engine = make_engine(make_url(postgres_server).set(database=name).render_as_string(hide_password=False))
    migrate(engine)
    simulate_clock(engine)
    engine.dispose()
    return name


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """URL of a fresh, migrated PostgreSQL database."""
    with _postgres_copy(postgres_server, postgres_template) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Bytes of a migrated SQLite database."""
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    engine = make_engine(f"sqlite:///{file}")
    migrate(engine)
    simulate_clock(engine)
    with engine.connect() as connection:
        connection.execution_options(reading_only=True).exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return file.read_bytes()


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: bytes) -> str:
    """URL of a fresh, migrated SQLite database."""
    file = tmp_path / "cjp_fraud.db"
    file.write_bytes(sqlite_template)
    return f"sqlite:///{file}"


@pytest.fixture
def sqlite_engine(sqlite_url: str) -> Iterator[Engine]:
    """Engine of a fresh, migrated SQLite database."""
    engine = make_engine(sqlite_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine_of_module(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """Engine of a migrated database that a module's tests share, of each kind: for tests that only read."""
    if request.param == "sqlite":
        file = tmp_path_factory.mktemp("module") / "cjp_fraud.db"
        file.write_bytes(request.getfixturevalue("sqlite_template"))
        copied: AbstractContextManager[str] = nullcontext(f"sqlite:///{file}")
    else:
        server, template = (request.getfixturevalue(f"postgres_{part}") for part in ("server", "template"))
        copied = _postgres_copy(server, template)
    with copied as url:
        made = make_engine(url)
        yield made
        made.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Engine of a fresh, migrated database: each test runs on SQLite and on PostgreSQL."""
    made = make_engine(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))
    yield made
    made.dispose()


@contextmanager
def _postgres_copy(server: str, template: str) -> Iterator[str]:
    """Copy a database; it is dropped at the end, for a server with thousands takes a minute to end."""
    name = f"test_{uuid4().hex}"
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    postgres.on_server(url, postgres.copying(template, name))
    yield url
    postgres.on_server(url, f'DROP DATABASE "{name}" WITH (FORCE)')


def pytest_report_header() -> list[str]:
    """Name the PostgreSQL that the tests run against, and whether the full real sample is there."""
    there = (SHARED_DATA / "real" / "traffic.csv.gz").exists()
    return [
        f"PostgreSQL: {postgres.version()}",
        f"full real sample: {'yes' if there else 'no: its tests are NOT RUN (CJP_FRAUD_SHARED_DATA)'}",
    ]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly which tests did not run, and why."""
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    terminalreporter.section(f"{len(skipped)} NOT RUN: not everything was tested", sep="!")
    for report in skipped:
        terminalreporter.write_line(f"{report.nodeid}: {_reason(report)}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Turn a run with skips into a failed one in CI, but for those on the full real sample."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not IN_CI:
        return
    unstated = [report for report in reporter.stats.get("skipped", []) if NOT_THERE not in _reason(report)]
    if unstated and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _reason(report: pytest.TestReport) -> str:
    """Return why a test was skipped: the last part of what pytest keeps of it."""
    return str(report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr)
