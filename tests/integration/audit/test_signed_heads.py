"""The head leaves the house: at ``init``, every day and at every measure; and what happens when it cannot."""

from __future__ import annotations

import email
import email.policy
import errno
import json
import logging
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from cjp_fraud.audit.head_keys import read_public_key
from cjp_fraud.audit.head_store import HeadStore
from cjp_fraud.audit.signed_head import SignedHead, read_signed_head, signature_fault
from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.cli import audit
from cjp_fraud.cli import cases as cli_cases
from cjp_fraud.cli.main import app
from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, CjpFraudError
from cjp_fraud.operations import cases, due_run, measures
from cjp_fraud.operations.audit_log import verify_log
from cjp_fraud.operations.head_keeping import sign_and_keep
from cjp_fraud.operations.housekeeping import initialize, verify_log_or_fail
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.model import MEASURE_ACTIONS
from cjp_fraud.suspension.tables import Measure, Reaffirmation
from tests.mail_servers import MailServerUnderTest, free_port, smtp_server
from tests.signed_heads import (
    a_home,
    determined,
    head_files,
    later,
    newest_entry_of_a_measure,
    newest_head,
    reaffirmed_by,
    suspended,
)


@pytest.fixture
def server() -> Iterator[MailServerUnderTest]:
    with smtp_server() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path, server: MailServerUnderTest) -> Deployment:
    """A home with a flagged case, on each kind of database."""
    url = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return a_home(tmp_path, url, server)


@pytest.fixture
def home(tmp_path: Path, sqlite_url: str, server: MailServerUnderTest) -> Deployment:
    """The same on SQLite alone, for what does not depend on the database."""
    return a_home(tmp_path, sqlite_url, server)


def command(home: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["--home", str(home), *words])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def test_init_makes_the_key_once_and_prints_its_public_part(tmp_path: Path) -> None:
    home = tmp_path / "home"
    shown = json.loads(command(home, "init", "--json"))["key"]
    private = home / "keys" / "head.key.pem"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700
    before = private.read_bytes()
    assert "lies beside the database and is no second place" in command(home, "init")
    assert private.read_bytes() == before
    public = read_public_key(Path(shown["public_key_file"]).read_bytes())
    assert (public.key_id, public.text) == (shown["key_id"], shown["public_key"])
    assert json.loads(command(home, "config", "show", "--json"))["heads_public_key"] == public.text
    assert json.loads(command(home, "audit", "key", "--json")) == shown
    said = command(home, "audit", "verify")
    assert "newest signed head: entry 2 of 2" in said
    assert "lies beside the database and is no second place" in said
    assert len(list((home / "heads").iterdir())) == 1
    assert private.name not in command(home, "audit", "list", "--json")
    assert before not in (home / "cjp_fraud.db").read_bytes()


def test_a_home_made_before_there_were_keys_gets_one_at_the_next_init(
    tmp_path: Path, sqlite_template: bytes
) -> None:
    opened = Deployment(load_settings(home=tmp_path))
    (tmp_path / "cjp_fraud.db").write_bytes(sqlite_template)
    [fault] = verify_log(opened).faults
    assert "run: cjp-fraud init" in fault
    with pytest.raises(CjpFraudError, match="cjp-fraud init"):
        due_run.run_due(opened, opened.now)
    initialize(Deployment(opened.settings))
    assert verify_log(opened).holds
    due_run.run_due(opened, opened.now)


def test_a_lost_key_is_followed_by_a_new_one_and_the_old_heads_still_count(home: Deployment) -> None:
    first = home.head_keys.private().key_id
    home.head_keys.private_file.unlink()
    with pytest.raises(CjpFraudError, match="there is no key at"):
        sign_and_keep(home, home.now)
    initialize(Deployment(home.settings))
    assert newest_head(home).key_id == home.head_keys.private().key_id != first
    report = verify_log(home)
    assert report.faults == ()
    assert len(head_files(home)) == 2


@pytest.mark.both_databases
def test_every_measure_is_followed_by_its_head(opened: Deployment) -> None:
    def covered(now: Deployment) -> None:
        assert newest_head(now).sequence >= newest_entry_of_a_measure(now.engine)
        assert verify_log(now).holds

    suspended(opened)
    covered(opened)
    for name in ("adam", "bella"):
        reaffirmed_by(opened, name)
        covered(opened)
    measures.reinstate(opened, "adam", opened.now, "1", reasons="the keys were changed")
    covered(opened)
    assert len(head_files(opened)) == 5


def test_a_lapse_is_followed_by_its_head(home: Deployment) -> None:
    suspended(home)
    ended = later(home, hours=80)
    done = due_run.run_due(ended, ended.now)
    assert [moved.state for moved in done.resumed.moved] == ["lapsed"]
    assert done.head is not None
    assert newest_head(ended).sequence >= newest_entry_of_a_measure(ended.engine)


def test_whatever_changes_a_measure_is_an_act_that_a_head_follows(home: Deployment) -> None:
    """Otherwise a new act on measures could be forgotten in the list of actions."""
    suspended(home)
    for name in ("adam", "bella"):
        reaffirmed_by(home, name)
    measures.reinstate(home, "adam", home.now, "1", reasons="the keys were changed")
    tables = {Measure.__tablename__, Reaffirmation.__tablename__}
    with reading(home.engine) as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.sequence)).all()
    changing = [entry for entry in entries if tables & {row["table"] for row in entry.rows}]
    assert len(changing) >= 6
    ends = {entry.sequence for entry in entries if entry.action in MEASURE_ACTIONS}
    assert all(any(at in ends for at in range(entry.sequence, entry.sequence + 3)) for entry in changing), [
        entry.action for entry in changing
    ]


def test_the_head_is_kept_every_day(opened: Deployment) -> None:
    assert due_run.run_due(opened, opened.now).head is None
    soon = later(opened, hours=11)
    assert soon.now.date() == opened.now.date()
    assert due_run.run_due(soon, soon.now).head is None
    day = later(soon, hours=1.1)  # twelve hours later, and the next day: a run a day at 05:00 skips none
    kept = due_run.run_due(day, day.now).head
    assert kept is not None
    assert kept.file == head_files(day)[-1].name
    assert due_run.run_due(day, day.now).head is None
    report = verify_log_or_fail(day)
    assert report.signed_head == kept
    late = later(day, days=3)
    [note] = [note for note in verify_log(late).notes if "no head was signed since" in note]
    assert "run-due keeps the next one" in note


def test_killed_between_the_measure_and_its_head_the_next_run_keeps_it(
    opened: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    determined(opened)

    def killed(store: HeadStore, signed: SignedHead) -> None:
        raise SystemExit(9)

    with monkeypatch.context() as patched:
        patched.setattr(HeadStore, "put", killed)
        with pytest.raises(SystemExit):
            cases.approve_and_carry_out(opened, "adam", opened.now, "1")
    measure = newest_entry_of_a_measure(opened.engine)
    assert newest_head(opened).sequence < measure
    assert any(
        f"the measure of entry {measure} (case.suspended)" in note for note in verify_log(opened).notes
    )
    done = due_run.run_due(opened, opened.now)
    assert done.head is not None
    assert newest_head(opened).sequence >= measure
    assert verify_log(opened).notes == ()


@pytest.mark.parametrize("broken", ["full disk", "not mounted"])
def test_a_measure_stands_where_its_head_cannot_be_written_and_the_next_run_keeps_it(
    home: Deployment, broken: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    determined(home)
    place = Path(home.settings.heads)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        if broken == "full disk":
            patched.setattr(os, "fsync", full)
        else:
            place.rename(place.with_name("away"))
        done = cases.approve_and_carry_out(home, "adam", home.now, "1")
        assert done.case.state == "suspended"
        [said] = [record.getMessage() for record in caplog.records if "was not kept" in record.getMessage()]
        assert "run-due tries again" in said
        with pytest.raises(CjpFraudError, match="the head of the audit log was not kept"):
            due_run.run_due(home, home.now)
        with pytest.raises(CjpFraudError, match=r"second place"):
            sign_and_keep(home, home.now)
    if broken == "not mounted":
        place.with_name("away").rename(place)
    assert due_run.run_due(home, home.now).head is not None
    assert newest_head(home).sequence >= newest_entry_of_a_measure(home.engine)
    assert verify_log(home).holds


def test_a_command_says_on_its_error_output_that_the_head_was_not_kept(home: Deployment) -> None:
    """Without a handler of its own, the log of a command goes to standard error."""
    determined(home)
    place = Path(home.settings.heads)
    place.rename(place.with_name("away"))
    logger = logging.getLogger()
    handlers, logger.handlers = logger.handlers, []
    try:
        done = CliRunner().invoke(cli_cases.app, ["approve", "1", "--as", "adam"], obj=home)
    finally:
        logger.handlers = handlers
    assert done.exit_code == 0
    assert "the head of the audit log was not kept" in done.stderr
    assert "suspended" in done.stdout


@pytest.mark.both_databases
def test_two_processes_keep_the_same_head_at_once(opened: Deployment) -> None:
    others = [Deployment(opened.settings) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        kept = list(pool.map(lambda each: sign_and_keep(each, opened.now), others))
    assert {each.entry_sha256 for each in kept} == {newest_head(opened).entry_sha256}
    assert verify_log(opened).holds


def test_the_head_is_mailed_to_counsel_with_the_key_that_verifies_it(
    tmp_path: Path, sqlite_url: str, server: MailServerUnderTest
) -> None:
    home = a_home(tmp_path, sqlite_url, server, heads_mail_to="counsel@law.example")
    assert sign_and_keep(home, home.now).mailed_to == "counsel@law.example"
    received = server.received[-1]
    assert (received.recipient, received.recipient_command) == (
        "counsel@law.example",
        "TO:<counsel@law.example>",
    )
    message = email.message_from_bytes(received.content, policy=email.policy.default)
    text = message.get_content().replace("\r\n", "\n")
    head = newest_head(home)
    assert f"audit verify --expect-head {head.entry_sha256}" in text
    assert head_files(home)[-1].read_text() in text
    assert "SIMULATED CLOCK" in text
    key = read_public_key(text[text.index("-----BEGIN") :].encode())
    [content] = [line for line in text.splitlines() if line.startswith("{")]
    assert signature_fault(read_signed_head(content.encode()), [key]) is None


def test_a_mail_server_that_does_not_answer_stops_no_measure_and_gets_the_next_daily_head(
    tmp_path: Path, sqlite_url: str, server: MailServerUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    home = a_home(tmp_path, sqlite_url, server, heads_mail_to="counsel@law.example")
    server.rcpt_replies["counsel@law.example"].extend(["451 4.3.0 not now", "550 5.1.1 nobody here"])
    with caplog.at_level(logging.WARNING):
        suspended(home)
    [said] = [record.getMessage() for record in caplog.records if "was not mailed" in record.getMessage()]
    assert "451 4.3.0 not now" in said
    assert newest_head(home).sequence >= newest_entry_of_a_measure(home.engine)
    with pytest.raises(CjpFraudError, match=r"was written to .*, but .*550 5\.1\.1 nobody here"):
        sign_and_keep(home, home.now)
    unreachable = Deployment(home.settings.model_copy(update={"smtp_port": free_port()}))
    with pytest.raises(CjpFraudError, match="no connection"):
        sign_and_keep(unreachable, unreachable.now)
    before = len(server.received)
    day = later(home, days=1)
    kept = due_run.run_due(day, day.now).head
    assert kept is not None
    assert kept.mailed_to == "counsel@law.example"
    assert server.received[-1].recipient == "counsel@law.example"
    assert len(server.received) > before


def test_init_ends_well_where_the_mail_server_does_not_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = load_settings(
        home=tmp_path / "home", heads_mail_to="counsel@law.example", smtp_port=free_port()
    )
    with caplog.at_level(logging.WARNING):
        ready = initialize(Deployment(settings))
    assert ready.key.key_id
    assert "the next daily head is mailed again" in caplog.text


def test_init_refuses_an_address_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="not an email address"):
        initialize(Deployment(load_settings(home=tmp_path / "home", heads_mail_to="counsel")))


def test_a_simulated_home_keeps_its_heads_in_a_folder(tmp_path: Path) -> None:
    made = Deployment(load_settings(home=tmp_path / "home", heads_url="s3://bucket/heads"))
    with pytest.raises(BadInputError, match="CJP_FRAUD_HEADS_URL"):
        initialize(made, simulated=True)


def test_the_commands_print_what_was_signed(home: Deployment) -> None:
    signed = CliRunner().invoke(audit.app, ["sign", "--json"], obj=home)
    assert json.loads(signed.stdout)["file"] == head_files(home)[-1].name
    verified = CliRunner().invoke(audit.app, ["verify", "--json"], obj=home)
    assert json.loads(verified.stdout)["signed_head"]["file"] == head_files(home)[-1].name
    wrong = CliRunner().invoke(audit.app, ["verify", "--public-key", "no.pem"], obj=home)
    assert isinstance(wrong.exception, BadInputError)
