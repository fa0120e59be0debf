"""The gate: open when all nine points hold, shut when any one is missing, wrong or unknown."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.contract_terms import ContractTerms
from cjp_fraud.contracts.model import FeedStanding, Right
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.contracts.terms import plain_terms
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.measure_fit import Flagged, Stream, Usual
from cjp_fraud.review.model import Capacity, Finding, Quantity
from cjp_fraud.suspension import gate
from cjp_fraud.suspension.gate import approval_faults, check
from cjp_fraud.suspension.model import (
    FlagFact,
    GateFacts,
)
from cjp_fraud.suspension.requirements import BEFORE_APPROVAL, BEFORE_NOTICE, POINTS
from tests.gate_builders import NOW, an_approval, the_facts


def but(part: str, **changes: Any) -> GateFacts:
    """The facts, but for something in one part."""
    facts = the_facts()
    return replace(facts, **{part: replace(getattr(facts, part), **changes)})


def started(facts: GateFacts, at: datetime, dispatched_at: datetime | None = None) -> GateFacts:
    """The facts, determined and drawn up at ``at``; the notice left then, or at ``dispatched_at``."""
    assert facts.determination is not None
    assert facts.proposal is not None
    assert facts.notice is not None
    left = dispatched_at or at
    return replace(
        facts,
        determination=replace(facts.determination, at=at),
        proposal=replace(facts.proposal, drawn_at=at),
        notice=replace(facts.notice, planned_at=left, dispatched_at=left),
    )


def shut_points(facts: GateFacts, at: datetime = NOW) -> set[int]:
    return {one.point for one in check(facts, at).obstacles}


def test_it_is_open_when_all_nine_points_hold() -> None:
    assert check(the_facts(), NOW).sentences == ()


BROKEN = {
    "no flag": (1, the_facts(flags=())),
    "flag superseded": (1, the_facts(flags=(FlagFact(True, False, Quantity.CONTACTS, 130.0, True),))),
    "flag of another case": (1, the_facts(flags=(FlagFact(False, True, Quantity.CONTACTS, 130.0, True),))),
    "flag not upward": (1, the_facts(flags=(FlagFact(True, True, Quantity.CONTACTS, 0.0, True),))),
    "flag not of use": (1, the_facts(flags=(FlagFact(True, True, None, 130.0, True),))),
    "flag not as frozen": (1, the_facts(flags=(FlagFact(True, True, Quantity.CONTACTS, 130.0, False),))),
    "a row not as the log names it": (1, the_facts(row_faults=("flags 1 is not as entry 2 left it",))),
    "evidence not frozen": (1, but("proposal", evidence_sha256=None)),
    "evidence changed": (1, but("proposal", actual_evidence_sha256="f" * 64)),
    "no determination": (2, the_facts(determination=None)),
    "undetermined": (2, but("determination", finding=Finding.UNDETERMINED)),
    "not fraudulent": (2, but("determination", finding=Finding.NOT_FRAUDULENT)),
    "determined again": (2, but("determination", is_latest=False)),
    "by no reviewer": (2, but("determination", by_reviewer=False)),
    "no reasons": (2, but("determination", has_reasons=False)),
    "no ground": (2, but("determination", grounds=())),
    "ground not in the catalogue": (2, but("determination", grounds=("a hunch",))),
    "no tenant's part": (2, but("determination", tenants_part=None)),
    "no proposal": (3, the_facts(proposal=None)),
    "proposal changed": (3, but("proposal", actual_sha256="q" * 64)),
    "observe approved": (3, but("proposal", mode=PlatformMode.OBSERVE)),
    "observe in force": (3, the_facts(mode_in_force=PlatformMode.OBSERVE)),
    "contract changed": (3, but("contract", versions={"notice_terms": "t2", "addresses": "a1"})),
    "no approval": (3, the_facts(approvals=())),
    "another version approved": (3, the_facts(approvals=(an_approval(proposal_sha256="q" * 64),))),
    "approver lost the role": (3, the_facts(approvals=(an_approval(has_role=False),))),
    "approver took part": (3, the_facts(approvals=(an_approval(took_part=True),))),
    "approver determined": (3, the_facts(approvals=(an_approval(by_user_id="rita"),))),
    "approver edited the contract": (3, the_facts(approvals=(an_approval(edited_contract=True),))),
    "counsel alone approved": (3, the_facts(approvals=(an_approval(capacity=Capacity.COUNSEL),))),
    "approved later": (3, the_facts(approvals=(an_approval(at=NOW + timedelta(minutes=1)),))),
    "no right": (4, but("contract", right=Right.NONE)),
    "right not read": (4, but("contract", right=Right.NOT_READ)),
    "deployment not ours": (4, but("contract", deployment_accepted=False)),
    "term not proven": (4, but("contract", term_faults=("the term is not proven",))),
    "term not known": (4, but("contract", term_faults=None)),
    "term over": (4, but("contract", term_running=False)),
    "changed by a feed": (4, but("contract", feed=FeedStanding("crm", frozenset()))),
    "confirmed by the approver alone": (4, but("contract", feed=FeedStanding("crm", frozenset({"adam"})))),
    "confirmed by who determined": (4, but("contract", feed=FeedStanding("crm", frozenset({"rita"})))),
    "confirmed by who took part": (
        4,
        but("contract", feed=FeedStanding("crm", frozenset({"rolf"}), frozenset({"rolf"}))),
    ),
    "no notice": (5, the_facts(notice=None)),
    "notice observed": (5, but("notice", mode=PlatformMode.OBSERVE)),
    "notice withdrawn": (5, but("notice", cancelled=True)),
    "another notice": (5, but("notice", plan_sha256="m" * 64)),
    "another language": (5, but("notice", language="fr")),
    "no dispatch": (5, but("notice", dispatched_at=None)),
    "notice incomplete": (5, but("notice", complete_at=None)),
    "period not run out": (5, but("notice", complete_at=NOW + timedelta(seconds=1))),
    "a stop": (6, the_facts(stops=("counsel ordered a stop",))),
    "a contradiction": (6, but("notice", contradictions=("bounced",))),
    "no end": (7, but("proposal", duration=timedelta(0))),
    "notice states no end": (7, but("notice", states_end_at=None)),
    "end that the notice states has passed": (7, but("notice", states_end_at=NOW)),
    "no review date": (7, but("proposal", review_after=timedelta(0))),
    "longer than the contract allows": (7, but("contract", longest_measure=timedelta(hours=71))),
    "stale": (
        8,
        replace(
            but("notice", dispatched_at=NOW - timedelta(days=4), complete_at=NOW - timedelta(days=4)),
            approvals=(an_approval(at=NOW - timedelta(days=4)),),
        ),
    ),
    "no fresh flag": (8, the_facts(newest_flag_end=NOW - timedelta(hours=24))),
    "need stated too long ago": (
        8,
        the_facts(newest_flag_end=None, need_stated_at=NOW - timedelta(hours=24)),
    ),
    "need stated later": (8, the_facts(newest_flag_end=None, need_stated_at=NOW + timedelta(seconds=1))),
    "critical without counsel": (9, but("contract", critical=True)),
    "former address erased without counsel": (9, but("contract", former_address_erased=True)),
    "former address not known without counsel": (9, but("contract", former_address_erased=None)),
    "channel not flagged": (9, but("proposal", scope=Scope(channels=("chat",), directions=("outbound",)))),
    "inbound cut off": (
        9,
        the_facts(flagged=Flagged(frozenset({Usual(Stream("voice", "inbound"), None, 10.0)}))),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_it_is_shut_when_one_precondition_is_missing(name: str) -> None:
    point, facts = BROKEN[name]

    assert point in shut_points(facts)


def test_every_point_has_something_that_shuts_it() -> None:
    assert {point for point, _ in BROKEN.values()} == set(POINTS)


def test_a_person_may_say_again_that_it_is_needed_where_no_flag_is_fresh() -> None:
    facts = the_facts(newest_flag_end=NOW - timedelta(days=2), need_stated_at=NOW - timedelta(hours=1))

    assert check(facts, NOW).is_open


def test_counsel_of_a_critical_tenant_consents_as_another_person() -> None:
    facts = but("contract", critical=True)
    counsel = an_approval(by_user_id="carol", capacity=Capacity.COUNSEL)
    same_person = an_approval(capacity=Capacity.COUNSEL)

    assert check(replace(facts, approvals=(an_approval(), counsel)), NOW).is_open
    assert shut_points(replace(facts, approvals=(an_approval(), same_person))) == {9}


def test_approval_and_notice_are_fresh_for_72_hours_from_the_earliest_permitted_moment() -> None:
    began = NOW - timedelta(days=15)
    long_notice = started(but("notice", complete_at=NOW - timedelta(hours=72)), began)
    facts = replace(long_notice, approvals=(an_approval(at=began),))

    assert check(facts, NOW).is_open
    assert shut_points(facts, NOW + timedelta(seconds=1)) == {8}


def test_before_a_notice_everything_is_asked_but_the_notice_and_what_counts_from_it() -> None:
    facts = the_facts(notice=None)

    assert check(facts, NOW, BEFORE_NOTICE).is_open
    assert shut_points(facts) == {5, 8}


def test_before_an_approval_everything_is_asked_that_does_not_wait_for_it() -> None:
    facts = replace(but("proposal", mode=PlatformMode.OBSERVE), notice=None, approvals=())
    critical = replace(facts, contract=replace(the_facts().contract, critical=True))  # type: ignore[type-var]

    assert check(critical, NOW, BEFORE_APPROVAL).is_open
    for name, (point, broken) in BROKEN.items():
        asked = point not in (3, 5, 8) or name in ("no proposal", "proposal changed", "contract changed")
        waits = name.endswith("without counsel") or name.startswith(("changed by a feed", "confirmed by"))
        asked = asked and not waits
        assert check(replace(broken, approvals=()), NOW, BEFORE_APPROVAL).is_open is not asked, name


def test_the_one_who_is_about_to_approve_is_asked_what_an_approval_is_asked() -> None:
    faults = approval_faults(an_approval(by_user_id="rita", took_part=True, name="rita"), the_facts())

    assert faults == ["rita took part in the case", "rita determined the fraud; another person must approve"]


def test_a_feeds_edit_that_another_person_confirmed_does_not_shut_it() -> None:
    confirmed = FeedStanding("crm", frozenset({"adam", "rita", "rolf", "bella"}), frozenset({"rolf"}))
    assert check(but("contract", feed=confirmed), NOW).is_open
    undetermined = replace(but("contract", feed=confirmed), determination=None)
    assert 4 not in shut_points(undetermined)


def test_an_approval_that_does_not_count_says_why() -> None:
    facts = the_facts(approvals=(an_approval(took_part=True, name="adam"),))

    assert "gate point 3: adam took part in the case" in check(facts, NOW).sentences


def test_one_bad_flag_among_the_named_shuts_it() -> None:
    good = FlagFact(True, True, Quantity.CONTACTS, 130.0, True)

    assert shut_points(the_facts(flags=(good, replace(good, in_force=False)))) == {1}


COUNSEL_WITHOUT_ROLE = an_approval(
    by_user_id="carol", capacity=Capacity.COUNSEL, has_role=False, name="carol"
)
LATER = NOW + timedelta(minutes=1)
SAID = {
    "approver without role": (
        an_approval(has_role=False, name="adam"),
        the_facts(),
        "adam is not an approver",
    ),
    "counsel without role": (COUNSEL_WITHOUT_ROLE, the_facts(), "carol is not counsel"),
    "approval without time": (an_approval(at=None), the_facts(), "the approval has no time"),
    "too new": (an_approval(too_new=("adam is new",)), the_facts(), "adam is new"),
    "nobody determined": (
        an_approval(),
        but("determination", by_user_id=None),
        "it is not known who determined the fraud; another person must approve",
    ),
    "drawn up before the determination": (
        an_approval(),
        but("determination", at=NOW - timedelta(minutes=45)),
        "the proposal (2015-04-02 11:10:00Z) comes before the determination (2015-04-02 11:15:00Z)",
    ),
    "approved before it was drawn up": (
        an_approval(at=NOW - timedelta(minutes=55)),
        the_facts(),
        "the approval (2015-04-02 11:05:00Z) comes before the proposal (2015-04-02 11:10:00Z)",
    ),
}
"""An approval, the facts that it is given under, and what is said against it."""


@pytest.mark.parametrize("name", SAID)
def test_each_fault_of_an_approval_has_its_own_sentence(name: str) -> None:
    approval, facts, said = SAID[name]

    assert approval_faults(approval, facts) == [said]


SENTENCES = {
    "no proposal is on record": the_facts(proposal=None),
    "no measure is proposed": the_facts(proposal=None),
    "the determination is dated in the future": but("determination", at=LATER),
    "nobody is on record as having determined it": but("determination", by_user_id=None),
    "the measure's kind and scope are not known": the_facts(proposal=None),
    "it is not known what traffic was flagged": the_facts(flagged=Flagged()),
    "the proposal was drawn up in mode unknown; only act restricts": but("proposal", mode=None),
    "the proposal was drawn up in mode observe; only act restricts": but(
        "proposal", mode=PlatformMode.OBSERVE
    ),
    "the mode in force is unknown; only act restricts": the_facts(mode_in_force=None),
    "the mode in force is observe; only act restricts": the_facts(mode_in_force=PlatformMode.OBSERVE),
    "the contract position is not known": the_facts(contract=None),
    "the governing document's right to suspend has not been read": but("contract", right=None),
    "the governing document gives no right to suspend for fraudulent use": but("contract", right=Right.NONE),
    "the contract's notice is not complete": but("notice", complete_at=None),
    "the contract lets the measure follow from 2015-04-02 12:01:00Z on": but("notice", complete_at=LATER),
    "the plan of the notice (2015-04-02 11:49:00Z) comes before the approval (2015-04-02 11:50:00Z)": but(
        "notice", planned_at=NOW - timedelta(minutes=11)
    ),
    "the dispatch of the notice (2015-04-02 11:49:00Z) comes before the plan of the notice (2015-04-02 11:50:00Z)": but(
        "notice", dispatched_at=NOW - timedelta(minutes=11)
    ),
}
"""What the gate says, and of which facts."""


@pytest.mark.parametrize("said", SENTENCES)
def test_what_is_missing_is_said(said: str) -> None:
    assert said in [obstacle.sentence for obstacle in check(SENTENCES[said], NOW).obstacles]


def test_where_rows_were_changed_nothing_else_is_judged() -> None:
    facts = the_facts(row_faults=("flags 1 is not as entry 2 left it",), flags=(), stops=None)

    assert check(facts, NOW).sentences == ("gate point 1: flags 1 is not as entry 2 left it",)


@pytest.mark.parametrize(
    "facts",
    [
        but("proposal", duration=timedelta(days=10)),
        but("determination", grounds=tuple(Ground)),
        the_facts(newest_flag_end=None, need_stated_at=NOW),
    ],
    ids=["as long as the contract allows", "every ground", "need stated this moment"],
)
def test_what_is_just_enough_opens_it(facts: GateFacts) -> None:
    assert check(facts, NOW).sentences == ()


MAY_BE_UNKNOWN = {
    ("facts", "need_stated_at"),  # a fresh flag is enough
    ("facts", "emergency"),  # there is an approval
    ("contract", "longest_measure"),  # None: the contract names none
    ("contract", "deployment_fault"),  # words alone
    ("contract", "country"),  # then a block of all that is abroad is no narrower measure
    ("approval", "name"),  # words alone
    ("contract", "calendars"),  # for a notice that is only supposed
    ("notice", "projected_at"),  # what may come, of which the gate asks nothing
    ("notice", "path"),
    ("notice", "not_before"),  # where no letter went out before
    ("determination", "says_why_wider"),  # asked only where the contract asks for the narrowest measure
}


def leaves() -> list[tuple[str, str]]:
    facts = the_facts()
    found = [
        ("facts", one.name)
        for one in fields(facts)
        if one.name not in ("fresh", "flagged", "flags", "approvals")
    ]
    for part in ("determination", "proposal", "contract", "notice"):
        found += [(part, one.name) for one in fields(getattr(facts, part))]
    found += [
        ("approval", one.name) for one in fields(an_approval()) if one.name not in ("by_user_id", "capacity")
    ]
    found += [("flag", one.name) for one in fields(facts.flags[0])]
    return [leaf for leaf in found if leaf not in MAY_BE_UNKNOWN]


@pytest.mark.parametrize("leaf", leaves(), ids="-".join)
def test_what_is_not_known_shuts_it(leaf: tuple[str, str]) -> None:
    part, name = leaf
    if part == "facts":
        facts = the_facts(**{name: None})
    elif part == "approval":
        facts = the_facts(approvals=(an_approval(**{name: None}),))
    elif part == "flag":
        facts = the_facts(flags=(replace(the_facts().flags[0], **{name: None}),))
    else:
        facts = but(part, **{name: None})

    assert not check(facts, NOW).is_open


@given(st.sets(st.sampled_from(sorted(BROKEN)), min_size=1, max_size=5))
def test_any_combination_of_missing_preconditions_shuts_it_and_each_is_named(names: set[str]) -> None:
    facts = the_facts()
    for name in names:
        facts = _laid_over(facts, BROKEN[name][1])

    decision = check(facts, NOW)

    assert not decision.is_open
    assert all(one.sentence and one.point in POINTS for one in decision.obstacles)


def _laid_over(facts: GateFacts, broken: GateFacts) -> GateFacts:
    """Lay what is broken in ``broken`` over ``facts``."""
    whole = the_facts()
    changes: dict[str, Any] = {}
    for one in fields(GateFacts):
        good, bad, now = getattr(whole, one.name), getattr(broken, one.name), getattr(facts, one.name)
        if bad == good:
            continue
        if is_dataclass(bad) and is_dataclass(now) and not isinstance(bad, type):
            inner = {
                leaf.name: getattr(bad, leaf.name)
                for leaf in fields(bad)
                if getattr(bad, leaf.name) != getattr(good, leaf.name)
            }
            changes[one.name] = replace(now, **inner)  # type: ignore[type-var]
        else:
            changes[one.name] = bad
    return replace(facts, **changes)


@given(
    approved=st.integers(0, 200),
    complete=st.integers(0, 200),
    flagged=st.integers(0, 60),
    ahead=st.integers(0, 300),
)
def test_in_time_it_opens_once_and_closes_for_good(
    approved: int, complete: int, flagged: int, ahead: int
) -> None:
    """Hours on the clock: open exactly between the earliest permitted moment and the end of freshness."""
    hour = timedelta(hours=1)
    start = NOW - timedelta(days=30)
    at = start + ahead * hour
    left = start + approved * hour
    facts = replace(
        started(but("notice", complete_at=start + max(approved, complete) * hour), start, left),
        approvals=(an_approval(at=left),),
        newest_flag_end=at - flagged * hour,
    )
    earliest = max(approved, complete)

    assert check(facts, at).is_open == (earliest <= ahead <= earliest + 72 and flagged < 24)


def test_a_wider_measure_needs_its_reason_where_the_contract_asks_for_the_narrowest() -> None:
    everything = replace(but("proposal", kind=MeasureKind.SUSPEND_ALL_ACCESS), notice=None)
    terms = ContractTerms(suspension=plain_terms(), narrowest_measure=True)
    asked = replace(everything, contract=replace(everything.contract, terms=terms))  # type: ignore[type-var]
    said = replace(asked.determination, says_why_wider=True)  # type: ignore[type-var]
    unsaid = replace(asked.determination, says_why_wider=False)  # type: ignore[type-var]

    assert not _asks_for_narrower(everything)
    assert _asks_for_narrower(replace(asked, determination=unsaid))
    assert _asks_for_narrower(replace(asked, determination=None))
    assert not _asks_for_narrower(replace(asked, determination=said))
    assert not _asks_for_narrower(replace(asked, proposal=None))
    assert not _asks_for_narrower(replace(asked, proposal=replace(asked.proposal, kind=None)))  # type: ignore[type-var]


def test_what_is_abroad_is_told_by_the_tenants_country(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "why_wider_fault", lambda *_, home, **__: f"seen from {home}")
    unsaid = replace(the_facts().determination, says_why_wider=False)  # type: ignore[type-var]
    facts = replace(but("contract", country="MT"), determination=unsaid)

    assert "seen from MT, and nobody said why" in "; ".join(check(facts, NOW).sentences)
    assert "seen from None" in "; ".join(check(replace(facts, contract=None), NOW).sentences)


def _asks_for_narrower(facts: GateFacts) -> bool:
    return any("asks for the narrowest measure" in each.sentence for each in check(facts, NOW).obstacles)
