"""Messages that come back: read, whatever their bytes are, and never trusted further than they go."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.notices.reports.addresses import addresses_in, from_xtext, typed_address, xtext
from cjp_fraud.notices.reports.model import RecipientReport, ReportKind
from cjp_fraud.notices.reports.reading import read_message
from cjp_fraud.notices.reports.status_codes import code_in
from tests.delivery_reports import a_report

RETURNED = Path(__file__).resolve().parents[2] / "returned_mail"
LEGAL = "legal@acme.example"

EXPECTED = {
    "bracketed": (ReportKind.BOUNCE, [(LEGAL, "failed", "5.1.1", True)]),
    "chinese": (ReportKind.BOUNCE, [(LEGAL, "failed", "5.0.0", True)]),
    "complaint": (ReportKind.COMPLAINT, [(LEGAL, None, None, None)]),
    "courier_text": (ReportKind.BOUNCE, [(LEGAL, "failed", "5.1.1", True)]),
    "delayed_exim": (ReportKind.BOUNCE, [(LEGAL, "delayed", "4.0.0", False)]),
    "domino": (ReportKind.BOUNCE, [(LEGAL, "failed", "5.0.0", True)]),
    "exchange_5_5": (ReportKind.BOUNCE, [(LEGAL, "failed", "5.0.0", True)]),
    "exchange_smtp_address": (ReportKind.BOUNCE, [(LEGAL, "failed", "5.0.0", True)]),
    "german_html": (ReportKind.BOUNCE, [(LEGAL, "failed", "5.2.1", True)]),
    "global_report": (ReportKind.REPORT, [("法務@acme.example", "failed", "5.1.1", True)]),
    "james": (ReportKind.BOUNCE, [(LEGAL, "failed", "5.0.0", True)]),
    "japanese": (ReportKind.BOUNCE, [(LEGAL, "failed", "5.0.0", True)]),
    "no_longer_employed": (ReportKind.AUTO_REPLY, [(LEGAL, None, None, None)]),
    "ordinary_mail": (ReportKind.NONE, []),
    "out_of_office": (ReportKind.AUTO_REPLY, [(LEGAL, None, None, None)]),
    "read_receipt": (ReportKind.RECEIPT, [(LEGAL, "displayed", None, None)]),
    "relayed": (ReportKind.REPORT, [(LEGAL, "relayed", "2.0.0", None)]),
    "scanner": (ReportKind.BOUNCE, [(LEGAL, "failed", "5.1.1", True)]),
    "session_transcript": (ReportKind.BOUNCE, [(LEGAL, "failed", "4.1.1", False)]),
    "two_recipients": (
        ReportKind.BOUNCE,
        [(LEGAL, "failed", "5.1.1", True), ("finance@acme.example", "failed", "4.2.2", False)],
    ),
    "unknown_action": (ReportKind.REPORT, [(LEGAL, "deliverable", "2.0.0", None)]),
    "warning_sendmail": (ReportKind.BOUNCE, [(LEGAL, "delayed", "4.0.0", False)]),
}
"""What each message of our own writing says; the formats are those of mail systems in use."""


def test_every_message_of_ours_has_an_expectation() -> None:
    assert sorted(EXPECTED) == sorted(file.stem for file in RETURNED.glob("*.eml"))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_what_a_message_says_is_read(name: str) -> None:
    report = read_message((RETURNED / f"{name}.eml").read_bytes())
    said = [(each.address, each.action, each.status, each.permanent) for each in report.recipients]
    assert (report.kind, said) == EXPECTED[name]


def test_a_global_report_names_the_recipient_in_both_forms_of_utf_8() -> None:
    report = read_message((RETURNED / "global_report.eml").read_bytes())
    assert report.original_recipients == {"法務@acme.example"}
    assert report.envid == "0190-abc"


def test_an_absence_note_and_a_departure_are_told_apart() -> None:
    gone = {
        name: read_message((RETURNED / f"{name}.eml").read_bytes()).wrong_addressee
        for name in ("out_of_office", "no_longer_employed", "domino")
    }
    assert gone == {"out_of_office": False, "no_longer_employed": True, "domino": False}


def test_a_reply_that_asks_to_confirm_is_a_challenge() -> None:
    content = b"From: a@acme.example\r\nAuto-Submitted: auto-replied\r\n\r\nPlease confirm your message.\r\n"
    assert read_message(content).challenge


@pytest.mark.parametrize("action", ["failed", "delayed", "relayed", "expanded", "Delivered"])
def test_a_report_is_read_as_it_stands(action: str) -> None:
    report = read_message(
        a_report("bounce+abc@provider.example", action, envid="E-1", original="a+b@acme.example")
    )
    assert report.kind is ReportKind.REPORT
    assert [each.action for each in report.recipients] == [action.lower()]
    assert report.sent_to == {"bounce+abc@provider.example"}
    assert report.envid == "E-1"
    assert report.original_recipients == {"a+b@acme.example"}


def test_a_part_for_machines_wins_over_the_text() -> None:
    content = a_report("x@y.example", "delayed").replace(
        b"See below.", b"550 5.1.1 <other@acme.example> failed for good"
    )
    (said,) = read_message(content).recipients
    assert (said.address, said.action, said.status) == ("someone@acme.example", "delayed", "4.4.1")


def test_an_encoded_status_part_is_decoded() -> None:
    plain = (
        b"Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; a@acme.example\nAction: failed\nStatus: 5.1.1\n"
    )
    content = (
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n--b\n'
        b"Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(plain)
        + b"\n--b--\n"
    )
    assert read_message(content).recipients == (RecipientReport("a@acme.example", "failed", "5.1.1"),)


@pytest.mark.parametrize("order", [("delivered", "failed"), ("failed", "delivered")])
def test_a_second_status_part_counts_like_the_first(order: tuple[str, str]) -> None:
    statuses = {"delivered": "2.0.0", "failed": "5.1.1"}
    parts = "".join(
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\n"
        f"Final-Recipient: rfc822; a@acme.example\nAction: {action}\nStatus: {statuses[action]}\n\n"
        for action in order
    )
    content = f'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n{parts}--b--\n'
    assert [each.action for each in read_message(content.encode()).recipients] == list(order)


@pytest.mark.parametrize(
    ("written", "action"),
    [
        ("delivered (to the mailbox)", "delivered"),
        ("(delivered) failed", "failed"),
        ("delivered, failed", "delivered, failed"),
        ("delivered to quarantine", "delivered to quarantine"),
        ("failed permanently", "failed"),
        ("(delivered)", None),
        ("2", None),
    ],
)
def test_an_action_beside_which_more_stands_claims_no_delivery(written: str, action: str | None) -> None:
    (said,) = read_message(a_report("x@y.example", written)).recipients
    assert said.action == action


def test_several_recipients_in_one_group_are_told_apart() -> None:
    content = (
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n--b\n'
        b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n"
        b"Final-Recipient: rfc822; a@acme.example\nAction: failed\nStatus: 5.1.1\n"
        b"Final-Recipient: rfc822; b@acme.example\nAction: delayed\nStatus: 4.4.1\n\n--b--\n"
    )
    assert [(each.address, each.action) for each in read_message(content).recipients] == [
        ("a@acme.example", "failed"),
        ("b@acme.example", "delayed"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff\xfe",
        b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\nno parts\r\n",
        b"From: a@acme.example\r\nSubject: Undeliverable goods\r\n\r\nYour goods to x@acme.example failed.\r\n",
        b"Subject: Delivered\r\n\r\nYour order was delivered to a@acme.example.\r\n",
        b"Subject: Re: Notice\r\n\r\nThe delivery failed? We know nothing about it, ask b@acme.example.\r\n",
    ],
)
def test_other_mail_is_no_report(content: bytes) -> None:
    assert read_message(content).kind is ReportKind.NONE


def test_the_wish_for_no_automatic_reply_does_not_make_a_mail_one() -> None:
    content = b"Subject: Re: Notice\r\nX-Auto-Response-Suppress: All\r\n\r\nWe looked into it.\r\n"
    assert read_message(content).kind is ReportKind.NONE


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("host mx said: 550-5.7.26 not accepted", "5.7.26"),
        ("<a@b.example>: 452 4.2.2 full", "4.2.2"),
        ("Remote host said: 550 unknown user", "5.0.0"),
        ("ResponseCode 421, , Host not reachable", "4.0.0"),
        ("Sorry (#5.1.2)", "5.1.2"),
        ("250 2.1.0 Ok, then 554 5.7.1 denied", "5.7.1"),
        ("mx.example [192.0.2.25] version 4.86 since 5.65/1.37 after 432000 seconds", None),
        ("it was 450 kilobytes large, sent from 5.1.1.9", None),
    ],
)
def test_a_status_is_found_where_a_server_says_one(text: str, status: str | None) -> None:
    assert code_in(text) == status


@given(st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), max_size=30))
def test_xtext_comes_back(text: str) -> None:
    assert from_xtext(xtext(text)) == text


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("rfc822; legal@acme.example", "legal@acme.example"),
        ("rfc822;<legal@acme.example>", "legal@acme.example"),
        ("legal@acme.example", "legal@acme.example"),
        ('rfc822; "a b"@acme.example', '"a b"@acme.example'),
        ("x-local; legal", None),
        (r"utf-8; \x{6CD5}@acme.example", "法@acme.example"),
        (r"utf-8; \x{110000}\x{D800}@acme.example", r"\x{110000}\x{D800}@acme.example"),
        ("", None),
    ],
)
def test_addresses_of_fields(field: str, address: str | None) -> None:
    assert typed_address(field) == address


def test_addresses_stand_anywhere_in_a_text() -> None:
    text = "to <a.b+c@acme.example>, 'd@acme.example' and \"e f\"@acme.example. See https://x.example/@y"
    assert list(addresses_in(text)) == ["a.b+c@acme.example", "d@acme.example", '"e f"@acme.example']


@pytest.mark.thorough
@given(st.binary(max_size=400), st.integers(0, 2000), st.sampled_from(sorted(EXPECTED)))
def test_no_damage_makes_a_report_an_error_or_a_delivery(noise: bytes, place: int, name: str) -> None:
    whole = (RETURNED / f"{name}.eml").read_bytes()
    for content in (whole[:place] + noise + whole[place:], whole[:place], whole[:place] + noise):
        report = read_message(content)
        assert report.unreadable is None
        assert all(each.action != "delivered" for each in report.recipients)


@pytest.mark.thorough
@given(st.binary(max_size=2000))
def test_any_bytes_can_be_read(content: bytes) -> None:
    assert read_message(content).unreadable is None


@pytest.mark.parametrize(
    "content",
    [
        b"From: mailer-daemon@x\nContent-Type: text/plain; charset=utf-7\n\n<a+2AA-b@acme.example>: 550 no\n",
        b"From: mailer-daemon@x\nContent-Type: text/plain; charset=unicode_escape\n\n<a\\ud800b@acme.example>: 550\n",
        b"From: x@y\n\n"
        + rb'{"notificationType":"Bounce","bounce":{"bouncedRecipients":[{"emailAddress":"a\ud800@b.c"}]}}',
    ],
)
def test_half_characters_become_whole(content: bytes) -> None:
    (said,) = read_message(content).recipients
    assert (said.address or "").encode()


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: failure notice\nFrom: mailer-daemon@x\n\n" + b"a" * 60_000,
        b"Subject: failure notice\nFrom: mailer-daemon@x\n\n" + b"a@" * 30_000,
        b"Subject: failure notice\nFrom: mailer-daemon@x\n\n" + b"<" * 60_000,
        b"Subject: failure notice\nFrom: mailer-daemon@x\n\n" + b"To: x\n" * 10_000,
        b"Subject: failure notice\nFrom: mailer-daemon@x\n\n" + b"not " * 15_000,
        b"Subject: failure notice\nFrom: mailer-daemon@x\nContent-Type: text/html\n\n" + b"<style>" * 8_000,
        b"Subject: " + b"deliver" * 8_000 + b"\n\n",
        b"\n".join(b"Content-Type: message/rfc822\n" for _ in range(500)),
    ],
)
def test_no_message_takes_long(content: bytes) -> None:
    begun = time.process_time()
    read_message(content)
    assert time.process_time() - begun < 3


@pytest.mark.parametrize(
    ("date", "dated"),
    [
        (b"Fri, 27 Feb 2026 18:20:00 -0500", datetime(2026, 2, 27, 23, 20, tzinfo=UTC)),
        (b"Fri, 27 Feb 2026 18:20:00 -0000", datetime(2026, 2, 27, 18, 20, tzinfo=UTC)),
        (b"yesterday", None),
        (b"Fri, 99 Feb 9999999 18:20:00 +9999", None),
        (b"", None),
    ],
)
def test_a_message_has_its_own_date_where_that_can_be_read(date: bytes, dated: datetime | None) -> None:
    report = read_message(b"Date: " + date + b"\nSubject: hello\n\nhello\n")
    assert (report.dated, report.unreadable) == (dated, None)
