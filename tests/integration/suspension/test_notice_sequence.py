"""A contract that wants two steps, all of two addresses, and a narrow measure, driven through the tables."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.contracts.methods import EMAIL
from cjp_fraud.contracts.model import Right
from cjp_fraud.contracts.periods import Wait, WaitUnit
from cjp_fraud.contracts.receipt_rule import Basis
from cjp_fraud.contracts.terms import Combine, MethodRule, NoticeStep, NoticeTerms
from cjp_fraud.contracts.versions import enter_address, enter_terms
from cjp_fraud.errors import Refused
from cjp_fraud.people.model import machine
from cjp_fraud.review.approval import state_need
from cjp_fraud.review.model import CaseState
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.measures import apply_measure
from cjp_fraud.suspension.tables import Entitlement
from tests.case_builders import BLOCK_LATVIA, START, Office, a_flag, flag, mail_to, open_office
from tests.mail_servers import MailServerUnderTest

TERMS = NoticeTerms(
    (
        NoticeStep(
            1,
            Combine.ALL_OF,
            (
                MethodRule(EMAIL, Basis.SENT, ("legal",)),
                MethodRule(EMAIL, Basis.SENT, ("notice",)),
            ),
            Wait(14, WaitUnit.CALENDAR_DAYS),
        ),
        NoticeStep(
            2,
            Combine.ALL_OF,
            (MethodRule(EMAIL, Basis.SENT, ("legal", "notice")),),
            Wait(24, WaitUnit.HOURS),
        ),
    ),
    clause="12.9",
)


@pytest.fixture
def office(engine: Engine, tmp_path: Path, server: MailServerUnderTest) -> Office:
    made = open_office(engine, tmp_path, mail_to(server))
    at, by = START - timedelta(days=40), machine("contracts")
    with transaction(engine) as session:
        enter_address(session, "acme", "legal", ("legal@acme.example",), by, at)
        enter_terms(
            session,
            "acme",
            by,
            at,
            reference="Master agreement 3",
            right=Right.CLAUSE_2_4,
            terms=TERMS,
            longest_measure=timedelta(days=2),
        )
    return made


def test_two_steps_at_two_addresses_then_a_narrow_measure(
    office: Office, server: MailServerUnderTest
) -> None:
    office.approved_case(measure=BLOCK_LATVIA)

    done = office.enforce()

    assert done.state is CaseState.NOTICED
    assert sorted(one.recipient for one in server.received) == ["legal@acme.example", "notices@acme.example"]
    assert done.next_at == office.now + timedelta(days=14)
    with pytest.raises(Refused, match="point 5"):
        apply_measure(office.enforcement(), office.case().id)

    office.wait(days=13, hours=23)
    office.resume_all()
    assert len(server.received) == 2, "the second step is not due yet"

    office.wait(hours=1)
    office.resume_all()
    assert (office.state, len(server.received)) == (CaseState.NOTICED, 4)

    office.wait(hours=24)
    flag(office.engine, a_flag(office.now - timedelta(hours=1)), at=office.now)
    office.resume_all()

    assert office.state is CaseState.SUSPENDED
    with reading(office.engine) as session:
        [entitlement] = session.query(Entitlement).all()
    assert entitlement.kind == "block_destinations"
    assert entitlement.scope["destination_prefixes"] == ["+371"]
    measure = office.measure()
    assert measure.ends_at == office.now + timedelta(days=2), "the contract's longest, not the 72 h wanted"


def test_after_the_sequence_a_person_says_again_that_it_is_needed(office: Office) -> None:
    office.approved_case(measure=BLOCK_LATVIA)
    office.enforce()
    office.wait(days=14)
    office.resume_all()
    office.wait(hours=24)
    assert any("point 8" in sentence for sentence in office.enforce().waiting_for)

    office.do(state_need, "adam", "the carrier says that it goes on")

    assert office.enforce().state is CaseState.SUSPENDED


def test_one_address_of_all_that_refuses_makes_the_step_fail(
    office: Office, server: MailServerUnderTest
) -> None:
    server.rcpt_replies["legal@acme.example"].append("550 no such user")
    office.approved_case(measure=BLOCK_LATVIA)

    assert office.enforce().state is CaseState.NOTICE_FAILED


def test_a_dispatch_that_waits_at_one_address_completes_later(
    office: Office, server: MailServerUnderTest
) -> None:
    server.rcpt_replies["legal@acme.example"].append("451 later")
    office.approved_case(measure=BLOCK_LATVIA)
    assert office.enforce().state is CaseState.APPROVED

    office.wait(minutes=5)
    office.resume_all()

    assert office.state is CaseState.NOTICED
    assert len(server.received) == 2
