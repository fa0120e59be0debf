"""Whether one letter counts as received is told as the plan reckons it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.methods import EMAIL
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.periods import Period, WaitUnit
from cjp_fraud.contracts.receipt_rule import Basis, ReceiptRule, UnlessFailure, proof_needed
from cjp_fraud.contracts.terms import Combine, MethodRule, NoticeStep
from cjp_fraud.notices.letter_receipt import LetterReceipt, Standing, letter_receipt
from cjp_fraud.notices.letter_standing import EventFacts
from cjp_fraud.notices.model import NoticeState
from cjp_fraud.notices.progress import PlanFacts, contradictions_of, progress_of
from tests.unit.notices.test_progress import DAY, HOUR, NOON, a_letter, a_plan, a_step, an_event

GONE = DeliveryStatus.ATTEMPTED


def told(facts: PlanFacts, name: str = "a") -> LetterReceipt:
    return letter_receipt(facts, name)


def under_an_hour(*events: EventFacts) -> PlanFacts:
    """A plan whose clause lets a failure within an hour undo the receipt."""
    receipt = ReceiptRule(unless_failure=UnlessFailure(Period(1, WaitUnit.HOURS)))
    step = NoticeStep(1, Combine.ANY_OF, (MethodRule(EMAIL, Basis.SENT, ("notice",), receipt=receipt),))
    return a_plan([step], a_letter("a", *events))


def test_a_letter_that_was_sent_counts_from_then_with_the_rule_and_each_step() -> None:
    receipt = told(a_plan([a_step()], a_letter("a", an_event())))
    assert (receipt.standing, receipt.received_at, receipt.decides) == (Standing.RECEIVED, NOON, True)
    assert receipt.rule.startswith("email")
    assert (
        receipt.steps[0]
        == "it counts from sent, which authenticated evidence shows at 2015-04-02T12:00:00.000000Z"
    )
    assert len(receipt.steps) > 1


@pytest.mark.parametrize(
    ("facts", "standing", "said"),
    [
        (a_plan([a_step()], a_letter("a")), Standing.WAITING, "it has not left yet"),
        (
            a_plan([a_step()], replace(a_letter("a"), state=NoticeState.DEFERRED)),
            Standing.WAITING,
            "it is tried again",
        ),
        (a_plan([a_step()], a_letter("a", an_event(GONE, negative=True))), Standing.FAILED, "next method"),
        (a_plan([a_step()], a_letter("a"), mode=PlatformMode.OBSERVE), Standing.OBSERVED, "nothing leaves"),
        (replace(a_plan([a_step()], a_letter("a")), cancelled=True), Standing.CANCELLED, "cancelled"),
        (
            a_plan([a_step()], a_letter("a", an_event(DeliveryStatus.DELIVERED, authenticated=False))),
            Standing.WAITING,
            "1 of its events are not authenticated",
        ),
    ],
)
def test_a_letter_that_does_not_count_says_why(facts: PlanFacts, standing: Standing, said: str) -> None:
    receipt = told(facts)
    assert (receipt.standing, receipt.received_at) == (standing, None)
    assert said in " ".join(receipt.steps)


def test_a_failure_undoes_the_receipt_within_the_clauses_hour_and_contradicts_it_later() -> None:
    early = told(under_an_hour(an_event(), an_event(GONE, NOON + HOUR / 2, negative=True)))
    assert (early.standing, early.received_at) == (Standing.UNDONE, None)
    late = told(under_an_hour(an_event(), an_event(GONE, NOON + 2 * HOUR, negative=True)))
    assert late.standing is Standing.CONTRADICTED
    assert late.received_at is not None
    assert "until a person decides" in late.steps[-1]


def test_an_address_replaced_lately_is_told_and_decides_nothing() -> None:
    receipt = told(a_plan([a_step()], a_letter("a", an_event(), required=False)))
    assert (receipt.standing, receipt.decides) == (Standing.RECEIVED, False)
    assert "decides nothing" in receipt.steps[-1]


def test_a_paper_that_follows_counts_for_nothing_by_itself() -> None:
    receipt = told(a_plan([a_step()], a_letter("b", an_event()), a_letter("a", an_event(), place=1)))
    assert (receipt.decides, receipt.received_at, receipt.rule) == (False, None, "")


EVENTS = st.lists(
    st.builds(
        an_event,
        st.sampled_from(list(DeliveryStatus)),
        st.integers(0, 72).map(lambda hours: NOON + timedelta(hours=hours)),
        negative=st.booleans(),
        authenticated=st.booleans(),
    ),
    max_size=5,
)


@given(EVENTS, st.sampled_from([Basis.SENT, Basis.DELIVERED]), st.booleans())
def test_of_a_plan_of_one_letter_it_says_what_the_plan_says(
    events: list[EventFacts], basis: Basis, with_condition: bool
) -> None:
    rule = MethodRule(EMAIL, basis, ("notice",))
    if with_condition:
        rule = replace(rule, receipt=ReceiptRule(unless_failure=UnlessFailure(Period(1, WaitUnit.HOURS))))
    letter = replace(a_letter("a", *events), basis=proof_needed(basis, EMAIL))
    facts = a_plan([NoticeStep(1, Combine.ANY_OF, (rule,))], letter)
    plan, receipt = progress_of(facts, NOON + 4 * DAY), told(facts)
    assert (receipt.received_at is not None) is plan.step_complete
    if plan.step_complete:
        assert receipt.received_at == plan.receipts[0].at
    assert (receipt.standing is Standing.CONTRADICTED) is bool(contradictions_of(facts))
    assert (receipt.standing in (Standing.FAILED, Standing.UNDONE)) is plan.failed
