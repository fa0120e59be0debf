"""The gate before a cap: the signed document stands for points 2, 3 and 5; nothing else is waived."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.model import FeedStanding, Right
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.contracts.standing_consent import Breach, StandingConsent
from cjp_fraud.suspension.cap_gate import CapFacts, ConsentFact, check_cap
from cjp_fraud.suspension.requirements import STANDS_FOR, Basis
from tests.gate_builders import NOW, the_facts

SAYS = StandingConsent(
    reference="Order form 7",
    clause="section 4.2",
    countries=("LV",),
    cents_per_hour=10_000,
    cap_hours=4,
    valid_from=datetime(2015, 1, 1, tzinfo=UTC),
    valid_to=datetime(2016, 1, 1, tzinfo=UTC),
)
CONSENT = ConsentFact(
    says=SAYS,
    sha256="c" * 64,
    actual_sha256="c" * 64,
    proof_sha256="5" * 64,
    entered_by="carol",
    by_counsel=True,
    confirmed_by="bella",
    by_second_role=True,
    confirmed_at=NOW - timedelta(days=1),
    ended_at=None,
)
FACTS = CapFacts(
    known=the_facts(proposal=None, determination=None, approvals=(), notice=None),
    consent=CONSENT,
    breach=Breach(NOW - timedelta(hours=1), NOW, 30_000.0),
    evidence_sha256="e" * 64,
    actual_evidence_sha256="e" * 64,
    kind=SAYS.kind,
    scope=SAYS.scope,
    ends_at=NOW + timedelta(hours=4),
)


def signed(**changes: Any) -> CapFacts:
    return replace(FACTS, consent=replace(CONSENT, **changes))


def under(**changes: Any) -> CapFacts:
    contract = FACTS.known.contract
    assert contract is not None
    return replace(FACTS, known=replace(FACTS.known, contract=replace(contract, **changes)))


def test_it_is_open_on_the_signed_document_which_stands_for_three_points() -> None:
    decision = check_cap(FACTS, NOW)

    assert decision.sentences == ()
    assert decision.basis is Basis.STANDING_CONSENT
    assert STANDS_FOR[decision.basis] == {2, 3, 5}


BROKEN: dict[str, tuple[CapFacts, str]] = {
    "changed rows": (
        replace(FACTS, known=replace(FACTS.known, row_faults=("caps 1 was changed",))),
        "gate point 1: caps 1 was changed",
    ),
    "evidence changed": (
        replace(FACTS, actual_evidence_sha256="f" * 64),
        "gate point 1: the frozen traffic does not match its digest",
    ),
    "no evidence": (
        replace(FACTS, evidence_sha256=None, actual_evidence_sha256=None),
        "gate point 1: the frozen traffic does not match its digest",
    ),
    "no breach": (
        replace(FACTS, breach=None),
        "gate point 1: the frozen traffic shows no more charged in an hour than the customer has signed",
    ),
    "no consent": (
        replace(FACTS, consent=None),
        "gate point 2: no standing consent of the customer is on record",
    ),
    "unreadable": (signed(says=None), "gate point 2: no standing consent of the customer is on record"),
    "consent changed": (
        signed(actual_sha256="d" * 64),
        "gate point 2: the standing consent does not match its digest; it was changed after it was entered",
    ),
    "no digest": (
        signed(sha256=None, actual_sha256=None),
        "gate point 2: the standing consent does not match its digest; it was changed after it was entered",
    ),
    "no proof": (
        signed(proof_sha256=None),
        "gate point 2: the digest of the file that the customer signed is not on record",
    ),
    "not by counsel": (
        signed(by_counsel=False),
        "gate point 2: who entered the standing consent is not counsel",
    ),
    "not valid yet": (
        signed(says=replace(SAYS, valid_from=NOW + timedelta(seconds=1))),
        "gate point 2: the standing consent is not valid now",
    ),
    "not valid any more": (
        signed(says=replace(SAYS, valid_to=NOW)),
        "gate point 2: the standing consent is not valid now",
    ),
    "ended": (signed(ended_at=NOW), "gate point 2: the standing consent was ended"),
    "not confirmed": (
        signed(confirmed_by=None),
        "gate point 3: no second person has confirmed the standing consent",
    ),
    "confirmed at an unknown time": (
        signed(confirmed_at=None),
        "gate point 3: no second person has confirmed the standing consent",
    ),
    "confirmed later": (
        signed(confirmed_at=NOW + timedelta(seconds=1)),
        "gate point 3: no second person has confirmed the standing consent",
    ),
    "confirmed by anybody": (
        signed(by_second_role=False),
        "gate point 3: who confirmed the standing consent is neither counsel nor an approver",
    ),
    "one person": (
        signed(confirmed_by="carol"),
        "gate point 3: one person entered and confirmed the standing consent",
    ),
    "entered by nobody": (
        signed(entered_by=None),
        "gate point 3: one person entered and confirmed the standing consent",
    ),
    "observe": (
        replace(FACTS, known=replace(FACTS.known, mode_in_force=PlatformMode.OBSERVE)),
        "gate point 3: the mode in force is observe; only act restricts",
    ),
    "no right": (
        under(right=Right.NONE),
        "gate point 4: the governing document gives no right to suspend for fraudulent use",
    ),
    "feed": (
        under(feed=FeedStanding("crm", frozenset())),
        "gate point 4: the feed crm changed the contract data, and neither counsel nor a second approver, somebody who "
        "neither took part in the case nor approved in it, has confirmed it since (tenants confirm)",
    ),
    "a stop": (
        replace(FACTS, known=replace(FACTS.known, stops=("counsel ordered a stop",))),
        "gate point 6: counsel ordered a stop",
    ),
    "no end": (replace(FACTS, ends_at=None), "gate point 7: the cap has no end"),
    "over": (replace(FACTS, ends_at=NOW), "gate point 7: the cap's end has come"),
    "longer than signed": (
        replace(FACTS, ends_at=NOW + timedelta(hours=4, seconds=1)),
        "gate point 7: the cap would outlast what was signed",
    ),
    "old": (
        replace(FACTS, breach=Breach(NOW - timedelta(hours=2), NOW - timedelta(hours=1), 30_000.0)),
        "gate point 8: the breach is not of the last hour",
    ),
    "yet to come": (
        replace(FACTS, breach=Breach(NOW, NOW + timedelta(seconds=1), 30_000.0)),
        "gate point 8: the breach is not of the last hour",
    ),
    "another kind": (
        replace(FACTS, kind=MeasureKind.SUSPEND_CHANNEL),
        "gate point 9: the cap restricts something else than what was signed",
    ),
    "wider": (
        replace(FACTS, scope=Scope(channels=("voice",), directions=("outbound",))),
        "gate point 9: the cap restricts something else than what was signed",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_it_is_shut_when_one_thing_is_missing_and_says_so(name: str) -> None:
    facts, said = BROKEN[name]

    assert said in check_cap(facts, NOW).sentences


@pytest.mark.parametrize(
    "name", [each.name for each in fields(ConsentFact) if each.name not in ("ended_at", "actual_sha256")]
)
def test_what_is_not_known_of_the_consent_shuts_it(name: str) -> None:
    assert not check_cap(signed(**{name: None}), NOW).is_open


def test_where_rows_were_changed_nothing_else_is_judged() -> None:
    facts = replace(BROKEN["changed rows"][0], breach=None, consent=None)

    assert check_cap(facts, NOW).sentences == ("gate point 1: caps 1 was changed",)


def test_an_end_of_the_consent_that_is_still_to_come_shuts_nothing() -> None:
    assert check_cap(signed(ended_at=NOW + timedelta(seconds=1)), NOW).is_open
    assert check_cap(replace(FACTS, ends_at=NOW + timedelta(seconds=1)), NOW).is_open
