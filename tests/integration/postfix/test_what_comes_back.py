"""Notices through a real Postfix: what it reports, what that counts for, and what the gate answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.receipt_rule import Basis
from cjp_fraud.notices.model import Outcome
from cjp_fraud.notices.reports.model import ReportKind
from cjp_fraud.review.model import CaseState
from tests.cutting_proxies import CutAt, cut_line
from tests.mail_routes import MailRoute, ServedByMail
from tests.mail_servers import smtp_server
from tests.scripted_mail_servers import scripted_server

NoticeTo = Callable[..., ServedByMail]

NOT_COMPLETE = "gate point 5: the contract's notice is not complete"
ALL_FAILED = "gate point 5: every method of serving that the contract permits has failed"
CONTRADICTED = "did not arrive is not resolved by a person"
DELIVERED = (DeliveryStatus.DELIVERED, False, True)
RELAYED = (DeliveryStatus.RELAYED, False, True)
STILL_TRIED = (DeliveryStatus.ATTEMPTED, False, True)
RETURNED = (DeliveryStatus.ATTEMPTED, True, True)


def assert_shut(served: ServedByMail, *because: str) -> None:
    """Assert that the gate is shut because of the notice."""
    assert {NOT_COMPLETE, *because} <= set(served.shut_by())


def outcomes(served: ServedByMail) -> list[Outcome | None]:
    return [attempt.outcome for attempt in served.record().attempts]


def test_a_notice_that_the_customers_server_delivered_opens_the_gate(
    notice_to: NoticeTo, route: MailRoute
) -> None:
    served = notice_to("notices@acme.example")
    assert served.dispatch().state is CaseState.APPROVED
    assert_shut(served)

    served.collect()

    assert served.rungs() == [DELIVERED]
    [event] = served.reported()
    assert (event.kind, event.erds_event) == (ReportKind.REPORT, "ContentConsignment")
    assert served.shut_by() == ()
    assert served.dispatch().state is CaseState.SUSPENDED
    assert outcomes(served) == [Outcome.SENT]
    [arrived] = route.theirs.messages("notices")
    assert arrived.startswith(b"Return-Path: <b+"), (
        "never the null sender, which no report could come back to"
    )
    assert arrived.replace(b"\n", b"\r\n").endswith(served.letter().partition(b"From:")[2])


def test_a_notice_that_went_on_to_a_server_without_reports_is_relayed_and_not_delivered(
    notice_to: NoticeTo, route: MailRoute
) -> None:
    served = notice_to("legal@elsewhere.example")
    with smtp_server(route.elsewhere) as last:
        last.offers_reports = False
        served.dispatch()
        served.collect()
    assert served.rungs() == [RELAYED]
    assert served.reported()[0].erds_event == "RelayToNonERDS"
    assert_shut(served)
    assert "shows more than relayed" in served.dispatch().waiting_for[0]
    assert len(last.received) == 1


def test_a_notice_to_a_list_of_people_is_expanded_and_not_delivered(
    notice_to: NoticeTo, route: MailRoute
) -> None:
    served = notice_to("team@acme.example")
    served.dispatch()
    served.collect()
    assert any(b"Action: expanded" in report for report in route.reports)
    assert served.rungs() == [RELAYED]
    assert_shut(served)
    assert served.dispatch().state is CaseState.APPROVED
    assert [len(route.theirs.messages(name)) for name in ("ann", "bob")] == [1, 1]


def test_a_notice_to_a_list_of_whom_one_is_unknown_has_failed(notice_to: NoticeTo, route: MailRoute) -> None:
    served = notice_to("board@acme.example")
    served.dispatch()
    served.collect()
    assert set(served.rungs()) == {RELAYED, RETURNED}
    assert_shut(served, ALL_FAILED)
    assert len(route.theirs.messages("ann")) == 1


def test_a_notice_that_waits_for_a_server_that_is_down_is_delayed_and_delivered_once_it_is_up(
    notice_to: NoticeTo, route: MailRoute
) -> None:
    served = notice_to("notices@elsewhere.example")
    served.dispatch()
    served.collect(reports=1)
    assert b"Action: delayed" in route.reports[0]
    assert served.rungs() == [STILL_TRIED]
    assert_shut(served)
    assert served.dispatch().state is CaseState.APPROVED

    with cut_line(route.theirs.port, CutAt.NEVER, route.elsewhere):
        served.collect()

    assert DELIVERED in served.rungs()
    assert served.dispatch().state is CaseState.SUSPENDED
    assert outcomes(served) == [Outcome.SENT]
    assert len(route.theirs.messages("notices")) == 1


def test_a_notice_that_our_server_gave_up_after_a_time_has_failed(
    notice_to: NoticeTo, route: MailRoute
) -> None:
    served = notice_to("notices@elsewhere.example")
    served.dispatch()
    served.collect(reports=1)
    route.ours.expire()
    served.collect()
    assert served.rungs() == [STILL_TRIED, RETURNED]
    assert served.reported()[-1].erds_event == "ContentConsignmentFailure"
    assert_shut(served, ALL_FAILED)
    assert served.dispatch().state is CaseState.NOTICE_FAILED


def test_a_notice_waits_while_our_own_server_is_down(notice_to: NoticeTo, route: MailRoute) -> None:
    served = notice_to("notices@acme.example", smtp_port=route.elsewhere)
    assert "is not served yet and is tried again" in served.dispatch().waiting_for[0]
    with cut_line(route.ours.port, CutAt.NEVER, route.elsewhere):
        served.dispatch()
        served.collect()
    assert outcomes(served) == [Outcome.DEFERRED, Outcome.SENT]
    assert served.rungs() == [DELIVERED]
    assert len(route.theirs.messages("notices")) == 1


@pytest.mark.parametrize(
    ("to", "code"),
    [("nobody@acme.example", "5.1.1"), ("strict@acme.example", "5.7.1"), ("full@acme.example", "5.2.2")],
)
def test_a_notice_to_an_unknown_user_or_a_full_mailbox_or_from_a_sender_who_is_refused_comes_back(
    notice_to: NoticeTo, route: MailRoute, to: str, code: str
) -> None:
    served = notice_to(to)
    served.dispatch()
    served.collect()
    [report] = route.reports
    assert f"Status: {code}".encode() in report
    assert served.rungs() == [RETURNED]
    assert_shut(served, ALL_FAILED)
    assert served.dispatch().state is CaseState.NOTICE_FAILED
    assert outcomes(served) == [Outcome.SENT]


def test_a_notice_that_came_back_after_it_counted_contradicts_its_receipt(
    notice_to: NoticeTo, route: MailRoute
) -> None:
    served = notice_to("nobody@acme.example", counts_when=Basis.SENT, wait=timedelta(hours=2))
    assert served.dispatch().state is CaseState.NOTICED
    served.collect()
    assert served.rungs() == [RETURNED]
    assert any(CONTRADICTED in sentence for sentence in served.shut_by())
    served.staffed.wait(hours=2)
    told = served.dispatch()
    assert told.state is CaseState.NOTICED
    assert any(CONTRADICTED in sentence for sentence in told.waiting_for)


def test_a_notice_that_came_back_after_the_measure_lifts_nothing_by_itself(notice_to: NoticeTo) -> None:
    served = notice_to("nobody@acme.example", counts_when=Basis.SENT)
    assert served.dispatch().state is CaseState.SUSPENDED
    served.collect()
    assert served.rungs() == [RETURNED]
    assert served.dispatch().state is CaseState.SUSPENDED
    assert served.staffed.restricted() == 1
    assert any(CONTRADICTED in sentence for sentence in served.shut_by())


def test_a_full_mailbox_that_may_be_emptied_is_a_delay_and_a_failure_once_given_up(
    notice_to: NoticeTo, route: MailRoute
) -> None:
    served = notice_to("legal@elsewhere.example")
    with scripted_server({"RCPT": b"452 4.2.2 mailbox full\r\n"}, route.elsewhere):
        served.dispatch()
        served.collect(reports=1)
        assert served.rungs() == [STILL_TRIED]
        route.ours.expire()
        served.collect()
    assert b"Status: 4.2.2" in route.reports[-1]
    assert served.rungs() == [STILL_TRIED, RETURNED]


def test_a_sender_whom_our_own_server_refuses_has_not_left(notice_to: NoticeTo, route: MailRoute) -> None:
    served = notice_to("notices@acme.example", mail_from="notices@unknown.example")
    assert served.dispatch().state is CaseState.NOTICE_FAILED
    assert outcomes(served) == [Outcome.FAILED]
    assert served.record().events[-1].erds_event == "SubmissionRejection"
    assert "gate point 5: no dispatch of a notice is on record" in served.shut_by()
    assert route.theirs.messages("notices") == []


def test_a_greylist_lets_our_servers_second_try_pass(notice_to: NoticeTo, route: MailRoute) -> None:
    served = notice_to("grey@acme.example")
    served.dispatch()
    served.collect()
    assert "Greylisted" in route.ours.log
    assert DELIVERED in served.rungs()
    assert outcomes(served) == [Outcome.SENT]
    assert len(route.theirs.messages("grey")) == 1


def test_a_greylist_lets_the_second_attempt_pass_where_the_customers_server_is_asked_directly(
    notice_to: NoticeTo, route: MailRoute
) -> None:
    served = notice_to(
        "grey@acme.example", smtp_port=route.theirs.port, smtp_recipient_domains=["acme.example"]
    )
    assert served.dispatch().state is CaseState.APPROVED
    served.dispatch()
    assert outcomes(served) == [Outcome.DEFERRED, Outcome.SENT]
    assert served.record().events[-1].status is DeliveryStatus.ACCEPTED
    served.collect()
    assert served.rungs() == [DELIVERED]
    assert len(route.theirs.messages("grey")) == 1


def test_a_notice_that_is_dropped_in_silence_is_never_delivered_and_the_case_says_so(
    notice_to: NoticeTo, route: MailRoute
) -> None:
    served = notice_to("dropped@acme.example")
    served.dispatch()
    collected = served.collect()
    assert (collected.taken, collected.new_events) == (0, 0)
    assert "DISCARD" in route.theirs.log.upper()
    assert served.rungs() == []
    assert_shut(served)
    told = served.dispatch()
    assert told.state is CaseState.APPROVED
    assert "that nothing comes back proves nothing" in told.waiting_for[0]
    assert outcomes(served) == [Outcome.SENT]
