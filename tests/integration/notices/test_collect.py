"""Delivery reports that come back: matched, counted once, trusted only with the return path's token."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.clock import StandingClock
from cjp_fraud.config import Settings, load_settings
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import Refused, StorageError
from cjp_fraud.notices import inbound_reports
from cjp_fraud.notices.delivery_record import progress_at, resolve_contradictions
from cjp_fraud.notices.dispatch import dispatch_due
from cjp_fraud.notices.inbound_folders import InboundFolders, inbound_folders
from cjp_fraud.notices.inbound_reports import (
    collect,
    reports_aside,
    unmatched_reports,
)
from cjp_fraud.notices.model import NoticeState
from cjp_fraud.notices.progress import PlanProgress
from cjp_fraud.notices.reports.model import ReportKind
from cjp_fraud.notices.tables import DeliveryEvent, SmtpAttempt
from cjp_fraud.notices.work_items import work_items
from cjp_fraud.people.model import Actor, Decision, Role, machine
from cjp_fraud.storage.database import reading, transaction
from tests.chains import chain_faults
from tests.contract_builders import NOON
from tests.delivery_reports import a_report
from tests.mail_servers import MailServerUnderTest
from tests.notice_builders import (
    a_plain_plan,
    a_plan,
    attempts_of,
    events_of,
    methods_of,
    notices_of,
    smtp_of,
)
from tests.notice_progress import permits_measure
from tests.people_builders import a_user

LATER = NOON + timedelta(hours=6)
ADDRESS = "notices@acme.example"
RETURNED = Path(__file__).resolve().parents[2] / "returned_mail"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home")


@pytest.fixture
def plan_id(sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest) -> str:
    """A plan whose one letter was sent."""
    made = a_plain_plan(sqlite_engine, tmp_path)
    dispatch_due(sqlite_engine, methods_of(server), made, StandingClock(NOON))
    return made


def the_letter(engine: Engine, plan_id: str) -> tuple[str, SmtpAttempt]:
    (notice,) = notices_of(engine, plan_id)
    (attempt,) = attempts_of(engine, notice.id)
    return notice.id, smtp_of(engine, attempt)


def drop(settings: Settings, content: bytes, name: str = "report.eml") -> None:
    folder = inbound_folders(settings).incoming
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def progress_now(engine: Engine, plan_id: str) -> PlanProgress:
    with reading(engine) as session:
        return progress_at(session, plan_id, LATER)


def test_nothing_dropped_is_nothing_collected(sqlite_engine: Engine, settings: Settings) -> None:
    assert collect(sqlite_engine, settings, NOON).new_events == 0


def test_a_delivered_report_on_the_return_path_is_proof(
    sqlite_engine: Engine, settings: Settings, plan_id: str
) -> None:
    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    drop(settings, a_report(smtp.envelope_from, "delivered", envid=smtp.envid, original=ADDRESS))
    assert collect(sqlite_engine, settings, LATER).new_events == 1
    event = events_of(sqlite_engine, notice_id)[-1]
    assert (event.status, event.negative, event.authenticated) == (DeliveryStatus.DELIVERED, False, True)
    assert event.at == LATER
    assert permits_measure(progress_now(sqlite_engine, plan_id), LATER)


def test_a_late_bounce_shuts_the_gate_until_a_person_lets_the_notice_stand(
    sqlite_engine: Engine, settings: Settings, plan_id: str
) -> None:
    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    drop(settings, a_report(smtp.envelope_from.upper(), "failed"))
    collect(sqlite_engine, settings, LATER)
    shut = progress_now(sqlite_engine, plan_id)
    assert [it.notice_id for it in shut.contradictions] == [notice_id]
    assert not permits_measure(shut, LATER)
    with transaction(sqlite_engine) as session, pytest.raises(Refused):
        resolve_contradictions(Decision(session, machine("mend"), LATER), notice_id)
    with transaction(sqlite_engine) as session:
        user = a_user(session, "cora", [Role.COUNSEL], LATER)
        cora = Actor(user.name, user.id, frozenset({Role.COUNSEL}))
        assert resolve_contradictions(Decision(session, cora, LATER), notice_id) == 1
    assert permits_measure(progress_now(sqlite_engine, plan_id), LATER)


@pytest.mark.parametrize("action", ["failed", "delivered"])
def test_a_report_without_the_token_proves_nothing(
    sqlite_engine: Engine, settings: Settings, plan_id: str, action: str
) -> None:
    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    drop(settings, a_report("notices@provider.example", action, envid=smtp.envid))
    assert collect(sqlite_engine, settings, LATER).new_events == 1
    event = events_of(sqlite_engine, notice_id)[-1]
    assert not event.authenticated
    assert permits_measure(progress_now(sqlite_engine, plan_id), LATER)


@pytest.mark.parametrize("contradicting", [{"envid": "another"}, {"original": "else@acme.example"}])
def test_a_report_that_names_something_else_is_not_authenticated(
    sqlite_engine: Engine, settings: Settings, plan_id: str, contradicting: dict[str, str]
) -> None:
    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    drop(settings, a_report(smtp.envelope_from, "failed", **contradicting))  # type: ignore[arg-type]
    collect(sqlite_engine, settings, LATER)
    assert not events_of(sqlite_engine, notice_id)[-1].authenticated


def test_mail_that_is_of_no_attempt_is_moved_aside_and_counted(
    sqlite_engine: Engine, settings: Settings, plan_id: str
) -> None:
    drop(settings, a_report("bounce+0000@provider.example", "failed"), "forged.eml")
    drop(settings, b"Subject: away\r\nAuto-Submitted: auto-replied\r\n\r\nI am away\r\n", "away.eml")
    drop(settings, b"x" * (inbound_reports.LARGEST_BYTES + 1), "huge.eml")
    assert collect(sqlite_engine, settings, LATER).new_events == 0
    assert (unmatched_reports(settings), reports_aside(settings)) == (2, 1)
    assert not list(inbound_folders(settings).incoming.iterdir())
    assert len(events_of(sqlite_engine, the_letter(sqlite_engine, plan_id)[0])) == 1


def test_a_report_counts_once_however_often_it_comes(
    sqlite_engine: Engine, settings: Settings, plan_id: str
) -> None:
    report = a_report(the_letter(sqlite_engine, plan_id)[1].envelope_from, "delivered")
    for name in ("one.eml", "two.eml"):
        drop(settings, report, name)
    assert collect(sqlite_engine, settings, LATER).new_events == 1
    drop(settings, report)
    assert collect(sqlite_engine, settings, LATER).new_events == 0
    assert unmatched_reports(settings) == 0


@pytest.mark.parametrize("way", ["line ends", "headers of the mailbox"])
def test_a_report_that_lies_in_two_mailboxes_counts_once(
    sqlite_engine: Engine, settings: Settings, plan_id: str, way: str
) -> None:
    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    report = a_report(smtp.envelope_from, "delivered", envid=smtp.envid, original=ADDRESS)
    report = b"Message-ID: <r1@mail.acme.example>\n" + report.replace(b"\r\n", b"\n")
    drop(settings, report, "maildir.eml")
    by_imap = report.replace(b"\n", b"\r\n") if way == "line ends" else b"X-Uid: 7\n" + report
    drop(settings, by_imap, "imap.eml")
    assert collect(sqlite_engine, settings, LATER).new_events == 1
    drop(settings, b"X-Read: again\n" + by_imap, "imap.eml")
    assert collect(sqlite_engine, settings, LATER).new_events == 0
    assert len([event for event in events_of(sqlite_engine, notice_id) if event.report_sha256]) == 1


def test_a_forged_report_under_the_same_message_id_keeps_no_true_one_from_counting(
    sqlite_engine: Engine, settings: Settings, plan_id: str
) -> None:
    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    said = b"Message-ID: <r1@mail.acme.example>\n"
    drop(settings, said + a_report("notices@provider.example", "failed", envid=smtp.envid), "forged.eml")
    assert collect(sqlite_engine, settings, LATER).new_events == 1
    drop(settings, said + a_report(smtp.envelope_from, "failed", envid=smtp.envid), "true.eml")
    assert collect(sqlite_engine, settings, LATER).new_events == 1
    drop(settings, said + a_report(smtp.envelope_from, "delivered", envid=smtp.envid), "later.eml")
    assert collect(sqlite_engine, settings, LATER).new_events == 1
    assert [event.authenticated for event in events_of(sqlite_engine, notice_id) if event.kind] == [
        False,
        True,
        True,
    ]


def test_a_kill_between_record_and_move_records_nothing_twice(
    sqlite_engine: Engine, settings: Settings, plan_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(folders: InboundFolders, file: Path, folder: Path) -> Path:
        raise Killed

    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    drop(settings, a_report(smtp.envelope_from, "delivered"))
    with monkeypatch.context() as patched:
        patched.setattr(InboundFolders, "move", killed)
        with pytest.raises(Killed):
            collect(sqlite_engine, settings, LATER)
    assert collect(sqlite_engine, settings, LATER).new_events == 0
    assert len(events_of(sqlite_engine, notice_id)) == 2
    assert not list(inbound_folders(settings).incoming.iterdir())


@pytest.mark.parametrize(("action", "goes_again"), [("delivered", False), ("delayed", True)])
def test_a_letter_whose_reply_was_lost_does_not_go_again_once_a_report_proves_that_it_left(
    sqlite_engine: Engine,
    settings: Settings,
    tmp_path: Path,
    server: MailServerUnderTest,
    action: str,
    goes_again: bool,
) -> None:
    made = a_plain_plan(sqlite_engine, tmp_path)
    server.data_replies.append(None)
    dispatch_due(sqlite_engine, methods_of(server), made, StandingClock(NOON))
    notice_id, smtp = the_letter(sqlite_engine, made)
    drop(settings, a_report(smtp.envelope_from, action))
    collect(sqlite_engine, settings, LATER)
    dispatch_due(sqlite_engine, methods_of(server), made, StandingClock(LATER))
    (notice,) = notices_of(sqlite_engine, made)
    assert (notice.state, len(attempts_of(sqlite_engine, notice_id))) == (NoticeState.SENT, 1 + goes_again)
    assert len(server.received) == 1 + goes_again
    with reading(sqlite_engine) as session:
        assert chain_faults(session) == []


def last_event(engine: Engine, notice_id: str) -> DeliveryEvent:
    return events_of(engine, notice_id)[-1]


def needing_people(engine: Engine) -> list[str]:
    with reading(engine) as session:
        return [item.why for item in work_items(session)]


def returned(name: str, sent_to: str) -> bytes:
    """Return a message of our own writing that was sent to an address."""
    content = (RETURNED / f"{name}.eml").read_bytes()
    return content.replace(b"To: notices@provider.example", f"To: {sent_to}".encode(), 1)


def test_a_bounce_in_words_at_the_return_path_cancels(
    sqlite_engine: Engine, settings: Settings, plan_id: str
) -> None:
    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    drop(settings, returned("domino", smtp.envelope_from))
    collect(sqlite_engine, settings, LATER)
    event = last_event(sqlite_engine, notice_id)
    assert (event.negative, event.authenticated, event.kind) == (True, True, ReportKind.BOUNCE)
    assert event.erds_event == "ContentConsignmentFailure"
    assert not permits_measure(progress_now(sqlite_engine, plan_id), LATER)
    assert needing_people(sqlite_engine) == []  # a contradiction asks for its own person


def test_a_list_that_turns_a_delivered_letter_away_in_an_ordinary_mail_contradicts_it(
    sqlite_engine: Engine, settings: Settings, plan_id: str
) -> None:
    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    drop(settings, a_report(smtp.envelope_from, "delivered"), "report.eml")
    collect(sqlite_engine, settings, LATER)
    assert permits_measure(progress_now(sqlite_engine, plan_id), LATER)
    drop(settings, returned("domino", smtp.envelope_from), "list.eml")
    collect(sqlite_engine, settings, LATER)
    event = last_event(sqlite_engine, notice_id)
    assert (event.kind, event.negative) == (ReportKind.BOUNCE, True)
    assert not permits_measure(progress_now(sqlite_engine, plan_id), LATER)


@pytest.mark.parametrize("rewritten", ["prvs=0420a1b2c3={}", "SRS0=HHH=TT=provider.example={}", "{}"])
def test_a_rewritten_return_path_is_known_again(
    sqlite_engine: Engine, settings: Settings, plan_id: str, rewritten: str
) -> None:
    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    local, _, domain = smtp.envelope_from.upper().partition("@")
    sent_to = f"{rewritten.format(local.replace('+', '='))}@{domain}"
    drop(settings, a_report(sent_to, "delivered", envid=smtp.envid))
    collect(sqlite_engine, settings, LATER)
    assert last_event(sqlite_engine, notice_id).authenticated


@pytest.mark.parametrize("name", ["relayed", "out_of_office", "read_receipt"])
def test_only_a_delivery_is_one(sqlite_engine: Engine, settings: Settings, plan_id: str, name: str) -> None:
    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    content = returned(name, smtp.envelope_from).replace(b"legal@acme.example", ADDRESS.encode())
    drop(settings, content)
    collect(sqlite_engine, settings, LATER)
    event = last_event(sqlite_engine, notice_id)
    reached = {
        "relayed": DeliveryStatus.RELAYED,
        "out_of_office": DeliveryStatus.ATTEMPTED,
        "read_receipt": DeliveryStatus.DISPLAYED,
    }
    assert (event.status, event.negative, event.authenticated) == (reached[name], False, True)
    assert needing_people(sqlite_engine) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("no_longer_employed", "there no longer"),
        ("complaint", "complains"),
        ("ordinary_mail", "no known kind"),
        ("unknown_action", "deliverable"),
    ],
)
def test_what_only_a_person_can_settle_becomes_a_work_item(
    sqlite_engine: Engine, settings: Settings, plan_id: str, name: str, why: str
) -> None:
    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    drop(settings, returned(name, smtp.envelope_from))
    done = collect(sqlite_engine, settings, LATER)
    assert (done.new_events, done.for_people) == (1, 1)
    assert why in needing_people(sqlite_engine)[0]
    event = last_event(sqlite_engine, notice_id)
    assert (event.negative, event.authenticated, event.erds_event) == (False, False, None)
    assert permits_measure(progress_now(sqlite_engine, plan_id), LATER)


def test_a_report_that_spoofs_another_letter_is_a_work_item_of_both_keys(
    sqlite_engine: Engine, settings: Settings, plan_id: str, tmp_path: Path, server: MailServerUnderTest
) -> None:
    other = a_plan(sqlite_engine)
    dispatch_due(sqlite_engine, methods_of(server), other, StandingClock(NOON))
    (_, smtp), (_, spoofed) = the_letter(sqlite_engine, plan_id), the_letter(sqlite_engine, other)
    drop(settings, a_report(smtp.envelope_from, "delivered", envid=spoofed.envid))
    drop(settings, a_report(f"{smtp.envelope_from}, {spoofed.envelope_from}", "failed"), "two.eml")
    collect(sqlite_engine, settings, LATER)
    assert sorted(needing_people(sqlite_engine)) == [
        "it names return paths of several letters",
        "it names the envelope of another message",
    ]
    for plan in (plan_id, other):
        assert permits_measure(progress_now(sqlite_engine, plan), LATER)


def test_the_message_id_leads_to_the_letter_and_proves_nothing(
    sqlite_engine: Engine, settings: Settings, plan_id: str
) -> None:
    (notice,) = notices_of(sqlite_engine, plan_id)
    content = (RETURNED / "two_recipients.eml").read_bytes()
    drop(settings, content.replace(b"<01J@provider.example>", (notice.reference or "").encode()))
    collect(sqlite_engine, settings, LATER)
    event = last_event(sqlite_engine, notice.id)
    assert (event.negative, event.authenticated) == (True, False)
    assert "nobody vouches" in needing_people(sqlite_engine)[0]
    assert permits_measure(progress_now(sqlite_engine, plan_id), LATER)


def test_an_expired_return_path_proves_nothing(
    sqlite_engine: Engine, settings: Settings, plan_id: str
) -> None:
    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    drop(settings, a_report(smtp.envelope_from, "delivered"))
    collect(sqlite_engine, settings, NOON + timedelta(days=62))
    assert not last_event(sqlite_engine, notice_id).authenticated
    assert "no longer" in needing_people(sqlite_engine)[0]


def test_a_return_path_that_another_key_made_proves_nothing(
    sqlite_engine: Engine, settings: Settings, plan_id: str
) -> None:
    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    other = load_settings(home=settings.home, return_path_key="ab" * 32)
    drop(other, a_report(smtp.envelope_from, "delivered"))
    collect(sqlite_engine, other, LATER)
    assert not last_event(sqlite_engine, notice_id).authenticated


@pytest.mark.parametrize(("own", "counts"), [(("mx.acme.example",), True), ((), False)])
def test_our_own_servers_report_counts_without_the_return_path(
    sqlite_engine: Engine, settings: Settings, plan_id: str, own: tuple[str, ...], counts: bool
) -> None:
    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    ours = load_settings(home=settings.home, own_mail_servers=list(own))
    report = a_report("notices@provider.example", "failed", envid=smtp.envid, original=ADDRESS)
    drop(ours, b"Received: by mx.acme.example (Postfix) id 4711; Thu, 2 Apr 2015 12:00:00 +0000\r\n" + report)
    collect(sqlite_engine, ours, LATER)
    assert last_event(sqlite_engine, notice_id).authenticated is counts


def test_a_message_that_is_too_large_is_kept_with_its_reason_and_is_known_by_its_headers(
    sqlite_engine: Engine, settings: Settings, plan_id: str
) -> None:
    _, smtp = the_letter(sqlite_engine, plan_id)
    content = a_report(smtp.envelope_from, "failed") + b"x" * inbound_reports.LARGEST_BYTES
    drop(settings, content)
    assert collect(sqlite_engine, settings, LATER).for_people == 1
    aside = inbound_folders(settings).aside
    (kept,), (reason,) = aside.glob("*.eml"), aside.glob("*.reason.json")
    assert kept.read_bytes() == content
    assert json.loads(reason.read_text())["sha256"] == sha256_hex(content)
    assert "are read at most" in needing_people(sqlite_engine)[0]


def test_a_file_that_cannot_be_opened_stops_no_other(
    sqlite_engine: Engine, settings: Settings, plan_id: str
) -> None:
    _, smtp = the_letter(sqlite_engine, plan_id)
    drop(settings, a_report(smtp.envelope_from, "delivered"), "b.eml")
    (inbound_folders(settings).incoming / "a.eml").symlink_to(inbound_folders(settings).incoming / "nowhere")
    with pytest.raises(StorageError, match=r"a\.eml"):
        collect(sqlite_engine, settings, LATER)
    assert unmatched_reports(settings) == 0
    assert [file.name for file in inbound_folders(settings).collected.iterdir()]


def test_a_maildir_is_collected_and_its_failure_stops_nothing(
    sqlite_engine: Engine, settings: Settings, plan_id: str, tmp_path: Path
) -> None:
    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    for name in ("new", "cur"):
        (tmp_path / "Maildir" / name).mkdir(parents=True)
    (tmp_path / "Maildir" / "new" / "1.host").write_bytes(a_report(smtp.envelope_from, "delivered"))
    ours = load_settings(home=settings.home, bounce_maildir=tmp_path / "Maildir")
    done = collect(sqlite_engine, ours, LATER)
    assert (done.taken, done.new_events) == (1, 1)
    again = collect(sqlite_engine, ours, LATER)
    assert (again.taken, again.new_events) == (0, 0)
    drop(settings, a_report(smtp.envelope_from, "delayed"), "late.eml")
    gone = load_settings(home=settings.home, bounce_maildir=tmp_path / "nowhere")
    with pytest.raises(StorageError, match="no Maildir"):
        collect(sqlite_engine, gone, LATER)
    assert len(events_of(sqlite_engine, notice_id)) == 3
