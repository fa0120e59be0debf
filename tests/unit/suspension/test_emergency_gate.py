"""The gate in an emergency: one reviewer's order stands for the approval, for 30 minutes, and for nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from cjp_fraud.contracts.contract_terms import ContractTerms, GroundWithoutNotice, NamedMeasure
from cjp_fraud.contracts.restriction import MeasureKind
from cjp_fraud.contracts.terms import plain_terms
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.measure_fit import Flagged
from cjp_fraud.suspension.emergency_gate import APPROVED_WITHIN, UnapprovedOrder, repeated_order_faults
from cjp_fraud.suspension.gate import check, earliest_permitted
from cjp_fraud.suspension.model import EmergencyFact, GateFacts
from cjp_fraud.suspension.requirements import BEFORE_EMERGENCY, BEFORE_NOTICE, STANDS_FOR, Basis
from tests.gate_builders import NOW, an_approval, the_facts

MARKED = ContractTerms(
    suspension=plain_terms(), without_notice=(GroundWithoutNotice("fraudulent use", (Ground.UNATTENDED,)),)
)
ORDERED_AT = NOW - timedelta(minutes=10)


def an_order(**changes: Any) -> EmergencyFact:
    """An order that counts, but for ``changes``."""
    order = EmergencyFact("rita", ORDERED_AT, "p" * 64, by_reviewer=True, has_reasons=True, name="rita")
    return replace(order, **changes)


def in_emergency(order: Mapping[str, Any] | None = None, **changes: Any) -> GateFacts:
    """The facts of an emergency in which all points hold, ten minutes after the order; nobody has approved."""
    whole = the_facts()
    assert whole.contract is not None
    contract = replace(whole.contract, terms=MARKED)
    given = {"approvals": (), "contract": contract, "emergency": an_order(**order or {})}
    return replace(whole, **given | changes)


def test_an_order_stands_for_the_approval_and_the_answer_says_so() -> None:
    decision = check(in_emergency(), NOW)

    assert decision.sentences == ()
    assert decision.basis is Basis.EMERGENCY
    assert STANDS_FOR[decision.basis] == {3}
    assert earliest_permitted(in_emergency()) == ORDERED_AT


def test_once_it_is_approved_the_measure_stands_on_the_approval() -> None:
    facts = in_emergency(approvals=(an_approval(at=ORDERED_AT),))

    assert check(facts, NOW).basis is Basis.APPROVAL
    assert check(facts, NOW + APPROVED_WITHIN).is_open


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (-1, ("the emergency order is dated in the future",)),
        (0, ()),
        (29, ()),
        (30, ("nobody approved the emergency measure by 2015-04-02 12:20:00Z; it ends by itself",)),
        (31, ("nobody approved the emergency measure by 2015-04-02 12:20:00Z; it ends by itself",)),
    ],
)
def test_it_stands_from_the_order_on_for_less_than_30_minutes(minutes: int, said: tuple[str, ...]) -> None:
    facts = in_emergency()
    assert facts.notice is not None
    early = replace(facts, notice=replace(facts.notice, planned_at=ORDERED_AT, dispatched_at=None))
    at = ORDERED_AT + timedelta(minutes=minutes)

    named = [each.sentence for each in check(early, at).obstacles if "emergency" in each.sentence]

    assert tuple(named) == said
    assert check(early, at, BEFORE_NOTICE).is_open  # its letter follows however late


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "another version": (
        {"proposal_sha256": "q" * 64},
        "the emergency order is of another version of the proposal",
    ),
    "no reviewer": ({"by_reviewer": False}, "rita is not a reviewer"),
    "no reasons": ({"has_reasons": False}, "the emergency order does not say why it could not wait"),
    "nobody": ({"by_user_id": None}, "nobody is on record as having ordered the emergency measure"),
    "before the proposal": (
        {"at": NOW - timedelta(minutes=51)},
        "the emergency order (2015-04-02 11:09:00Z) comes before the proposal (2015-04-02 11:10:00Z)",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_order_that_does_not_count_is_said(name: str) -> None:
    changes, said = BROKEN[name]

    decision = check(in_emergency(changes), NOW)

    assert f"gate point 3: {said}" in decision.sentences


@pytest.mark.parametrize("name", [each.name for each in fields(EmergencyFact) if each.name != "name"])
def test_what_is_not_known_of_an_order_shuts_it(name: str) -> None:
    assert not check(in_emergency({name: None}), NOW).is_open


def test_only_a_ground_that_counsel_marked_and_that_covers_all_grounds_lets_it_begin() -> None:
    facts = in_emergency()
    assert facts.contract is not None
    assert facts.determination is not None
    said = (
        "counsel has marked no ground without prior notice under which all grounds of the determination fall"
    )
    control = ContractTerms(
        suspension=plain_terms(), operational_controls=(NamedMeasure(MeasureKind.SUSPEND_CHANNEL),)
    )
    more = replace(facts.determination, grounds=(Ground.UNATTENDED, Ground.BLOCKED_LINES))

    for changed in (
        replace(facts, contract=replace(facts.contract, terms=ContractTerms(suspension=plain_terms()))),
        replace(facts, contract=replace(facts.contract, terms=control)),
        replace(facts, contract=replace(facts.contract, terms=None)),
        replace(facts, contract=None),
        replace(facts, determination=more),
        replace(facts, determination=replace(more, grounds=None)),
        replace(facts, determination=None),
    ):
        assert f"gate point 3: {said}" in check(changed, NOW).sentences


def test_one_reviewer_takes_the_narrowest_measure_alone_whatever_is_said_for_a_wider_one() -> None:
    facts = in_emergency()
    assert facts.proposal is not None
    assert facts.determination is not None
    wider = replace(
        facts,
        proposal=replace(facts.proposal, kind=MeasureKind.SUSPEND_ALL_ACCESS),
        determination=replace(facts.determination, says_why_wider=True),
    )
    said = (
        "gate point 3: in an emergency one reviewer takes the narrowest measure alone, and suspend_channel could meet "
        "what was seen"
    )

    assert said in check(wider, NOW).sentences
    assert said not in check(replace(wider, flagged=Flagged()), NOW).sentences
    assert said not in check(replace(wider, proposal=None), NOW).sentences


@pytest.mark.parametrize(
    ("point", "changes"),
    [
        (1, {"flags": ()}),
        (2, {"determination": None}),
        (6, {"stops": ("counsel ordered a stop",)}),
        (8, {"newest_flag_end": None}),
    ],
)
def test_every_other_point_is_asked_as_ever(point: int, changes: dict[str, Any]) -> None:
    assert point in {each.point for each in check(in_emergency(**changes), NOW).obstacles}


def test_counsels_consent_is_not_replaced() -> None:
    facts = in_emergency()
    assert facts.contract is not None

    critical = replace(facts, contract=replace(facts.contract, critical=True))

    assert {each.point for each in check(critical, NOW).obstacles} == {9}


def test_the_plan_of_its_notice_does_not_come_before_the_order() -> None:
    facts = in_emergency()
    assert facts.notice is not None

    early = replace(facts, notice=replace(facts.notice, planned_at=ORDERED_AT - timedelta(minutes=1)))

    assert (
        "gate point 5: the plan of the notice (2015-04-02 11:49:00Z) comes before the emergency order "
        "(2015-04-02 11:50:00Z)"
    ) in check(early, NOW).sentences


def test_whoever_is_about_to_order_it_is_asked_all_but_the_notice() -> None:
    facts = in_emergency(notice=None)

    assert check(facts, NOW, BEFORE_EMERGENCY).is_open
    assert not check(replace(facts, stops=("a stop",)), NOW, BEFORE_EMERGENCY).is_open
    assert not check(replace(facts, emergency=None), NOW, BEFORE_EMERGENCY).is_open


def lapsed(minutes_ago: int, *, mine: bool = False) -> UnapprovedOrder:
    """An order that ended so many minutes ago without an approval."""
    at = NOW - timedelta(minutes=minutes_ago) - APPROVED_WITHIN
    return UnapprovedOrder(7, at, by_same_person=mine)


@pytest.mark.parametrize(
    ("orders", "flag_minutes_ago", "approved_since", "says"),
    [
        ((lapsed(60),), 60, False, ()),
        ((lapsed(60),), 61, False, ("traffic after that",)),
        ((lapsed(60),), None, False, ("traffic after that",)),
        ((lapsed(60),), 61, True, ()),
        ((lapsed(60, mine=True),), 1, True, ("rolf ordered the emergency measure of case 7",)),
        ((lapsed(24 * 60, mine=True),), 1, False, ()),
        ((lapsed(120), lapsed(60)), 1, False, ("nobody approved 2 emergency measures",)),
        ((lapsed(120), lapsed(60)), 1, True, ()),
        ((lapsed(24 * 60), lapsed(60)), 1, False, ()),
        ((lapsed(120, mine=True), lapsed(60)), 70, False, ("rolf ordered", "traffic after", "nobody app")),
    ],
)
def test_after_orders_that_nobody_approved_only_new_traffic_or_an_approver_allows_another(
    orders: tuple[UnapprovedOrder, ...],
    flag_minutes_ago: int | None,
    approved_since: bool,
    says: tuple[str, ...],
) -> None:
    newest = NOW - timedelta(minutes=flag_minutes_ago) if flag_minutes_ago is not None else None
    faults = repeated_order_faults(
        "rolf", orders, newest_flag_from=newest, approved_since=approved_since, at=NOW
    )
    assert len(faults) == len(says)
    assert all(part in fault for part, fault in zip(says, faults, strict=True))
