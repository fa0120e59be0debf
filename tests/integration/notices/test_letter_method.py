"""Notices by letter: handed to a printer once, and on record as mailed or delivered only by the carrier's word."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import Engine, select
from tenacity import wait_none

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.clock import StandingClock
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.config import PlatformMode, load_settings
from cjp_fraud.contracts.methods import LETTER
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.receipt_rule import Basis
from cjp_fraud.contracts.terms import Combine, MethodRule, NoticeStep
from cjp_fraud.deployment import Deployment
from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import BadInputError, CjpFraudError
from cjp_fraud.notices.carrier_collection import collect_carrier_events
from cjp_fraud.notices.carrier_events import evidence_of, read_event
from cjp_fraud.notices.delivery_record import progress_at
from cjp_fraud.notices.dispatch import dispatch_due
from cjp_fraud.notices.methods.interface import NoticeMethods
from cjp_fraud.notices.methods.letter import Letterhead, LetterMethod, Printer, PrintJob, letter_key
from cjp_fraud.notices.methods.print_folder import EVENTS, MANIFEST, PrintFolder, lines_of
from cjp_fraud.notices.methods.print_interface import PrintInterface
from cjp_fraud.notices.model import NoticeState, Outcome
from cjp_fraud.notices.notice_views import NoticeFilter, notice_rows
from cjp_fraud.notices.tables import Notice
from cjp_fraud.storage.database import reading
from tests.chains import chain_faults
from tests.contract_builders import NOON
from tests.notice_builders import a_plan_under, attempts_of, events_of, notices_of
from tests.print_companies import PrintCompany, print_company

ADDRESS = "Acme Ltd.; Legal Department; 1 Main Street; New York NY 10001; US"
HEAD = Letterhead("Example Cloud Ltd.", "1 Cloud Road, Dublin 2, Ireland")
CLOCK = StandingClock(NOON)
DELIVERED = {
    "code": "EMI",
    "local_time": "2015-04-09T10:12:00",
    "zone": "America/New_York",
    "place": "New York",
    "signatory": "R. Miller",
    "item": "RR123456785US",
}
MAILED = {"code": "EMA", "local_time": "2015-04-03T17:00:00", "zone": "Europe/Dublin"}


@pytest.fixture
def company() -> Iterator[PrintCompany]:
    with print_company() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "print"
    made.mkdir()
    return made


def interface(company: PrintCompany, tries: int = 3) -> PrintInterface:
    return PrintInterface(company.url, "a-token", timeout_seconds=5, tries=tries, wait=wait_none())


def by_letter(printer: Printer) -> NoticeMethods:
    return NoticeMethods(PlatformMode.ACT, {LETTER: LetterMethod(HEAD, printer)})


def a_letter_plan(engine: Engine, folder: Path) -> str:
    """Put acme under terms that are served by letter, and a plan of it, on record."""
    step = NoticeStep(1, Combine.ALL_OF, (MethodRule(LETTER, Basis.ACCEPTED, ("legal",)),))
    return a_plan_under(engine, folder, step, "legal", ADDRESS, LETTER)


def the_notice(engine: Engine, plan_id: str) -> Notice:
    (notice,) = notices_of(engine, plan_id)
    return notice


def in_the_list(engine: Engine) -> str:
    """Return the state of the one letter as the list of notices words it."""
    with reading(engine) as session:
        (row,) = notice_rows(session, NoticeFilter())
    assert row.state is NoticeState.SENT
    return row.standing


def key_of(notice: Notice) -> str:
    assert notice.message_sha256 is not None
    return letter_key(notice.id, notice.message_sha256)


class SlowPrinting:
    """A clock by which the letter leaves 6 seconds after it was written, within the minute that it states."""

    def __init__(self) -> None:
        self.moments = [NOON, NOON]

    def now(self) -> datetime:
        """Return the moment: when it is due and written, then 6 seconds later."""
        return self.moments.pop() if self.moments else NOON + timedelta(seconds=6)


def test_a_letter_that_is_dated_anew_within_its_minute_keeps_its_bytes_and_the_log_holds(
    sqlite_engine: Engine, tmp_path: Path, folder: Path
) -> None:
    plan_id = a_letter_plan(sqlite_engine, tmp_path)
    dispatch_due(sqlite_engine, by_letter(PrintFolder(folder)), plan_id, SlowPrinting())
    with reading(sqlite_engine) as session:
        anew = session.scalars(
            select(AuditEntry.sequence).where(AuditEntry.action == "notice.dated_anew")
        ).all()
    assert len(anew) == 1
    assert verify_log(sqlite_engine).faults == ()


def test_the_folder_gets_the_pdf_and_a_line_that_names_its_digest(
    engine: Engine, tmp_path: Path, folder: Path
) -> None:
    plan_id = a_letter_plan(engine, tmp_path)
    done = dispatch_due(engine, by_letter(PrintFolder(folder)), plan_id, CLOCK)
    notice = the_notice(engine, plan_id)
    (line,) = lines_of(folder / MANIFEST)
    content = (folder / line["file"]).read_bytes()
    assert content == notice.message
    assert line == {
        "key": key_of(notice),
        "notice": notice.id,
        "file": f"{key_of(notice)}.pdf",
        "sha256": sha256_hex(content),
        "bytes": len(content),
        "pages": len(PdfReader(io.BytesIO(content)).pages),
        "class": "standard",
        "address": [
            *("Acme Ltd.", "Legal Department", "1 Main Street", "New York NY 10001"),
            "UNITED STATES",
        ],
        "country": "US",
        "handed_over_at": "2015-04-02T12:00:00.000000Z",
    }
    text = PdfReader(io.BytesIO(content)).pages[0].extract_text()
    assert "Notice of a temporary restriction" in text
    assert "Legal Department" in text
    assert (notice.state, notice.reference) == (NoticeState.SENT, f"letter/{notice.id}")
    (attempt,) = attempts_of(engine, notice.id)
    assert f"SHA-256 {line['sha256']}" in (attempt.evidence or "")
    (event,) = events_of(engine, notice.id)
    assert event.status is DeliveryStatus.ATTEMPTED, "a printer's folder is no mailing"
    assert not done.step_complete
    with reading(engine) as session:
        assert chain_faults(session) == []


def test_the_carriers_word_makes_it_mailed_and_delivered_and_counts_once(
    engine: Engine, tmp_path: Path, folder: Path
) -> None:
    plan_id = a_letter_plan(engine, tmp_path)
    printer = PrintFolder(folder)
    dispatch_due(engine, by_letter(printer), plan_id, CLOCK)
    notice = the_notice(engine, plan_id)
    with (folder / EVENTS).open("w") as out:
        for event in (MAILED, {**DELIVERED, "key": "another"}):
            out.write(json.dumps({"key": key_of(notice), **event}) + "\n")
        out.write('{"key": unfinished')
    later = NOON + timedelta(days=1)
    assert in_the_list(engine) == "handed to the printer"
    assert collect_carrier_events(engine, printer, later).new_events == 1
    assert in_the_list(engine) == "mailed"
    assert collect_carrier_events(engine, printer, later).new_events == 0
    assert dispatch_due(engine, by_letter(printer), plan_id, StandingClock(later)).step_complete
    (folder / EVENTS).write_text(json.dumps({"key": key_of(notice), **DELIVERED}) + "\n")
    week_later = NOON + timedelta(days=8)
    collected = collect_carrier_events(engine, printer, week_later)
    assert (collected.new_events, collected.faults) == (1, ())
    assert in_the_list(engine) == "delivered"
    handed, mailed, delivered = events_of(engine, notice.id)
    assert [event.status for event in (handed, mailed, delivered)] == [
        DeliveryStatus.ATTEMPTED,
        DeliveryStatus.ACCEPTED,
        DeliveryStatus.DELIVERED,
    ]
    assert json.loads(delivered.raw or "") == {"key": key_of(notice), **DELIVERED}, "kept raw"
    assert delivered.source == "print folder: EMI"
    assert delivered.source_at == datetime(2015, 4, 9, 14, 12, tzinfo=UTC), (
        "the carrier's own time, in New York"
    )
    assert (delivered.at, handed.source_at) == (week_later, None)
    assert collect_carrier_events(engine, printer, week_later).new_events == 0
    with reading(engine) as session:
        assert chain_faults(session) == []


def test_the_company_gets_the_letter_with_a_key_and_a_token(
    sqlite_engine: Engine, tmp_path: Path, company: PrintCompany
) -> None:
    plan_id = a_letter_plan(sqlite_engine, tmp_path)
    dispatch_due(sqlite_engine, by_letter(interface(company)), plan_id, CLOCK)
    notice = the_notice(sqlite_engine, plan_id)
    letter = company.letters[key_of(notice)]
    assert base64.b64decode(letter.pop("pdf")) == notice.message
    assert letter == {
        "reference": notice.id,
        "class": "standard",
        "address": {
            "lines": [
                *("Acme Ltd.", "Legal Department", "1 Main Street", "New York NY 10001"),
                "UNITED STATES",
            ],
            "country": "US",
        },
        "pages": 2,
        "sha256": notice.message_sha256,
    }
    assert company.tokens == ["Bearer a-token"]
    company.events[key_of(notice)] = [MAILED, DELIVERED]
    assert collect_carrier_events(sqlite_engine, interface(company), NOON).new_events == 2


@pytest.mark.parametrize(
    ("answers", "outcome", "posts"),
    [
        ([503, 429], Outcome.SENT, 3),
        ([500, 500, 500], Outcome.DEFERRED, 3),
        (["hang_up"], Outcome.SENT, 2),
        (["hang_up", "hang_up", "hang_up"], Outcome.UNKNOWN, 3),
        ([422], Outcome.FAILED, 1),
        ([401], Outcome.DEFERRED, 1),
        (["other"], Outcome.UNKNOWN, 1),
        ([302], Outcome.DEFERRED, 1),
    ],
)
def test_what_the_company_answers_decides_and_no_letter_is_printed_twice(
    company: PrintCompany, answers: list[int | str], outcome: Outcome, posts: int
) -> None:
    job = PrintJob("n1", "n1-abc", ("Acme", "Town"), "US", "standard", sha256_hex(b"%PDF"), 1, b"%PDF")
    company.next_answers = list(answers)
    handed = interface(company).print(job, CLOCK)
    assert handed.outcome is outcome
    assert len(company.tokens) == posts
    assert len(company.printed) <= 1
    assert sum("POST /letters" in line for line in handed.said) == posts, "every answer is on record"


def test_a_letter_of_unknown_outcome_goes_again_with_the_same_bytes_under_the_same_key(
    sqlite_engine: Engine, tmp_path: Path, company: PrintCompany
) -> None:
    plan_id = a_letter_plan(sqlite_engine, tmp_path)
    company.next_answers = ["hang_up"]
    dispatch_due(sqlite_engine, by_letter(interface(company, tries=1)), plan_id, CLOCK)
    assert the_notice(sqlite_engine, plan_id).state is NoticeState.DEFERRED
    later = StandingClock(NOON + timedelta(hours=1))
    dispatch_due(sqlite_engine, by_letter(interface(company)), plan_id, later)
    notice = the_notice(sqlite_engine, plan_id)
    first, second = attempts_of(sqlite_engine, notice.id)
    assert (first.outcome, second.outcome) == (Outcome.UNKNOWN, Outcome.SENT)
    assert first.message_sha256 == second.message_sha256
    assert company.printed == [key_of(notice)]


def test_a_company_that_is_away_defers_the_letter() -> None:
    job = PrintJob("n1", "n1-abc", ("Acme", "Town"), "US", "standard", "0" * 64, 1, b"%PDF")
    away = PrintInterface("http://127.0.0.1:9/v1", timeout_seconds=1, tries=2, wait=wait_none())
    handed = away.print(job, CLOCK)
    assert handed.outcome is Outcome.DEFERRED
    assert len(handed.said) == 2
    with pytest.raises(CjpFraudError, match="tells no events of letter"):
        away.events("n1-abc")


def test_the_folder_takes_a_letter_once_and_a_missing_folder_defers_it(folder: Path) -> None:
    job = PrintJob("n1", "n1-abc", ("Acme", "Town"), "US", "standard", sha256_hex(b"%PDF"), 1, b"%PDF")
    (folder / MANIFEST).write_text('{"key": "half a li')
    printer = PrintFolder(folder)
    assert [printer.print(job, CLOCK).outcome for _ in range(2)] == [Outcome.SENT, Outcome.SENT]
    assert [line["key"] for line in lines_of(folder / MANIFEST)] == ["n1-abc"]
    assert (folder / "n1-abc.pdf").read_bytes() == b"%PDF"
    assert not list(folder.glob("*.part"))
    gone = PrintFolder(folder / "not mounted").print(job, CLOCK)
    assert gone.outcome is Outcome.DEFERRED
    assert "there is no folder" in gone.said[0]


@pytest.mark.parametrize(
    ("changes", "status", "negative"),
    [
        ({"code": "ema"}, DeliveryStatus.ACCEPTED, False),
        ({"code": "EMH"}, DeliveryStatus.ACCEPTED, False),
        ({"code": "EMI"}, DeliveryStatus.DELIVERED, False),
        ({"code": "RTS"}, DeliveryStatus.ACCEPTED, True),
        ({"code": "XYZ"}, DeliveryStatus.ATTEMPTED, False),
    ],
)
def test_an_event_proves_what_its_code_says_and_no_more(
    changes: dict[str, str], status: DeliveryStatus, negative: bool
) -> None:
    event = read_event({**DELIVERED, **changes})
    evidence = evidence_of(event, "the post", None)
    assert (evidence.status, evidence.negative) == (status, negative)
    assert event.at.isoformat() == "2015-04-09T10:12:00-04:00"
    assert (event.signatory, event.item) == ("R. Miller", "RR123456785US")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"code": ""}, "has no code"),
        ({"local_time": "yesterday"}, "has no local time"),
        ({"local_time": "2015-04-09T10:12:00Z"}, "it has an offset"),
        ({"zone": "Mars/Olympus"}, "Mars/Olympus"),
    ],
)
def test_an_event_that_cannot_be_read_is_said(changes: dict[str, str], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        read_event({**DELIVERED, **changes})


@pytest.mark.parametrize(
    ("local_time", "said"),
    [("2015-04-01T07:59:00", "before its letter was handed over"), ("2015-04-03T08:01:00", "still to come")],
)
def test_an_event_that_cannot_be_of_the_letter_is_kept_raw_and_proves_nothing(
    sqlite_engine: Engine, tmp_path: Path, company: PrintCompany, local_time: str, said: str
) -> None:
    plan_id = a_letter_plan(sqlite_engine, tmp_path)
    dispatch_due(sqlite_engine, by_letter(interface(company)), plan_id, CLOCK)  # 2015-04-02 08:00 in New York
    notice = the_notice(sqlite_engine, plan_id)
    company.events[key_of(notice)] = [{**DELIVERED, "local_time": local_time}]
    assert said in collect_carrier_events(sqlite_engine, interface(company), NOON).faults[0]
    _, kept = events_of(sqlite_engine, notice.id)
    assert (kept.authenticated, kept.status, local_time in (kept.raw or "")) == (
        False,
        DeliveryStatus.QUEUED,
        True,
    )


def test_a_letter_that_comes_back_after_its_delivery_contradicts_it(
    sqlite_engine: Engine, tmp_path: Path, company: PrintCompany
) -> None:
    plan_id = a_letter_plan(sqlite_engine, tmp_path)
    dispatch_due(sqlite_engine, by_letter(interface(company)), plan_id, CLOCK)
    notice = the_notice(sqlite_engine, plan_id)
    company.events[key_of(notice)] = [DELIVERED]
    collect_carrier_events(sqlite_engine, interface(company), NOON + timedelta(days=8))
    back = {"code": "RTS", "local_time": "2015-04-20T09:00:00", "zone": "America/New_York"}
    company.events[key_of(notice)] = [DELIVERED, back]
    assert (
        collect_carrier_events(sqlite_engine, interface(company), NOON + timedelta(days=19)).new_events == 1
    )
    with reading(sqlite_engine) as session:
        progress = progress_at(session, plan_id, NOON + timedelta(days=19))
    assert [each.notice_id for each in progress.contradictions] == [notice.id]
    assert events_of(sqlite_engine, notice.id)[-1].erds_event == "ContentConsignmentFailure"


def test_an_event_that_cannot_be_read_is_kept_raw_and_proves_nothing(
    sqlite_engine: Engine, tmp_path: Path, company: PrintCompany
) -> None:
    plan_id = a_letter_plan(sqlite_engine, tmp_path)
    dispatch_due(sqlite_engine, by_letter(interface(company)), plan_id, CLOCK)
    notice = the_notice(sqlite_engine, plan_id)
    company.events[key_of(notice)] = [{**DELIVERED, "zone": "Mars/Olympus"}]
    collected = collect_carrier_events(sqlite_engine, interface(company), NOON)
    assert collected.new_events == 1
    assert "Mars/Olympus" in collected.faults[0]
    _, kept = events_of(sqlite_engine, notice.id)
    assert (kept.authenticated, kept.status) == (False, DeliveryStatus.QUEUED)
    assert "R. Miller" in (kept.raw or "")
    assert collect_carrier_events(sqlite_engine, interface(company), NOON).faults == ()


def test_a_deployment_serves_by_letter_once_a_printer_is_set(tmp_path: Path, company: PrintCompany) -> None:
    plain = Deployment(load_settings(home=tmp_path))
    assert LETTER not in plain.notice_methods.by_name
    by_folder = Deployment(load_settings(home=tmp_path, print_folder=tmp_path))
    assert by_folder.notice_methods.by_name[LETTER].printer == PrintFolder(tmp_path)
    by_company = Deployment(load_settings(home=tmp_path, print_url=company.url, print_token="t"))
    assert by_company.notice_methods.by_name[LETTER].printer.name.startswith("print interface 127.0.0.1")
    for served in (plain, by_folder, by_company):
        assert served.policy.methods == set(served.notice_methods.by_name)
    for url in ("http://printer.example/v1", "ftp://printer.example", "https://"):
        with pytest.raises(BadInputError, match="write https"):
            load_settings(home=tmp_path, print_url=url)
    outside = load_settings(home=tmp_path, print_url="https://printer.example/v1")
    assert outside.reaches_outside == "CJP_FRAUD_PRINT_URL"
