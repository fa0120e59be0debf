"""Reports that somebody forged, through a real Postfix: they count for nothing and take nothing away."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.receipt_rule import Basis
from cjp_fraud.notices.notice_views import SmtpDetails
from cjp_fraud.review.model import CaseState
from tests.contract_builders import a_row
from tests.delivery_reports import a_report
from tests.mail_routes import MailRoute, ServedByMail

NoticeTo = Callable[..., ServedByMail]

NOBODY_VOUCHES = "nobody vouches for it"
CLAIMED_DELIVERED = (DeliveryStatus.DELIVERED, False, False)
CLAIMED_FAILED = (DeliveryStatus.ATTEMPTED, True, False)


def smtp_of(served: ServedByMail, case: str | None = None) -> SmtpDetails:
    smtp = served.record(case).attempts[-1].smtp
    assert smtp is not None
    return smtp


def test_a_report_at_one_notices_return_path_that_names_anothers_id_counts_for_neither(
    notice_to: NoticeTo, route: MailRoute
) -> None:
    served = notice_to(
        "dropped@acme.example", others=[a_row(tenant_id="other", notice_address="dropped@acme.example")]
    )
    served.dispatch()
    served.staffed.approved_case("other")
    assert served.dispatch().state is CaseState.SUSPENDED  # its contract counts from the sending
    first, second = smtp_of(served, "1"), smtp_of(served, "2")
    for action in ("delivered", "failed"):
        route.from_outside(first.envelope_from, a_report(first.envelope_from, action, envid=second.envid))

    assert served.collect().for_people == 2

    assert served.for_people("1") == ["it names the envelope of another message"] * 2
    assert set(served.rungs("1")) == {CLAIMED_DELIVERED, CLAIMED_FAILED}
    assert served.rungs("2") == []
    assert served.dispatch("1").state is CaseState.APPROVED
    assert served.dispatch("2").state is CaseState.SUSPENDED


@pytest.mark.parametrize(
    ("action", "claimed"), [("delivered", CLAIMED_DELIVERED), ("failed", CLAIMED_FAILED)]
)
def test_a_report_from_outside_that_calls_itself_our_servers_counts_for_nothing(
    notice_to: NoticeTo, route: MailRoute, action: str, claimed: tuple[DeliveryStatus, bool, bool]
) -> None:
    served = notice_to("dropped@acme.example")
    served.dispatch()
    forged = a_report("notices@provider.example", action, envid=smtp_of(served).envid)
    forged = forged.replace(b"dns; mx.acme.example", b"dns; mx.provider.example")
    received = b"Received: by mx.provider.example (Postfix) id 4711; Thu, 2 Apr 2015 12:00:00 +0000\r\n"
    route.from_outside("notices@provider.example", received + forged)

    served.collect()

    assert served.rungs() == [claimed]
    assert NOBODY_VOUCHES in served.for_people()[0]
    assert served.reported()[0].erds_event is None
    assert served.dispatch().state is CaseState.APPROVED


def test_a_guessed_return_path_is_of_no_notice(notice_to: NoticeTo, route: MailRoute) -> None:
    served = notice_to("dropped@acme.example", counts_when=Basis.SENT)
    served.dispatch()
    local, _, domain = smtp_of(served).envelope_from.partition("@")
    guessed = f"{local[:-1]}{'b' if local.endswith('a') else 'a'}@{domain}"
    route.from_outside(guessed, a_report(guessed, "failed"))
    collected = served.collect()
    assert (collected.taken, collected.new_events, collected.unmatched) == (1, 0, 1)
    assert served.rungs() == []


def test_our_own_servers_report_counts_where_the_return_path_was_rewritten(
    notice_to: NoticeTo, route: MailRoute
) -> None:
    served = notice_to("nobody@acme.example", smtp_port=route.rewriting)
    served.dispatch()
    served.collect()
    assert b"To: notices@provider.example" in route.reports[0]
    assert served.rungs() == [(DeliveryStatus.ATTEMPTED, True, True)]
    assert served.dispatch().state is CaseState.NOTICE_FAILED


def test_the_customers_report_to_a_rewritten_return_path_is_for_a_person(
    notice_to: NoticeTo, route: MailRoute
) -> None:
    served = notice_to("notices@acme.example", smtp_port=route.rewriting)
    served.dispatch()
    served.collect()
    assert served.rungs() == [CLAIMED_DELIVERED]
    assert NOBODY_VOUCHES in served.for_people()[0]
    assert served.dispatch().state is CaseState.APPROVED
