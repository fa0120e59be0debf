"""A standing consent is breached: a machine caps at once what was signed, tells the customer, opens a case."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from cjp_fraud.audit.row_digests import Record
from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.compliance.bundle_facts import gate_faults
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.confirmation_tables import SignedConsent
from cjp_fraud.contracts.consent_entry import confirm_consent, end_consent, enter_consent
from cjp_fraud.contracts.standing_consent import ChargedInterval, SignedProof, StandingConsent
from cjp_fraud.errors import Refused
from cjp_fraud.people.model import Decision, Part
from cjp_fraud.people.tables import Participation
from cjp_fraud.review.claim import claim, release
from cjp_fraud.review.determination import dismiss
from cjp_fraud.review.dispute import decide_dispute, open_dispute
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.shift_rules import ShiftKind
from cjp_fraud.review.stops_on_record import order_stop
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.caps import CapReport, run_caps
from cjp_fraud.suspension.case_records import records_of_case
from cjp_fraud.suspension.follow_ups_due import FollowUp, follow_ups_due
from cjp_fraud.suspension.model import MeasureState
from cjp_fraud.suspension.reconciliation import reconcile
from cjp_fraud.suspension.shift_items import shift_items
from cjp_fraud.suspension.tables import Cap
from tests.case_builders import START, StaffedDeployment, a_flag, flag, mail_to, open_staffed
from tests.kills import killed_at_commit
from tests.mail_servers import MailServerUnderTest
from tests.platforms import Killed, UnreliablePlatform

SIGNED = SignedProof("signed.pdf", "5" * 64)


def a_consent(**changes: Any) -> StandingConsent:
    said: dict[str, Any] = {
        "reference": "Order form 7",
        "clause": "section 4.2",
        "countries": ("LV",),
        "cents_per_hour": 10_000,
        "cap_hours": 4,
        "valid_from": START - timedelta(days=30),
        "valid_to": START + timedelta(days=300),
    }
    return StandingConsent(**said | changes)


def signed(staffed: StaffedDeployment, *, confirmed_by: str | None = "bella", **changes: Any) -> str:
    """Counsel enters a consent, and somebody confirms it."""
    with transaction(staffed.engine) as session:
        by = staffed.people["carol"]
        row = enter_consent(Decision(session, by, staffed.now), "acme", a_consent(**changes), SIGNED)
        consent_id = row.id
    if confirmed_by is not None:
        with transaction(staffed.engine) as session:
            confirm_consent(Decision(session, staffed.people[confirmed_by], staffed.now), consent_id)
    return consent_id


def run(staffed: StaffedDeployment, cents: float = 30_000.0) -> CapReport:
    """Run what is due each minute, with calls to Latvia in the last half hour."""

    def read(_tenant: str, start: datetime, end: datetime) -> Sequence[ChargedInterval]:
        begins = [staffed.now - timedelta(minutes=minutes) for minutes in (30, 25)]
        calls = [
            ChargedInterval(at, 300, "voice", "outbound", 10.0, cents / 2, {"LV": 10.0}) for at in begins
        ]
        return [each for each in calls if start <= each.start < end]

    return run_caps(staffed.enforcement(), read)


def cap_of(staffed: StaffedDeployment) -> Cap:
    with reading(staffed.engine) as session:
        return session.scalars(select(Cap).order_by(Cap.ordered_at.desc())).first()  # type: ignore[return-value]


def letters(server: MailServerUnderTest) -> list[str]:
    bodies = [message_from_bytes(each.content, policy=default).get_body() for each in server.received]
    return [" ".join(body.get_content().split()) for body in bodies if body is not None]


@pytest.mark.both_databases
def test_a_breach_caps_tells_the_customer_opens_a_case_and_lapses_by_itself(
    staffed: StaffedDeployment, server: MailServerUnderTest, platform: UnreliablePlatform
) -> None:
    consent_id = signed(staffed)
    assert run(staffed, cents=10_000.0) == CapReport()

    report = run(staffed)

    assert report == CapReport(begun=(1,))
    assert (staffed.state, staffed.restricted()) == (CaseState.CAPPED, 1)
    cap = cap_of(staffed)
    assert (cap.state, cap.consent_id, cap.cents) == (MeasureState.IN_FORCE, consent_id, 30_000.0)
    [(order, _key)] = platform.applied
    assert (order.ends_at, order.scope.destination_prefixes) == (START + timedelta(hours=4), ("+371",))
    assert "emergency_calls" in order.keeps
    (letter,) = letters(server)
    assert (
        "You agreed beforehand that such traffic is then blocked at once: Order form 7, section 4.2."
        in letter
    )
    assert "nothing has been determined about it" in letter

    staffed.wait(minutes=1)
    assert run(staffed) == CapReport()  # it stands
    with reading(staffed.engine) as session:
        items = shift_items(session, staffed.now, timedelta(hours=72))
    assert [(item.at, item.kind) for item in items] == [(cap.ends_at, ShiftKind.CAP_ENDS)]
    assert reconcile(staffed.enforcement()) == ()
    staffed.now = START + timedelta(hours=4)
    assert staffed.restricted() == 0  # the platform itself has ended it
    assert run(staffed, cents=0.0).ended == (cap.id,)

    assert staffed.state is CaseState.OPEN
    assert cap_of(staffed).ended_at == cap.ends_at
    assert len(letters(server)) == 1
    with reading(staffed.engine) as session:
        assert list(gate_faults(staffed.case().id, records_of_case(session, staffed.case().id))) == []
    assert verify_log(staffed.engine).faults == ()


@pytest.mark.both_databases
def test_it_joins_the_open_case_and_leaves_who_works_it_alone(staffed: StaffedDeployment) -> None:
    flag(staffed.engine, a_flag(START - timedelta(minutes=30)), at=staffed.now)
    staffed.do(claim, "rita")
    signed(staffed)

    assert run(staffed).begun == (1,)

    assert (staffed.state, staffed.restricted()) == (CaseState.IN_REVIEW, 1)
    with reading(staffed.engine) as session:
        assert len(session.scalars(select(Case)).all()) == 1
    staffed.do(release, "rita")
    run(staffed)
    assert staffed.state is CaseState.CAPPED
    staffed.do(claim, "rita")
    assert staffed.state is CaseState.IN_REVIEW
    assert verify_log(staffed.engine).faults == ()


@pytest.mark.parametrize("behaviour", ["kill_before", "kill_after", "lose", "refuse"])
def test_killed_or_refused_at_the_platform_it_goes_on_with_the_same_key(
    staffed: StaffedDeployment, platform: UnreliablePlatform, server: MailServerUnderTest, behaviour: str
) -> None:
    signed(staffed)
    platform.behaviours.append(behaviour)
    with suppress(Killed):
        run(staffed)

    staffed.wait(minutes=1)
    run(staffed)

    assert len({key for _, key in platform.applied}) == 1
    assert (staffed.restricted(), len(letters(server))) == (1, 1)
    assert cap_of(staffed).state is MeasureState.IN_FORCE
    assert verify_log(staffed.engine).faults == ()


START_COMMITS = 6
"""Commits of a run that begins a cap and tells the customer."""
LAPSE_COMMITS = 3
"""Commits of a run that ends one whose time is over."""


@pytest.mark.parametrize(
    "number", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, START_COMMITS + 1) if n != 2)]
)
def test_killed_at_a_commit_of_its_start_the_next_run_caps_once(
    staffed: StaffedDeployment, platform: UnreliablePlatform, server: MailServerUnderTest, number: int
) -> None:
    signed(staffed)
    with killed_at_commit(staffed.engine, number):
        run(staffed)
        pytest.fail("it was not killed")

    staffed.wait(minutes=1)
    run(staffed)
    staffed.wait(minutes=1)
    assert run(staffed) == CapReport()

    with reading(staffed.engine) as session:
        [cap] = session.scalars(select(Cap)).all()
    assert cap.state is MeasureState.IN_FORCE
    assert (staffed.state, staffed.restricted()) == (CaseState.CAPPED, 1)
    assert len({key for _, key in platform.applied}) == 1
    assert len(set(letters(server))) == 1
    assert verify_log(staffed.engine).faults == ()


@pytest.mark.parametrize("number", range(1, LAPSE_COMMITS + 1))
def test_killed_at_a_commit_of_its_lapse_the_next_run_ends_it_once(
    staffed: StaffedDeployment, server: MailServerUnderTest, number: int
) -> None:
    signed(staffed)
    run(staffed)
    staffed.now = cap_of(staffed).ends_at
    with killed_at_commit(staffed.engine, number):
        run(staffed, cents=0.0)
        pytest.fail("it was not killed")

    staffed.wait(minutes=1)
    run(staffed, cents=0.0)
    assert run(staffed, cents=0.0) == CapReport()

    cap = cap_of(staffed)
    assert (cap.state, cap.ended_at) == (MeasureState.ENDED, cap.ends_at)
    assert (staffed.state, staffed.restricted()) == (CaseState.OPEN, 0)
    with reading(staffed.engine) as session:
        ended = select(AuditEntry.sequence).where(AuditEntry.action == "case.cap_ended")
        assert len(session.scalars(ended).all()) == 1
    assert len(letters(server)) == 1
    assert verify_log(staffed.engine).faults == ()


def test_the_commits_of_start_and_lapse_are_all_there_are(staffed: StaffedDeployment) -> None:
    signed(staffed)
    with killed_at_commit(staffed.engine, 10**6) as commits:
        run(staffed)
    assert commits == [START_COMMITS]
    staffed.now = cap_of(staffed).ends_at
    with killed_at_commit(staffed.engine, 10**6) as commits:
        run(staffed, cents=0.0)
    assert commits == [LAPSE_COMMITS]


def test_a_dismissal_or_a_stop_of_counsel_lifts_it_and_a_stop_lets_no_other_begin(
    staffed: StaffedDeployment,
) -> None:
    signed(staffed)
    run(staffed)
    staffed.do(claim, "rita")
    staffed.do(dismiss, "rita", reasons="a launch of theirs")
    staffed.wait(minutes=1)
    run(staffed)
    assert (staffed.restricted(), cap_of(staffed).state) == (0, MeasureState.ENDED)

    staffed.wait(hours=2)
    assert run(staffed).begun == (2,)
    staffed.do(order_stop, "carol", "ask first")
    staffed.wait(minutes=1)
    run(staffed)
    assert (staffed.restricted(), staffed.state) == (0, CaseState.OPEN)

    staffed.wait(hours=2)
    report = run(staffed)
    assert (report.begun, staffed.restricted()) == ((), 0)
    assert "is not capped: gate point 6" in report.waiting[0]


def test_an_ended_consent_caps_nothing_any_more_and_lifts_what_is_capped(staffed: StaffedDeployment) -> None:
    consent_id = signed(staffed)
    run(staffed)
    with transaction(staffed.engine) as session:
        end_consent(Decision(session, staffed.people["carol"], staffed.now), consent_id, "revoked")
    with pytest.raises(Refused, match="was entered before and was ended"):
        signed(staffed, confirmed_by=None)
    staffed.wait(minutes=1)

    run(staffed)

    assert (staffed.restricted(), staffed.state) == (0, CaseState.OPEN)
    assert run(staffed) == CapReport()


def test_an_upheld_dispute_lifts_it(staffed: StaffedDeployment) -> None:
    signed(staffed)
    run(staffed)
    dispute = staffed.do(open_dispute, "ana", "it was our campaign")
    with transaction(staffed.engine) as session:
        by = staffed.people["bella"]
        decide_dispute(Decision(session, by, staffed.now), dispute.id, upheld=True, reasons="so it was")
    staffed.wait(minutes=1)

    run(staffed)

    assert staffed.restricted() == 0


@pytest.mark.parametrize(
    ("upheld", "hours", "said"),
    [
        (
            True,
            0,
            "decided your dispute in your favour. 3. What follows from it The restriction is being lifted.",
        ),
        (False, 0, "The restriction stays as announced, until "),
        (False, 5, "The restriction is not in force any more."),
    ],
)
def test_a_dispute_of_a_cap_alone_is_answered(
    staffed: StaffedDeployment, server: MailServerUnderTest, upheld: bool, hours: int, said: str
) -> None:
    signed(staffed)
    run(staffed)
    dispute = staffed.do(open_dispute, "ana", "it was our campaign")
    staffed.wait(hours=hours, minutes=1)
    run(staffed, cents=0.0)
    with transaction(staffed.engine) as session:
        by = staffed.people["bella"]
        decide_dispute(Decision(session, by, staffed.now), dispute.id, upheld=upheld, reasons="looked at it")
    staffed.wait(minutes=1)

    for _ in range(2):  # once, however often it is asked for
        staffed.resume_all()

    _about_the_cap, answer = letters(server)
    assert said in answer
    assert ("the charge was above the amount an hour that you agreed to" in answer) is not upheld
    assert "You agreed beforehand that such traffic is then blocked at once: Order form 7" in answer
    assert "finding" not in answer
    assert "fraudulent" not in answer
    assert follow_ups(staffed) == []
    with reading(staffed.engine) as session:
        assert list(gate_faults(staffed.case().id, records_of_case(session, staffed.case().id))) == []
    assert verify_log(staffed.engine).faults == ()


def follow_ups(staffed: StaffedDeployment) -> list[FollowUp]:
    with reading(staffed.engine) as session:
        return follow_ups_due(session)


def test_what_people_did_not_confirm_or_the_customer_did_not_sign_caps_nothing(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    signed(staffed, confirmed_by=None)
    signed(staffed, countries=("LT",))
    signed(staffed, valid_from=START + timedelta(hours=1))

    assert run(staffed) == CapReport()

    assert (staffed.restricted(), letters(server)) == (0, [])


def test_one_person_does_not_enter_and_confirm(staffed: StaffedDeployment) -> None:
    consent_id = signed(staffed, confirmed_by=None)
    assert signed(staffed, confirmed_by=None) == consent_id  # the same again changes nothing
    for name, said in {
        "carol": "carol entered it; another person must confirm it",
        "rita": "rita is neither counsel nor an approver",
    }.items():
        with pytest.raises(Refused, match=said), transaction(staffed.engine) as session:
            confirm_consent(Decision(session, staffed.people[name], staffed.now), consent_id)
    with pytest.raises(Refused, match="adam is not counsel"), transaction(staffed.engine) as session:
        enter_consent(Decision(session, staffed.people["adam"], staffed.now), "acme", a_consent(), SIGNED)


def test_observe_caps_nothing_and_says_so(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    mode = PlatformMode.OBSERVE
    staffed = open_staffed(sqlite_engine, tmp_path, mail_to(server, mode=mode), mode=mode)
    signed(staffed)

    report = run(staffed)

    assert report.begun == ()
    assert "the mode in force is observe; only act restricts" in report.waiting[0]
    with reading(staffed.engine) as session:
        assert session.scalars(select(Case)).all() == []


@pytest.fixture
def records(staffed: StaffedDeployment) -> list[Record]:
    """The records of a capped case."""
    signed(staffed)
    run(staffed)
    with reading(staffed.engine) as session:
        return records_of_case(session, staffed.case().id)


FORGED: dict[str, tuple[str, dict[str, Any], str]] = {
    "no second person": (
        "standing_consents",
        {"confirmed_by": None, "confirmed_at": None},
        "no second person has confirmed",
    ),
    "longer than signed": (
        "caps",
        {"ends_at": "2015-04-03T12:00:00.000000Z"},
        "would outlast what was signed",
    ),
    "something else": (
        "caps",
        {"kind": "suspend_all_access"},
        "restricts something else than what was signed",
    ),
    "an old breach": (
        "caps",
        {"breach_to": "2015-04-02T10:00:00.000000Z"},
        "shows no more charged in an hour",
    ),
    "another document": ("standing_consents", {"sha256": "0" * 64}, "does not match its digest"),
    "ended before": ("standing_consents", {"ended_at": "2015-04-02T11:00:00.000000Z"}, "consent was ended"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_cap_does_not_hold(staffed: StaffedDeployment, records: list[Record], name: str) -> None:
    table, values, said = FORGED[name]
    case_id = staffed.case().id
    assert list(gate_faults(case_id, records)) == []

    forged = [
        replace(each, fields={**each.fields, **values}) if each.table == table else each for each in records
    ]

    faults = list(gate_faults(case_id, forged))
    assert any(said in fault for fault in faults), faults


def test_a_consent_on_record_is_what_was_signed(staffed: StaffedDeployment) -> None:
    consent_id = signed(staffed)
    with reading(staffed.engine) as session:
        row = session.get_one(SignedConsent, consent_id)
        assert (row.proof_name, row.proof_sha256) == ("signed.pdf", "5" * 64)
    assert verify_log(staffed.engine).faults == ()


def test_whoever_confirms_a_consent_edits_the_contract_and_does_not_approve_for_that_tenant(
    staffed: StaffedDeployment,
) -> None:
    signed(staffed)
    with reading(staffed.engine) as session:
        row = session.scalars(select(SignedConsent)).one()
        editors = session.scalars(
            select(Participation.user_id).where(Participation.part == Part.EDITED_CONTRACT)
        ).all()
    assert {row.entered_by, row.confirmed_by} <= set(editors)
