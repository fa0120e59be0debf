"""Mailboxes that receive what comes back: a Maildir, and IMAP against a real Dovecot; nothing in them changes."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cjp_fraud.config import load_settings
from cjp_fraud.config_mail import ImapSecurity
from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import BadInputError, StorageError
from cjp_fraud.notices import inbound_folders
from cjp_fraud.notices.inbound_folders import InboundFolders
from cjp_fraud.notices.mailbox_imap import ImapMailbox, imap_mailbox, take_from_imap
from cjp_fraud.notices.mailbox_maildir import take_from_maildir
from tests.imap_servers import DOVECOT_MISSING, PASSWORD, USER, ImapServerUnderTest, dovecot, imap_server

MESSAGES = [f"Subject: {number}\r\n\r\ntext {number}\r\n".encode() for number in range(5)]


class Killed(BaseException):
    """As if the process died here."""


@pytest.fixture
def folders(tmp_path: Path) -> InboundFolders:
    return InboundFolders(tmp_path / "mail")


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    made = tmp_path / "Maildir"
    for name in ("tmp", "new", "cur"):
        (made / name).mkdir(parents=True)
    for number, content in enumerate(MESSAGES):
        place = made / ("new" if number % 2 else "cur") / f"{number}.M1P2.host"
        place.with_name(place.name + ("" if number % 2 else ":2,S")).write_bytes(content)
    (made / "new" / ".hidden").write_bytes(b"no message")
    (made / "tmp" / "unfinished").write_bytes(b"no message yet")
    return made


def contents(folders: InboundFolders) -> list[bytes]:
    return sorted(file.read_bytes() for file in folders.waiting())


def test_new_and_read_messages_of_a_maildir_are_taken_and_nothing_in_it_changes(
    folders: InboundFolders, maildir: Path
) -> None:
    before = sorted(maildir.rglob("*"))
    assert take_from_maildir(maildir, folders) == 5
    assert contents(folders) == MESSAGES
    assert [file.name for file in folders.waiting()] == sorted(f"{sha256_hex(each)}.eml" for each in MESSAGES)
    assert sorted(maildir.rglob("*")) == before


def test_what_was_taken_is_not_read_again_also_when_somebody_looked_at_it(
    folders: InboundFolders, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_from_maildir(maildir, folders)
    (maildir / "new" / "1.M1P2.host").rename(maildir / "cur" / "1.M1P2.host:2,RS")
    monkeypatch.setattr(InboundFolders, "take", lambda *_: pytest.fail("it was read again"))
    assert take_from_maildir(maildir, folders) == 0


def test_without_the_note_all_is_read_again_and_counts_once(folders: InboundFolders, maildir: Path) -> None:
    take_from_maildir(maildir, folders)
    for file in folders.waiting():
        folders.move(file, folders.collected)
    (note,) = folders.ledgers.iterdir()
    note.write_text("{ damaged")
    assert take_from_maildir(maildir, folders) == 0


def test_a_kill_in_the_middle_loses_and_doubles_nothing(
    folders: InboundFolders, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = inbound_folders.write_durably
    taken: list[Path] = []

    def dies_at_the_third(file: Path, content: bytes) -> None:
        if len(taken) == 2:
            raise Killed
        taken.append(file)
        written(file, content)

    with monkeypatch.context() as patched:
        patched.setattr(inbound_folders, "write_durably", dies_at_the_third)
        with pytest.raises(Killed):
            take_from_maildir(maildir, folders)
    assert take_from_maildir(maildir, folders) == 3
    assert contents(folders) == MESSAGES


def test_the_note_grows_no_longer_than_the_mailbox(folders: InboundFolders, maildir: Path) -> None:
    take_from_maildir(maildir, folders)
    (maildir / "new" / "1.M1P2.host").unlink()
    take_from_maildir(maildir, folders)
    (note,) = folders.ledgers.iterdir()
    assert "1.M1P2.host" not in note.read_text()
    assert "3.M1P2.host" in note.read_text()


def test_a_message_that_cannot_be_read_stops_no_other_and_is_tried_again(
    folders: InboundFolders, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Path.read_bytes

    def refused(file: Path) -> bytes:
        if file.name == "1.M1P2.host":
            raise PermissionError(13, "Permission denied", str(file))
        return read(file)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", refused)
        with pytest.raises(StorageError, match=r"1\.M1P2\.host: Permission denied"):
            take_from_maildir(maildir, folders)
    assert len(folders.waiting()) == 4
    assert take_from_maildir(maildir, folders) == 1


def test_a_folder_that_is_no_maildir_is_named(folders: InboundFolders, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"no Maildir.*CJP_FRAUD_BOUNCE_MAILDIR"):
        take_from_maildir(tmp_path, folders)


@pytest.fixture
def server() -> Iterator[ImapServerUnderTest]:
    if dovecot() is None:
        pytest.skip(DOVECOT_MISSING)
    with imap_server() as running:
        for number, content in enumerate(MESSAGES):
            running.drop(content, f"{number}.M1P2.host")
        yield running


def mailbox(server: ImapServerUnderTest, **changes: object) -> ImapMailbox:
    chosen: dict[str, object] = {"port": server.port, "security": ImapSecurity.NONE, "password": PASSWORD}
    return ImapMailbox("127.0.0.1", user=USER, **(chosen | changes))  # type: ignore[arg-type]


def test_messages_of_an_imap_mailbox_are_taken_once_and_stay_unseen(
    folders: InboundFolders, server: ImapServerUnderTest
) -> None:
    assert take_from_imap(mailbox(server), folders) == 5
    assert contents(folders) == MESSAGES
    assert take_from_imap(mailbox(server), folders) == 0
    server.drop(b"Subject: later\r\n\r\n", "9.M1P2.host")
    assert take_from_imap(mailbox(server), folders) == 1
    flags = {file.name.partition(":")[2] for file in (server.maildir / "cur").iterdir()}
    assert flags <= {"", "2,"}


def test_a_kill_in_the_middle_of_an_imap_mailbox_loses_and_doubles_nothing(
    folders: InboundFolders, server: ImapServerUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = InboundFolders.take
    taken: list[bytes] = []

    def dies_at_the_third(of: InboundFolders, content: bytes) -> bool:
        if len(taken) == 2:
            raise Killed
        taken.append(content)
        return take(of, content)

    with monkeypatch.context() as patched:
        patched.setattr(InboundFolders, "take", dies_at_the_third)
        with pytest.raises(Killed):
            take_from_imap(mailbox(server), folders)
    for file in folders.waiting():
        folders.move(file, folders.unmatched)
    for note in folders.ledgers.iterdir():
        note.unlink()  # it died before the note, too
    assert take_from_imap(mailbox(server), folders) == 3
    assert len(folders.waiting()) == 3


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"password": "wrong"}, "AUTHENTICATIONFAILED"),
        ({"folder": 'no "such"'}, "no folder"),
        ({"port": 1}, "refused"),
    ],
)
def test_a_mailbox_that_cannot_be_read_is_named_without_its_password(
    folders: InboundFolders, server: ImapServerUnderTest, changes: dict[str, object], what: str
) -> None:
    with pytest.raises(StorageError, match=what) as error:
        take_from_imap(mailbox(server, **changes), folders)
    assert "imap://reports@127.0.0.1" in str(error.value)
    assert "wrong" not in str(error.value)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    key, crt = tmp_path / "key.pem", tmp_path / "crt.pem"
    command = (
        f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {crt} -days 2 "
        "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    return crt, key


@pytest.mark.parametrize("security", [ImapSecurity.TLS, ImapSecurity.STARTTLS])
def test_a_mailbox_is_read_under_tls_and_never_at_a_stranger(
    folders: InboundFolders, certificate: tuple[Path, Path], security: ImapSecurity
) -> None:
    if dovecot() is None:
        pytest.skip(DOVECOT_MISSING)
    trusted = ssl.create_default_context(cafile=str(certificate[0]))
    with imap_server(certificate) as running:
        running.drop(MESSAGES[0], "0.M1P2.host")
        port = running.tls_port if security is ImapSecurity.TLS else running.port
        ours = mailbox(running, port=port, security=security, tls_context=trusted)
        assert take_from_imap(ours, folders) == 1
        with pytest.raises(StorageError, match="certificate"):
            take_from_imap(mailbox(running, port=port, security=security), folders)


def test_the_settings_name_the_mailbox() -> None:
    assert imap_mailbox(load_settings()) is None
    named = imap_mailbox(load_settings(imap_host="mail.provider.example", imap_user="r", imap_password="p"))
    assert named is not None
    assert (named.port, named.security, named.folder) == (993, ImapSecurity.TLS, "INBOX")
    assert "'p'" not in repr(named)


def test_another_machines_mailbox_is_never_read_in_the_clear() -> None:
    with pytest.raises(BadInputError, match="CJP_FRAUD_IMAP_SECURITY"):
        load_settings(imap_host="mail.provider.example", imap_security="none")


def test_a_simulated_home_reads_no_mailbox_of_another_machine() -> None:
    assert load_settings(imap_host="mail.provider.example").reaches_outside == "CJP_FRAUD_IMAP_HOST"
    assert load_settings(imap_host="127.0.0.1").reaches_outside is None
