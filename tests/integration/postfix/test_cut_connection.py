"""A line to or from a real Postfix that breaks while a notice passes: it is one notice, however often it is sent."""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes
from email.policy import default

import pytest

from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.notices.model import NoticeState, Outcome
from cjp_fraud.review.model import CaseState
from tests.cutting_proxies import CutAt, cut_line
from tests.mail_routes import MailRoute, ServedByMail

NoticeTo = Callable[..., ServedByMail]

DELIVERED = (DeliveryStatus.DELIVERED, False, True)


def text_of(message: bytes) -> str:
    """Return the text of a message, its lines as they are on this machine: a mailbox keeps no carriage returns."""
    return str(message_from_bytes(message, policy=default).get_content()).replace("\r\n", "\n")


def test_a_line_that_breaks_in_the_middle_of_the_content_delivers_one_notice_under_one_number(
    notice_to: NoticeTo, route: MailRoute
) -> None:
    with cut_line(route.ours.port, CutAt.CONTENT) as line:
        served = notice_to("notices@acme.example", smtp_port=line.port)
        served.dispatch()
        assert line.cuts == 1
        assert served.shut_by() != ()
        served.dispatch()
    served.collect()

    first, second = served.record().attempts
    assert (first.outcome, second.outcome) == (Outcome.UNKNOWN, Outcome.SENT)
    assert first.smtp is not None
    assert second.smtp is not None
    assert first.smtp.envelope_from != second.smtp.envelope_from
    [arrived] = route.theirs.messages("notices")
    assert f"Message-ID: {served.record().reference}".encode() in arrived
    assert text_of(arrived) == text_of(served.letter())
    assert served.rungs() == [DELIVERED]
    assert served.dispatch().state is CaseState.SUSPENDED


def test_a_notice_whose_reply_was_lost_goes_again_word_for_word_under_the_same_message_id(
    notice_to: NoticeTo, route: MailRoute
) -> None:
    with cut_line(route.ours.port, CutAt.REPLY) as line:
        served = notice_to("notices@acme.example", smtp_port=line.port)
        served.dispatch()
        before = served.letter()
        served.dispatch()
    served.collect()
    assert served.letter() == before
    copies = route.theirs.messages("notices")
    assert [text_of(copy) for copy in copies] == [text_of(before)] * 2
    assert {message_from_bytes(copy)["Message-ID"] for copy in copies} == {served.record().reference}
    assert served.rungs() == [DELIVERED, DELIVERED]


def test_a_notice_whose_reply_was_lost_does_not_go_again_once_a_report_shows_that_it_left(
    notice_to: NoticeTo, route: MailRoute
) -> None:
    with cut_line(route.ours.port, CutAt.REPLY) as line:
        served = notice_to("notices@acme.example", smtp_port=line.port)
        served.dispatch()
        served.collect()
        assert served.rungs() == [DELIVERED]
        assert served.dispatch().state is CaseState.SUSPENDED
        served.dispatch()
    route.settled()
    assert [attempt.outcome for attempt in served.record().attempts] == [Outcome.UNKNOWN]
    assert served.record().state is NoticeState.SENT
    assert len(route.theirs.messages("notices")) == 1


@pytest.mark.parametrize(("cut_at", "copies"), [(CutAt.CONTENT, 1), (CutAt.REPLY, 2)])
def test_a_line_between_the_servers_that_breaks_costs_our_server_another_try_and_us_none(
    notice_to: NoticeTo, route: MailRoute, cut_at: CutAt, copies: int
) -> None:
    served = notice_to("notices@elsewhere.example")
    with cut_line(route.theirs.port, cut_at, route.elsewhere) as line:
        served.dispatch()
        served.collect()
    assert line.cuts == 1
    arrived = route.theirs.messages("notices")
    assert len(arrived) == copies
    assert {message_from_bytes(copy)["Message-ID"] for copy in arrived} == {served.record().reference}
    assert DELIVERED in served.rungs()
    assert [attempt.outcome for attempt in served.record().attempts] == [Outcome.SENT]
    assert served.dispatch().state is CaseState.SUSPENDED
