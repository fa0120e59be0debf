"""Real Postfix servers on loopback, each with its own configuration, queue and log, started and stopped by tests."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import psutil

POSTFIX_MISSING = "no Postfix: apt-get install postfix"
ONLY_ROOT_STARTS_IT = "Postfix is started by root alone"

PATIENCE_SECONDS: Final = 30.0
"""How long a test waits for what must come; a machine may be busy."""

_PAUSE_SECONDS: Final = 0.05
_OWNER: Final = 65534
"""User and group whose the mailboxes are."""

_QUEUE: Final = (
    *(
        (part, "root", 0o700)
        for part in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold")
    ),
    *((part, "root", 0o700) for part in ("incoming", "private", "saved", "trace")),
    ("maildrop", "postdrop", 0o730),
    ("public", "postdrop", 0o710),
    ("pid", "root", 0o755),
)
"""Folders of a queue, each with its group and mode, as Postfix's installation makes them."""

_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

_MAIN = """\
compatibility_level = 3.6
myhostname = {name}
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtp_dns_support_level = disabled
smtp_host_lookup = native
alias_maps =
alias_database =
local_recipient_maps =
append_dot_mydomain = no
biff = no
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
virtual_mailbox_base = {folder}/mailboxes
virtual_uid_maps = static:{owner}
virtual_gid_maps = static:{owner}
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
in_flow_delay = 0
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
"""


@dataclass(frozen=True, slots=True)
class PostfixUnderTest:
    """A running server.

    Parameters
    ----------
    name : its host name.
    folder : holds its configuration, queue, log and mailboxes (Maildirs).
    """

    name: str
    port: int
    folder: Path

    @property
    def log(self) -> str:
        """All that it has logged."""
        file = self.folder / "log"
        return file.read_text("utf-8", "replace") if file.exists() else ""

    def mailbox(self, name: str) -> Path:
        """Folder of a mailbox."""
        return self.folder / "mailboxes" / name

    def messages(self, mailbox: str) -> list[bytes]:
        """Return what lies in a mailbox, the oldest first, as it was filed."""
        files = (self.mailbox(mailbox) / "new").glob("*")
        return [file.read_bytes() for file in sorted(files, key=lambda file: file.stat().st_mtime_ns)]

    def queued(self) -> list[str]:
        """Return the ids of the messages in its queue."""
        queue = self.folder / "queue"
        return [
            file.name
            for part in ("maildrop", "incoming", "active", "deferred")
            for _, _, files in os.walk(queue / part)
            for file in map(Path, files)
        ]

    def fill(self, mailbox: str, size: int) -> None:
        """Let a mailbox (a file) hold so many bytes."""
        self.mailbox(mailbox).write_bytes(b"x" * size)
        os.chown(self.mailbox(mailbox), _OWNER, _OWNER)

    def expire(self) -> None:
        """Let everything in the queue be given up at the next try."""
        self._run("postsuper", "-e", "ALL")

    def drop_queue(self) -> None:
        """Delete all that is in the queue."""
        if self.queued():
            self._run("postsuper", "-d", "ALL")

    def empty_mailboxes(self) -> None:
        """Delete all that was delivered."""
        for file in (self.folder / "mailboxes").rglob("*"):
            if file.is_file():
                file.unlink()

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [_program(program) or program, "-c", str(self.folder / "etc"), *arguments],
            check=True,
            capture_output=True,
        )


def why_not() -> str | None:
    """Return why Postfix cannot be run here; None: it can."""
    if _program("postfix") is None:
        return POSTFIX_MISSING
    return None if os.getuid() == 0 else ONLY_ROOT_STARTS_IT


def until(holds: Callable[[], object], what: str, *servers: PostfixUnderTest) -> None:
    """Wait until something holds; what the servers logged stands in the error."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > ends:
            logs = "\n".join(f"{server.name}:\n{server.log[-6000:]}" for server in servers)
            raise AssertionError(f"after {PATIENCE_SECONDS} s {what}\n{logs}")
        time.sleep(_PAUSE_SECONDS)


def settled(*servers: PostfixUnderTest) -> None:
    """Wait until all queues are empty: whatever was to be delivered or reported has been."""

    # The first is asked again at the end: a report may have come to it while the others were asked.
    def empty() -> bool:
        return not any(server.queued() for server in (*servers, servers[0]))

    until(empty, "a queue is not empty", *servers)


@contextmanager
def postfix_server(
    name: str,
    port: int,
    *,
    settings: Mapping[str, str],
    tables: Mapping[str, Sequence[str]],
    services: Sequence[str] = (),
    mailboxes: Sequence[str] = (),
) -> Iterator[PostfixUnderTest]:
    """Run a server for as long as the block lasts.

    Parameters
    ----------
    settings : lines of main.cf beside those that every server has; ``{tables}`` stands for the folder of the tables.
    tables : name of a table → its lines.
    services : lines of master.cf beside the usual ones.
    """
    folder = Path(mkdtemp(prefix="cjp-postfix-"))  # not pytest's, which Postfix's own user may not enter
    try:
        folder.chmod(0o755)
        server = PostfixUnderTest(name, port, folder)
        _write_configuration(server, settings, tables, services)
        for mailbox in mailboxes:
            _make_mailbox(server.mailbox(mailbox))
        with _running(server):
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def _write_configuration(
    server: PostfixUnderTest,
    settings: Mapping[str, str],
    tables: Mapping[str, Sequence[str]],
    services: Sequence[str],
) -> None:
    folder = server.folder
    for made in ("etc", "queue", "data", "tables", "mailboxes"):
        (folder / made).mkdir()
    shutil.chown(folder / "data", "postfix")
    os.chown(folder / "mailboxes", _OWNER, _OWNER)
    for part, group, mode in _QUEUE:
        (folder / "queue" / part).mkdir()
        shutil.chown(folder / "queue" / part, "postfix" if part != "pid" else "root", group)
        (folder / "queue" / part).chmod(mode)
    for table, lines in tables.items():
        (folder / "tables" / table).write_text("".join(f"{line}\n" for line in lines))
    main = _MAIN.format(name=server.name, folder=folder, owner=_OWNER)
    main += "".join(
        f"{name} = {value.replace('{tables}', str(folder / 'tables'))}\n" for name, value in settings.items()
    )
    (folder / "etc" / "main.cf").write_text(main)
    (folder / "etc" / "master.cf").write_text(
        _MASTER.format(port=server.port) + "".join(f"{line}\n" for line in services)
    )


def _make_mailbox(folder: Path) -> None:
    for made in (folder, *(folder / part for part in ("tmp", "new", "cur"))):
        made.mkdir()
        os.chown(made, _OWNER, _OWNER)


@contextmanager
def _running(server: PostfixUnderTest) -> Iterator[None]:
    # The master itself: the start script looks at every file of the system's own installation first.
    programs = subprocess.run(
        [_program("postconf") or "postconf", "-dh", "daemon_directory"],
        check=True,
        capture_output=True,
        text=True,
    )
    command = [f"{programs.stdout.strip()}/master", "-d", "-c", str(server.folder / "etc")]
    with (server.folder / "said").open("wb") as said:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
        )
    try:
        until(lambda: process.poll() is not None or _listens(server.port), "it does not listen", server)
        assert process.poll() is None, f"{(server.folder / 'said').read_text()}\n{server.log}"
        yield
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server; the master ends what it started, which is of its own session."""
    started = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    _, alive = psutil.wait_procs(list(filter(_lives, started)), timeout=0.2)
    for child in filter(_lives, alive):
        with suppress(psutil.NoSuchProcess):
            child.kill()
    if process.poll() is None:
        process.kill()
        process.wait(timeout=10)


def _lives(process: psutil.Process) -> bool:
    """Whether a process has not ended; one that nobody has asked about yet (a zombie) has."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def version() -> str | None:
    """Return the version of the Postfix that is installed; None: none is."""
    program = _program("postconf")
    if program is None:
        return None
    said = subprocess.run([program, "-d", "mail_version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"=\s*(\S+)", said)
    return found[1] if found else None
