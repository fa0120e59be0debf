"""How far a message goes as evidence: the ladder, who vouches, and what only a person can settle."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.notices.erds import erds_event
from cjp_fraud.notices.model import DeliveryEvidence
from cjp_fraud.notices.reports.model import InboundReport, RecipientReport, ReportKind
from cjp_fraud.notices.weighing import Match, MatchedBy, Voucher, Weight, weigh

ADDRESS = "legal@acme.example"
VOUCHED = Match(MatchedBy.RETURN_PATH, frozenset({Voucher.RETURN_PATH}), ADDRESS, "E-1")
UNVOUCHED = replace(VOUCHED, by=MatchedBy.ENVELOPE_ID, vouchers=frozenset())


def a_message(
    action: str | None = None,
    status: str | None = None,
    *,
    kind: ReportKind = ReportKind.REPORT,
    **changes: object,
) -> InboundReport:
    said = (RecipientReport(ADDRESS, action, status),) if action else ()
    return replace(InboundReport(kind, said), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("action", "status", "reached", "negative"),
    [
        ("failed", "5.1.1", DeliveryStatus.ATTEMPTED, True),
        ("failed", "4.4.7", DeliveryStatus.ATTEMPTED, True),
        ("failed", None, DeliveryStatus.ATTEMPTED, True),
        ("delayed", "4.4.1", DeliveryStatus.ATTEMPTED, False),
        ("relayed", "2.0.0", DeliveryStatus.RELAYED, False),
        ("expanded", "2.1.5", DeliveryStatus.RELAYED, False),
        ("delivered", "2.0.0", DeliveryStatus.DELIVERED, False),
    ],
)
def test_each_action_reaches_its_rung(
    action: str, status: str | None, reached: DeliveryStatus, negative: bool
) -> None:
    assert weigh(a_message(action, status), VOUCHED) == Weight(reached, negative, True, None)


@pytest.mark.parametrize("action", ["relayed", "expanded"])
def test_relayed_and_expanded_are_no_delivery(action: str) -> None:
    assert not weigh(a_message(action, "2.0.0"), VOUCHED).status.reaches(DeliveryStatus.DELIVERED)


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("expired", None),
        ("deliverable", "2.0.0"),
        ("delivered", "5.1.1"),
        ("delivered", None),
        ("failed", "2.0.0"),
        ("relayed", "4.0.0"),
    ],
)
def test_an_action_outside_the_standard_or_against_its_status_proves_nothing(
    action: str, status: str | None
) -> None:
    weight = weigh(a_message(action, status), VOUCHED)
    assert not weight.authenticated
    assert weight.needs_person is not None


@pytest.mark.parametrize("voucher", list(Voucher))
def test_one_of_three_vouchers_suffices(voucher: Voucher) -> None:
    match = replace(UNVOUCHED, vouchers=frozenset({voucher}))
    assert weigh(a_message("delivered", "2.0.0"), match).authenticated


@given(
    st.sampled_from(ReportKind),
    st.sampled_from(["failed", "delivered", "displayed", "relayed", "expired", None]),
    st.sampled_from(["5.1.1", "2.0.0", None]),
    st.booleans(),
    st.sampled_from(
        [
            UNVOUCHED,
            replace(UNVOUCHED, by=MatchedBy.MESSAGE_ID),
            replace(UNVOUCHED, expired=True),
            replace(VOUCHED, several=True),
            replace(VOUCHED, envid="E-2"),
        ]
    ),
)
def test_what_nobody_vouches_for_never_counts_and_always_needs_a_person(
    kind: ReportKind, action: str | None, status: str | None, gone: bool, match: Match
) -> None:
    weight = weigh(a_message(action, status, kind=kind, envid="E-1", wrong_addressee=gone), match)
    assert not weight.authenticated or match is VOUCHED
    assert weight.needs_person is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"envid": "E-9"},
        {"recipients": (RecipientReport("x@y.example", "failed", "5.1.1", "other@acme.example"),)},
    ],
)
def test_a_report_that_names_another_message_is_for_a_person(changes: dict[str, object]) -> None:
    weight = weigh(replace(a_message("failed", "5.1.1"), **changes), VOUCHED)  # type: ignore[arg-type]
    assert not weight.authenticated
    assert weight.needs_person is not None


def test_of_several_recipients_the_one_who_was_served_counts() -> None:
    others = (
        RecipientReport("other@acme.example", "failed", "5.1.1"),
        RecipientReport(ADDRESS, "delivered", "2.0.0"),
    )
    assert weigh(InboundReport(ReportKind.REPORT, others), VOUCHED).status is DeliveryStatus.DELIVERED


def test_of_several_words_about_one_recipient_the_least_favourable_counts() -> None:
    said = (RecipientReport(ADDRESS, "delivered", "2.0.0"), RecipientReport(ADDRESS, "failed", "5.1.1"))
    assert weigh(InboundReport(ReportKind.REPORT, said), VOUCHED).negative


def test_words_alone_never_claim_a_delivery() -> None:
    weight = weigh(a_message("delivered", "2.0.0", kind=ReportKind.BOUNCE), VOUCHED)
    assert not weight.authenticated


@pytest.mark.parametrize(
    ("disposition", "counts"),
    [
        ("displayed", True),
        ("deleted", False),
        ("displayed/error", False),
        ("dispatched", False),
        ("denied", False),
    ],
)
def test_a_read_receipt_counts_as_displayed_and_as_nothing_else(disposition: str, counts: bool) -> None:
    weight = weigh(a_message(disposition, kind=ReportKind.RECEIPT), VOUCHED)
    assert (weight.authenticated and weight.status is DeliveryStatus.DISPLAYED) is counts
    assert (weight.needs_person is None) is counts


def test_an_absence_note_is_no_delivery_and_needs_nobody() -> None:
    weight = weigh(a_message(kind=ReportKind.AUTO_REPLY), VOUCHED)
    assert weight == Weight(DeliveryStatus.ATTEMPTED, negative=False, authenticated=True, needs_person=None)


@pytest.mark.parametrize(
    "message",
    [
        a_message(kind=ReportKind.AUTO_REPLY, wrong_addressee=True),
        a_message(kind=ReportKind.AUTO_REPLY, challenge=True),
        a_message(kind=ReportKind.COMPLAINT),
        a_message(kind=ReportKind.NONE),
        a_message(kind=ReportKind.NONE, unreadable="RecursionError"),
        a_message(kind=ReportKind.REPORT),
    ],
)
def test_what_tells_more_than_an_outcome_is_for_a_person(message: InboundReport) -> None:
    weight = weigh(message, VOUCHED)
    assert not weight.authenticated
    assert not weight.negative
    assert weight.needs_person is not None


@pytest.mark.parametrize(
    ("status", "negative", "kind", "name"),
    [
        (DeliveryStatus.SENT, False, None, "SubmissionAcceptance"),
        (DeliveryStatus.ATTEMPTED, True, None, "SubmissionRejection"),
        (DeliveryStatus.ACCEPTED, True, None, "ContentConsignmentFailure"),
        (DeliveryStatus.ACCEPTED, False, None, "RelayToNonERDS"),
        (DeliveryStatus.RELAYED, False, ReportKind.REPORT, "RelayToNonERDS"),
        (DeliveryStatus.DELIVERED, False, ReportKind.REPORT, "ContentConsignment"),
        (DeliveryStatus.ATTEMPTED, True, ReportKind.BOUNCE, "ContentConsignmentFailure"),
        (DeliveryStatus.DISPLAYED, False, ReportKind.RECEIPT, "ContentAccessTracking"),
        (DeliveryStatus.DISPLAYED, False, None, "ConsignmentNotification"),
        (DeliveryStatus.ACKNOWLEDGED, False, None, "ConsignmentAcceptance"),
        (DeliveryStatus.ATTEMPTED, False, ReportKind.REPORT, None),
    ],
)
def test_events_carry_the_names_of_the_standard(
    status: DeliveryStatus, negative: bool, kind: ReportKind | None, name: str | None
) -> None:
    evidence = DeliveryEvidence(status, negative, True, "test", "", kind=kind)
    assert erds_event(evidence) == name
    assert erds_event(replace(evidence, authenticated=False)) is None


@given(
    st.sampled_from(ReportKind),
    st.sampled_from(["delivered", "displayed", "relayed", "expanded", "acknowledged", "read", "clicked"]),
    st.sampled_from(["2.0.0", "2.1.5", None]),
)
def test_no_mail_is_an_acknowledgement_and_only_a_read_receipt_says_that_it_was_displayed(
    kind: ReportKind, action: str, status: str | None
) -> None:
    weight = weigh(a_message(action, status, kind=kind), VOUCHED)
    assert not weight.status.reaches(DeliveryStatus.ACKNOWLEDGED)
    if weight.status.reaches(DeliveryStatus.DISPLAYED):
        assert (kind, action) == (ReportKind.RECEIPT, "displayed")


@pytest.mark.parametrize("status", ["4.2.2", "5.2.2"])
def test_a_full_mailbox_is_no_delivery(status: str) -> None:
    weight = weigh(a_message("failed", status), VOUCHED)
    assert weight == Weight(DeliveryStatus.ATTEMPTED, negative=True, authenticated=True, needs_person=None)
