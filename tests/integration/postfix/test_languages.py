"""Japanese letters through a real Postfix, and reports in Japanese and in no known encoding that come back."""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes
from email.policy import default

import pytest

from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.notices.reports.model import ReportKind
from cjp_fraud.review.model import CaseState
from tests.delivery_reports import a_report
from tests.mail_routes import MailRoute, ServedByMail
from tests.scripted_mail_servers import scripted_server

NoticeTo = Callable[..., ServedByMail]

DELIVERED = (DeliveryStatus.DELIVERED, False, True)
RETURNED = (DeliveryStatus.ATTEMPTED, True, True)
JAPANESE = "宛先が見つかりません"


def test_a_japanese_letter_arrives_as_it_left_and_its_japanese_report_counts(
    notice_to: NoticeTo, route: MailRoute
) -> None:
    served = notice_to(
        "notices@acme.example", row={"language": "ja", "country": "JP", "time_zone": "Asia/Tokyo"}
    )
    served.dispatch()
    served.collect()

    [arrived] = (message_from_bytes(each, policy=default) for each in route.theirs.messages("notices"))
    left = message_from_bytes(served.letter(), policy=default)
    assert arrived["Subject"] == left["Subject"]
    assert "通知" in arrived["Subject"]
    assert arrived.get_content() == left.get_content().replace("\r\n", "\n")
    [report] = (message_from_bytes(each, policy=default) for each in route.reports)
    assert report["Subject"] == "配信されました"
    assert served.rungs() == [DELIVERED]
    assert served.dispatch().state is CaseState.SUSPENDED


def test_a_japanese_bounce_of_a_full_mailbox_counts(notice_to: NoticeTo, route: MailRoute) -> None:
    served = notice_to("full@acme.example")
    served.dispatch()
    served.collect()
    assert "配信できませんでした".encode() in route.reports[0]
    assert served.rungs() == [RETURNED]


@pytest.mark.parametrize("encoding", ["utf-8", "shift_jis"])
def test_a_refusal_in_8_bits_is_read_whatever_its_encoding(
    notice_to: NoticeTo, route: MailRoute, encoding: str
) -> None:
    said = JAPANESE.encode(encoding)
    served = notice_to("legal@elsewhere.example")
    with scripted_server({"RCPT": b"550 5.1.1 " + said + b"\r\n"}, route.elsewhere):
        served.dispatch()
        served.collect()
    assert b"Status: 5.1.1" in route.reports[0]
    assert served.rungs() == [RETURNED]
    assert served.dispatch().state is CaseState.NOTICE_FAILED


def test_a_report_whose_subject_is_in_bare_8_bits_counts_by_its_return_path(
    notice_to: NoticeTo, route: MailRoute
) -> None:
    served = notice_to("dropped@acme.example")
    served.dispatch()
    smtp = served.record().attempts[0].smtp
    assert smtp is not None
    report = a_report(smtp.envelope_from, "failed", envid=smtp.envid).replace(
        b"Delivery Status Notification", JAPANESE.encode("shift_jis")
    )
    route.from_outside(smtp.envelope_from, report)
    served.collect()
    assert JAPANESE.encode("shift_jis") in route.reports[0]
    assert served.rungs() == [RETURNED]
    assert served.reported()[0].kind is ReportKind.REPORT
