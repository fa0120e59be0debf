"""Somebody who sets a clock, gives a date or edits a moment gets no measure earlier, and is noticed."""

from __future__ import annotations

import re
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text
from typer.testing import CliRunner

from cjp_fraud.audit import recording
from cjp_fraud.audit.home import CLOCK_MOVED
from cjp_fraud.audit.log import append
from cjp_fraud.audit.recording import HOME_MADE
from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.cli.main import app
from cjp_fraud.clock import TickingClock
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.config import load_settings
from cjp_fraud.contracts.contract_reader import recipients
from cjp_fraud.contracts.versions import enter_address
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, ClockError
from cjp_fraud.notices.tables import NoticeAttempt
from cjp_fraud.operations import cases
from cjp_fraud.operations.housekeeping import initialize
from cjp_fraud.people.model import Decision, Role, machine
from cjp_fraud.people.tables import User
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.connections import Enforcement
from cjp_fraud.suspension.embedded_platform import EmbeddedPlatform
from cjp_fraud.suspension.enforcement import enforce
from cjp_fraud.suspension.tables import Measure
from tests.case_builders import a_flag, flag, mail_to, open_staffed
from tests.contract_builders import a_row, load_rows
from tests.mail_servers import MailServerUnderTest
from tests.people_builders import a_user
from tests.simulated_clocks import show_clock
from tests.tampering import unrecorded

TWO_MONTHS = timedelta(days=60)
TAKEN_OVER = re.compile(r"content: .*\n\S+ C: \.\n(\S+) S: 250 ")
"""When the mail server took a letter over, in the dialogue."""


@pytest.fixture(scope="module")
def real_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the machine's clock, one tenant, one person, and a case; to be copied."""
    folder = tmp_path_factory.mktemp("real")
    opened = Deployment(load_settings(home=folder / "home"))
    initialize(opened)
    now = opened.now
    load_rows(opened.engine, folder, a_row(), at=now)
    with transaction(opened.engine) as session:
        a_user(session, "rita", [Role.ANALYST, Role.REVIEWER], now)
    flag(opened.engine, a_flag(now - timedelta(minutes=30)), at=now)
    opened.engine.dispose()
    return opened.settings.home


@pytest.fixture
def real(real_home: Path, tmp_path: Path) -> Deployment:
    """A copy of that home."""
    return Deployment(load_settings(home=shutil.copytree(real_home, tmp_path / "home")))


def entries(engine: Engine) -> int:
    with reading(engine) as session:
        return len(session.scalars(select(AuditEntry.sequence)).all())


@pytest.mark.parametrize("earlier", [True, False], ids=["months back", "days ahead"])
@pytest.mark.parametrize("given", ["--now", "CJP_FRAUD_NOW"])
def test_no_moment_can_be_given_to_a_home_with_the_machines_clock(
    real: Deployment, given: str, earlier: bool
) -> None:
    at = (real.now + (-TWO_MONTHS if earlier else timedelta(days=3))).isoformat()
    option, environment = (["--now", at], {}) if given == "--now" else ([], {given: at})
    before = entries(real.engine)
    for words in (["cases", "list"], ["cases", "claim", "1", "--as", "rita"]):
        done = CliRunner().invoke(app, ["--home", str(real.settings.home), *option, *words], env=environment)
        assert isinstance(done.exception, ClockError)
        assert "init --simulated" in str(done.exception)
    assert entries(real.engine) == before


def test_a_home_with_the_machines_clock_never_gets_a_simulated_one(real: Deployment) -> None:
    with pytest.raises(ClockError, match="for good"):
        initialize(Deployment(real.settings), simulated=True)
    assert not Deployment(real.settings).home_clock.simulated


def test_a_new_home_is_not_made_where_a_moment_is_given_without_simulated(tmp_path: Path) -> None:
    home = ["--home", str(tmp_path / "home")]
    done = CliRunner().invoke(app, [*home, "--now", "2015-04-24", "init"])
    assert isinstance(done.exception, ClockError)
    assert CliRunner().invoke(app, [*home, "init"]).exit_code == 0


def test_a_simulated_clock_moves_forward_only_and_ticks(tmp_path: Path) -> None:
    home = ["--home", str(tmp_path / "home")]
    made = CliRunner().invoke(app, [*home, "--now", "2015-04-24T10:00:00Z", "init", "--simulated"])
    assert made.exit_code == 0
    assert "simulated clock: 2015-04-24 10:00Z" in made.output
    opened = Deployment(load_settings(home=tmp_path / "home"))
    first = opened.now
    time.sleep(0.01)
    assert first < opened.now < first + timedelta(minutes=1)
    for at in ("2015-04-24T09:59:00Z", "2015-02-24"):
        back = CliRunner().invoke(app, [*home, "--now", at, "cases", "list"])
        assert isinstance(back.exception, ClockError)
        assert "forward only" in str(back.exception)
    later = CliRunner().invoke(app, [*home, "--now", "2015-04-25", "cases", "list"])
    assert later.exit_code == 0
    assert "simulated clock: 2015-04-25 00:00Z" in later.output
    assert verify_log(opened.engine).faults == ()


@pytest.mark.parametrize(
    "host", ["mail.example.com", "192.0.2.1", "127.0.0.1.example.com", "localhost.example"]
)
def test_a_simulated_home_sends_mail_to_this_machine_only(tmp_path: Path, host: str) -> None:
    initialize(Deployment(load_settings(home=tmp_path / "home")), simulated=True)
    with pytest.raises(BadInputError, match="CJP_FRAUD_SMTP_HOST"):
        _ = Deployment(load_settings(home=tmp_path / "home", smtp_host=host)).engine
    with pytest.raises(BadInputError, match="CJP_FRAUD_SMTP_HOST"):
        initialize(Deployment(load_settings(home=tmp_path / "other", smtp_host=host)), simulated=True)
    for own in ("127.0.0.1", "::1", "localhost", "127.0.0.2"):
        _ = Deployment(load_settings(home=tmp_path / "home", smtp_host=own)).engine


def test_a_machines_clock_that_was_set_back_records_nothing(
    real: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = datetime.now(UTC) - TWO_MONTHS
    monkeypatch.setattr(recording, "machine_now", lambda: behind)
    with pytest.raises(ClockError, match=r"this machine's clock shows .* newest entry .* recorded at"):
        cases.claim(real, "rita", behind, "1")
    assert verify_log(real.engine).faults == ()


def test_a_reading_a_little_behind_the_log_counts_as_its_newest_entrys_time(
    real: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reading(real.engine) as session:
        newest = session.scalars(select(AuditEntry.recorded_at).order_by(AuditEntry.sequence.desc())).first()
    assert newest is not None
    monkeypatch.setattr(recording, "machine_now", lambda: newest - timedelta(seconds=5))
    with transaction(real.engine) as session:
        entry = append(Decision(session, machine("test"), newest - timedelta(seconds=5)), "a.b", "t", "1", {})
        assert entry.recorded_at == newest
    monkeypatch.setattr(recording, "machine_now", lambda: newest - timedelta(seconds=5, microseconds=1))
    with pytest.raises(ClockError), transaction(real.engine) as session:
        append(Decision(session, machine("test"), newest - timedelta(seconds=6)), "a.b", "t", "1", {})


def test_no_act_is_dated_in_the_future(real: Deployment) -> None:
    with pytest.raises(ClockError, match="future"):
        cases.claim(real, "rita", real.now + timedelta(days=1), "1")


def test_no_persons_act_is_dated_back(real: Deployment) -> None:
    with pytest.raises(ClockError, match="dated back"):
        cases.claim(real, "rita", real.now - TWO_MONTHS, "1")


def test_an_address_that_is_said_to_be_old_counts_as_changed_when_it_was_recorded(
    real: Deployment,
) -> None:
    now = real.now
    with transaction(real.engine) as session:
        load = machine("tenants")
        enter_address(session, "acme", "notice", ("attacker@evil.example",), load, now - TWO_MONTHS)
        served = recipients(session, "acme", ("notice",), real.now)
    assert [recipient.replaced_at is None for recipient in served] == [True, False]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE homes SET simulated = 1, shown_at = '2015-01-01 00:00:00', machine_at = '2026-01-01 00:00:00'",
        "UPDATE homes SET recorded_at = '2015-01-01 00:00:00'",
        "DELETE FROM homes",
        "UPDATE flags SET recorded_at = '2015-01-01 00:00:00'",
        "UPDATE users SET recorded_at = '2015-01-01 00:00:00'",
    ],
)
def test_a_clock_or_a_time_of_recording_edited_in_the_database_is_noticed(
    real: Deployment, statement: str
) -> None:
    assert verify_log(real.engine).faults == ()
    with real.engine.begin() as connection:
        connection.execute(text(statement))
    assert verify_log(real.engine).faults != ()


def test_every_measure_stands_on_record_after_the_reply_that_permits_it(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    """Two cases in one run, and a mail server that takes its time over each letter."""
    staffed = open_staffed(
        sqlite_engine,
        tmp_path,
        mail_to(server),
        a_row(),
        a_row(tenant_id="beta", notice_address="notices@beta.example"),
    )
    case_ids = [staffed.approved_case(tenant).id for tenant in ("acme", "beta")]
    server.on_data = lambda: time.sleep(0.3)
    context = Enforcement(
        staffed.engine,
        staffed.mail,
        EmbeddedPlatform(staffed.engine),
        staffed.policy,
        TickingClock(staffed.now),
    )
    for case_id in case_ids:
        enforce(context, case_id)
    with reading(staffed.engine) as session:
        measures = session.scalars(select(Measure)).all()
        dialogues = [attempt.evidence or "" for attempt in session.scalars(select(NoticeAttempt))]
    replies = [datetime.fromisoformat(found) for text_ in dialogues for found in TAKEN_OVER.findall(text_)]
    assert len(replies) == len(measures) == 2
    assert replies[1] - replies[0] > timedelta(seconds=0.2)
    for reply, measure in zip(sorted(replies), sorted(measures, key=lambda row: row.ordered_at), strict=True):
        assert measure.permitted_at is not None
        assert reply <= measure.permitted_at <= measure.ordered_at
        assert measure.in_force_at is not None
        assert measure.ordered_at <= measure.in_force_at
    assert verify_log(staffed.engine).faults == ()


def test_a_row_that_calls_the_home_simulated_gives_nobody_a_clock(real: Deployment) -> None:
    with unrecorded(real.engine) as session:
        session.execute(
            text("UPDATE homes SET simulated = 1, shown_at = :at, machine_at = :at"),
            {"at": f"{real.now:%Y-%m-%d %H:%M:%S.%f}"},
        )
    ahead = (real.now + TWO_MONTHS).isoformat()
    done = CliRunner().invoke(app, ["--home", str(real.settings.home), "--now", ahead, "cases", "list"])
    assert isinstance(done.exception, ClockError)
    assert "made by cjp-fraud init --simulated" in str(done.exception)
    again = Deployment(real.settings)
    assert not again.home_clock.simulated
    cases.claim(again, "rita", again.now, "1")  # what is done since then names nothing anew
    assert any("homes" in fault for fault in verify_log(real.engine).faults)


def test_a_home_whose_row_was_removed_is_not_made_again(real: Deployment) -> None:
    with unrecorded(real.engine) as session:
        session.execute(text("DELETE FROM homes"))
    home = ["--home", str(real.settings.home)]
    for words in (["init", "--user", "eve=approver,admin"], ["init", "--simulated"]):
        CliRunner().invoke(app, [*home, *words])
        with reading(real.engine) as session:
            assert "eve" not in session.scalars(select(User.name)).all()
        assert any("homes" in fault for fault in verify_log(real.engine).faults), words


def test_a_simulated_clock_that_was_set_behind_the_application_is_moved_no_more(
    sqlite_engine: Engine,
) -> None:
    show_clock(sqlite_engine, datetime(2015, 1, 1, tzinfo=UTC))
    with unrecorded(sqlite_engine) as session:
        session.execute(text("UPDATE homes SET shown_at = '2015-03-01 00:00:00.000000'"))
    with pytest.raises(ClockError, match="edited behind the application"):
        show_clock(sqlite_engine, datetime(2015, 6, 1, tzinfo=UTC))
    assert any("homes" in fault for fault in verify_log(sqlite_engine).faults)


@pytest.mark.parametrize(
    ("action", "said"), [(HOME_MADE, "makes the home again"), (CLOCK_MOVED, "whose clock is not simulated")]
)
def test_an_entry_that_no_command_writes_for_a_real_home_is_a_fault(
    real: Deployment, action: str, said: str
) -> None:
    with transaction(real.engine) as session:
        append(Decision(session, machine("clock"), real.now), action, "homes", "home", {"simulated": True})
    assert any(said in fault for fault in verify_log(real.engine).faults)


def test_a_clock_that_slips_back_dates_no_row_before_the_entry_ahead_of_it(
    real: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine_now = recording.machine_now
    with transaction(real.engine) as session:
        a_user(session, "ana", [Role.ANALYST], real.now)
    monkeypatch.setattr(recording, "machine_now", lambda: machine_now() - timedelta(seconds=3))
    acted = machine_now() + timedelta(seconds=1)  # a clock beside the recording one, a little ahead of it
    with transaction(real.engine) as session:
        a_user(session, "bea", [Role.ANALYST], acted)
    with reading(real.engine) as session:
        before, after = session.scalars(
            select(User.recorded_at).where(User.name.in_(["ana", "bea"])).order_by(User.name)
        ).all()
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.sequence.desc()).limit(1)).one()
    assert before <= after
    assert acted <= entry.recorded_at


@pytest.mark.parametrize("words", [["config", "show"], ["cases", "grounds"], ["cases", "list"]], ids=" ".join)
def test_every_command_says_that_the_clock_is_simulated(tmp_path: Path, words: list[str]) -> None:
    home = ["--home", str(tmp_path / "home")]
    without = CliRunner().invoke(app, [*home, "cases", "grounds"])
    assert (without.exit_code, (tmp_path / "home").exists()) == (0, False)
    assert CliRunner().invoke(app, [*home, "--now", "2015-04-24", "init", "--simulated"]).exit_code == 0
    assert "simulated clock: 2015-04-24" in CliRunner().invoke(app, [*home, *words]).stderr
