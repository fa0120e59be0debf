"""A real IMAP server (Dovecot) on loopback, with its own configuration and folders, started and stopped by a test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from tests.mail_servers import free_port

DOVECOT_MISSING = "no Dovecot: apt-get install dovecot-imapd"
USER, PASSWORD = "reports", 'se"cr\\et'
_CONFIGURATION = """\
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
ssl = {ssl}
{certificate}
disable_plaintext_auth = no
auth_mechanisms = plain
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/passwords
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home
}}
mail_location = maildir:{folder}/mail
first_valid_uid = 0
first_valid_gid = 0
mmap_disable = yes
{users}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
}}
"""


_OWNER = (65534, 65534) if os.getuid() == 0 else (os.getuid(), os.getgid())
"""User and group whose the mailbox is: Dovecot serves none of root's, so as root it is nobody's."""


@dataclass(frozen=True, slots=True)
class ImapServerUnderTest:
    """A running server; its one mailbox is a Maildir, into which a test drops messages."""

    port: int
    tls_port: int
    maildir: Path

    def drop(self, content: bytes, name: str) -> None:
        """Deliver a message as a mail server does: written aside, then moved into ``new``."""
        draft = self.maildir / "tmp" / name
        draft.write_bytes(content)
        os.chown(draft, *_OWNER)
        draft.rename(self.maildir / "new" / name)


def dovecot() -> str | None:
    """Return where the server's program is; None: it is not installed."""
    return shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def imap_server(certificate_files: tuple[Path, Path] | None = None) -> Iterator[ImapServerUnderTest]:
    """Run a server for as long as the block lasts.

    Parameters
    ----------
    certificate_files : certificate and key as PEM; None: it speaks in the clear only.
    """
    program = dovecot()
    assert program is not None, DOVECOT_MISSING
    folder = Path(mkdtemp(prefix="cjp-imap-"))  # not pytest's: the path of a socket must be short
    try:
        server = ImapServerUnderTest(free_port(), free_port(), folder / "mail")
        (folder / "passwords").write_text(f"{USER}:{PASSWORD}\n")
        for made in (folder / "home", *(folder / "mail" / name for name in ("", "tmp", "new", "cur"))):
            made.mkdir()
            os.chown(made, *_OWNER)
        configuration = folder / "dovecot.conf"
        configuration.write_text(_configured(folder, server, certificate_files))
        folder.chmod(0o755)
        process = subprocess.Popen([program, "-F", "-c", str(configuration)], stderr=subprocess.PIPE)
        try:
            _wait_for(process, server.port, folder / "log")
            yield server
        finally:
            process.terminate()
            process.wait(timeout=20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _configured(
    folder: Path, server: ImapServerUnderTest, certificate_files: tuple[Path, Path] | None
) -> str:
    certificate = ""
    if certificate_files is not None:
        certificate = f"ssl_cert = <{certificate_files[0]}\nssl_key = <{certificate_files[1]}"
    users = ""
    if os.getuid() != 0:
        import getpass
        import grp

        user, group = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
        users = (
            f"default_internal_user = {user}\ndefault_internal_group = {group}\ndefault_login_user = {user}"
        )
    return _CONFIGURATION.format(
        folder=folder,
        ssl="yes" if certificate_files else "no",
        certificate=certificate,
        uid=_OWNER[0],
        gid=_OWNER[1],
        users=users,
        port=server.port,
        tls_port=server.tls_port if certificate_files else 0,
    )


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    said = log.read_text() if log.exists() else (process.stderr.read().decode() if process.stderr else "")
    raise AssertionError(f"Dovecot did not start: {said}")
