"""A contract that wants two steps, all of two addresses, and a narrow measure, driven through the tables."""

from __future__ import annotations

from dataclasses import replace
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
from cjp_fraud.review.case_reader import case_view
from cjp_fraud.review.model import CaseState
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.measures import apply_measure
from cjp_fraud.suspension.tables import Entitlement
from tests.case_builders import BLOCK_LATVIA, START, StaffedDeployment, a_flag, flag, mail_to, open_staffed
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
def staffed(engine: Engine, tmp_path: Path, server: MailServerUnderTest) -> StaffedDeployment:
    made = open_staffed(engine, tmp_path, mail_to(server))
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
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    staffed.approved_case(measure=BLOCK_LATVIA)
    with reading(staffed.engine) as session:
        [proposal] = case_view(session, staffed.case().id, staffed.now).proposals
    assert proposal.remarks[0] == "the contract lets no measure last longer than 48 hours; 72 were planned"

    done = staffed.enforce()

    assert done.state is CaseState.NOTICED
    assert sorted(one.recipient for one in server.received) == ["legal@acme.example", "notices@acme.example"]
    assert done.next_at == staffed.now + timedelta(days=14)
    with pytest.raises(Refused, match="point 5"):
        apply_measure(staffed.enforcement(), staffed.case().id)

    staffed.wait(days=13, hours=23)
    staffed.resume_all()
    assert len(server.received) == 2, "the second step is not due yet"

    staffed.wait(hours=1)
    staffed.resume_all()
    assert (staffed.state, len(server.received)) == (CaseState.NOTICED, 4)

    staffed.wait(hours=24)
    flag(staffed.engine, a_flag(staffed.now - timedelta(hours=1)), at=staffed.now)
    staffed.resume_all()

    assert staffed.state is CaseState.SUSPENDED
    with reading(staffed.engine) as session:
        [entitlement] = session.query(Entitlement).all()
    assert entitlement.kind == "block_destinations"
    assert entitlement.scope["destination_prefixes"] == ["+371"]
    measure = staffed.measure()
    assert measure.ends_at == staffed.now + timedelta(days=2), "the contract's longest, not the 72 h wanted"


def test_after_the_sequence_a_person_says_again_that_it_is_needed(staffed: StaffedDeployment) -> None:
    staffed.approved_case(measure=BLOCK_LATVIA)
    staffed.enforce()
    staffed.wait(days=14)
    staffed.resume_all()
    staffed.wait(hours=24)
    assert any("point 8" in sentence for sentence in staffed.enforce().waiting_for)

    staffed.do(state_need, "adam", "the carrier says that it goes on")

    assert staffed.enforce().state is CaseState.SUSPENDED


def test_one_address_of_all_that_refuses_makes_the_step_fail(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    server.rcpt_replies["legal@acme.example"].append("550 no such user")
    staffed.approved_case(measure=BLOCK_LATVIA)

    assert staffed.enforce().state is CaseState.NOTICE_FAILED


def test_a_dispatch_that_waits_at_one_address_completes_later(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    server.rcpt_replies["legal@acme.example"].append("451 later")
    staffed.approved_case(measure=BLOCK_LATVIA)
    assert staffed.enforce().state is CaseState.APPROVED

    staffed.wait(minutes=5)
    staffed.resume_all()

    assert staffed.state is CaseState.NOTICED
    assert len(server.received) == 2


def test_a_case_waits_for_word_that_its_notice_arrived_until_the_end_that_the_letter_states(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    delivered = MethodRule(EMAIL, Basis.DELIVERED, ("notice",))
    with transaction(staffed.engine) as session:
        enter_terms(
            session,
            "acme",
            machine("contracts"),
            START - timedelta(days=39),
            reference="Master agreement 4",
            right=Right.CLAUSE_2_4,
            terms=NoticeTerms((NoticeStep(1, Combine.ANY_OF, (delivered,)),)),
        )
    staffed.approved_case(measure=replace(BLOCK_LATVIA, duration=timedelta(days=7)))
    staffed.enforce()
    sent = len(server.received)

    staffed.wait(days=7)
    staffed.resume_all()
    assert (staffed.state, len(server.received)) == (CaseState.APPROVED, sent), "nobody could act on it yet"

    staffed.wait(minutes=1)
    staffed.resume_all()
    assert (staffed.state, len(server.received)) == (CaseState.WITHDRAWN, 2 * sent)
