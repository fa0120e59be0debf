"""Who may decide what, when, and what was missing; each refusal names everything at once."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.contracts.versions import enter_address
from cjp_fraud.errors import Refused
from cjp_fraud.notices.methods.interface import NoticeMethods
from cjp_fraud.people.model import Decision
from cjp_fraud.review.approval import return_
from cjp_fraud.review.case_reader import case_view
from cjp_fraud.review.claim import claim, comment, release
from cjp_fraud.review.decision_tables import Approval, Determination, Proposal
from cjp_fraud.review.determination import dismiss, leave_undetermined, reopen
from cjp_fraud.review.frozen_traffic import USUAL_LEVEL
from cjp_fraud.review.model import CaseState, MeasureWanted
from cjp_fraud.review.stops_on_record import order_stop
from cjp_fraud.review.tables import CaseComment, EvidenceSet, Flag
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.database import reading, transaction
from tests.case_builders import START, Office, a_flag, flag, open_office
from tests.contract_builders import a_row

MAIL = NoticeMethods(PlatformMode.ACT, {})


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> Office:
    made = open_office(engine, tmp_path, MAIL, a_row(), a_row(tenant_id="unread", notice_address=""))
    flag(engine, a_flag(START), a_flag(START + timedelta(minutes=5)))
    return made


def determined(office: Office, **kwargs: object) -> Proposal:
    office.do(claim, "rita")
    return office.determine(**kwargs)


def test_an_analyst_claims_and_a_reviewer_determines(office: Office) -> None:
    office.do(claim, "ana")

    with pytest.raises(Refused, match="ana is not a reviewer"):
        office.determine("ana")
    office.determine("rolf")

    assert office.state is CaseState.DETERMINED


@pytest.mark.parametrize("who", ["adam", "carol", "otto"])
def test_only_analysts_and_reviewers_claim(office: Office, who: str) -> None:
    with pytest.raises(Refused, match="neither an analyst nor a reviewer"):
        office.do(claim, who)


def test_a_holder_releases_and_a_reviewer_may_in_the_holders_absence(office: Office) -> None:
    office.do(claim, "rita")
    with pytest.raises(Refused, match="does not hold it"):
        office.do(release, "ana")

    office.do(release, "rolf")

    assert (office.state, office.case().claimed_by) == (CaseState.OPEN, None)


def test_a_refused_determination_names_all_that_is_missing(office: Office) -> None:
    with pytest.raises(Refused) as refused:
        office.determine("ana", reasons=" ", tenants_part=None, flag_ids=["nothing"])

    said = refused.value.missing
    assert len(said) >= 5
    for words in ("it is open", "not a reviewer", "reasons", "tenant's part", "not flags in force"):
        assert any(words in sentence for sentence in said), words


def test_a_proposal_is_what_it_hashes_and_holds_no_address(office: Office) -> None:
    proposal = determined(office)

    document = json.loads(proposal.document)
    assert hashlib.sha256(proposal.document).hexdigest() == proposal.sha256
    assert document["mode"] == "act"
    assert document["measure"]["hours"] == 72
    assert document["notice"]["recipients"][0]["role"] == "notice"
    assert b"acme.example" not in proposal.document


def test_the_evidence_is_frozen_with_a_day_before_the_first_flag(office: Office) -> None:
    determined(office)

    with reading(office.engine) as session:
        kept = session.scalars(select(EvidenceSet)).one()
    document = json.loads(kept.document)
    assert hashlib.sha256(kept.document).hexdigest() == kept.sha256
    assert document["window"]["start"] == "2015-04-01T12:00:00.000000Z"
    levels = [row for row in document["rows"] if row.get("table") == USUAL_LEVEL]
    assert (len(document["flags"]), kept.row_count, len(levels)) == (2, 3, 1)


def test_flags_of_later_join_the_case_and_void_nothing(office: Office) -> None:
    proposal = determined(office)
    later = START + timedelta(minutes=20)
    flag(office.engine, a_flag(later), window=(later, later + timedelta(minutes=5)))

    given = office.approve()

    assert given.proposal_sha256 == proposal.sha256
    assert office.state is CaseState.APPROVED


@pytest.mark.parametrize(
    ("who", "why"),
    [("rita", "not an approver"), ("carol", "not an approver"), ("otto", "not an approver")],
)
def test_only_an_approver_approves(office: Office, who: str, why: str) -> None:
    determined(office)

    if who == "carol":  # counsel's consent is taken, and is not the approval
        office.approve(who)
        assert office.state is CaseState.DETERMINED
        return
    with pytest.raises(Refused, match=why):
        office.approve(who)


def test_nobody_approves_what_they_determined_though_they_have_both_roles(office: Office) -> None:
    office.do(claim, "rita")
    office.determine("both")

    with pytest.raises(Refused) as refused:
        office.approve("both")

    assert any("took part" in sentence for sentence in refused.value.missing)
    assert any("determined the fraud" in sentence for sentence in refused.value.missing)


@pytest.mark.both_databases
def test_the_database_itself_refuses_ones_own_approval(office: Office) -> None:
    proposal = determined(office)

    with pytest.raises(IntegrityError, match="second_person"), transaction(office.engine) as session:
        session.add(
            Approval(
                id=new_id(),
                proposal_id=proposal.id,
                drawn_at=proposal.drawn_at,
                proposal_sha256=proposal.sha256,
                determined_by=proposal.determined_by,
                capacity="approver",
                by_user_id=proposal.determined_by,
                at=START,
            )
        )


@pytest.mark.both_databases
def test_the_database_itself_refuses_a_measure_without_approval(office: Office) -> None:
    proposal = determined(office)
    case = office.case()

    with pytest.raises(IntegrityError), transaction(office.engine) as session:
        session.execute(
            text(
                "INSERT INTO measures (id, case_id, tenant_id, proposal_id, approval_id, notice_plan_id, mode, "
                "kind, scope, state, ordered_at, review_at, ends_at) VALUES ('m', :case, 'acme', :proposal, "
                "'none', 'none', 'act', 'suspend_channel', '{}', 'ordered', '2015-04-02', '2015-04-03', "
                "'2015-04-03')"
            ),
            {"case": case.id, "proposal": proposal.id},
        )


def test_a_comment_is_taking_part_and_a_return_is_none(office: Office) -> None:
    determined(office)
    office.do(return_, "adam", "narrower, please")
    office.do(comment, "bella", "I know this customer")
    office.determine("rita")

    with pytest.raises(Refused, match="bella took part"):
        office.approve("bella")
    office.approve("adam")

    assert office.state is CaseState.APPROVED


def test_an_editor_of_the_addresses_does_not_approve_for_thirty_days(office: Office) -> None:
    with transaction(office.engine) as session:
        enter_address(session, "acme", "notice", ("new@acme.example",), office.people["adam"], office.now)
    office.wait(days=29)
    determined(office)

    with pytest.raises(Refused, match="last 30 days"):
        office.approve("adam")
    office.approve("bella")


def test_an_address_that_changed_since_needs_a_new_proposal(office: Office) -> None:
    determined(office)
    with transaction(office.engine) as session:
        enter_address(session, "acme", "notice", ("new@acme.example",), office.people["otto"], office.now)

    with pytest.raises(Refused, match="must be determined again"):
        office.approve()


def test_another_version_than_the_one_read_is_not_approved(office: Office) -> None:
    read = determined(office).sha256
    office.do(return_, "rita", "a slip")
    stands = office.determine(reasons="other reasons").sha256

    with pytest.raises(Refused, match="read it again"):
        office.approve(expected_sha256=read)
    office.approve(expected_sha256=stands[:12])


def test_an_expired_proposal_is_not_approved(office: Office) -> None:
    determined(office)
    office.wait(hours=72)

    with pytest.raises(Refused, match="expired"):
        office.approve()


def test_an_approval_is_given_once(office: Office) -> None:
    determined(office)
    office.approve("carol")

    with pytest.raises(Refused, match="approved it already"):
        office.approve("carol")


def test_a_tenant_whose_terms_are_not_read_is_reviewed_and_determined_and_never_approved(
    office: Office,
) -> None:
    flag(office.engine, a_flag(START, "unread"))
    proposal = determined(office)

    assert json.loads(proposal.document)["notice"] is None
    with pytest.raises(Refused, match="has not been read"):
        office.approve()


def test_inbound_fraud_is_not_met_by_cutting_off(office: Office) -> None:
    at = START + timedelta(minutes=30)
    flag(
        office.engine,
        a_flag(at, direction="inbound"),
        window=(at, at + timedelta(minutes=5)),
    )
    office.do(claim, "rita")
    with pytest.raises(Refused, match="name the measure"):
        office.determine(measure=None)
    cut = MeasureWanted(MeasureKind.SUSPEND_ALL_ACCESS, Scope(), timedelta(hours=72))
    with pytest.raises(Refused, match="cut off the victim"):
        office.determine(measure=cut)
    limits = Scope(channels=("voice",), directions=("inbound",), origins=("+37120",))

    office.determine(measure=MeasureWanted(MeasureKind.LIMIT_ORIGINS, limits, timedelta(hours=72)))

    assert office.state is CaseState.DETERMINED


def test_a_scope_without_its_kind_of_measure_is_refused_in_words(office: Office) -> None:
    office.do(claim, "rita")

    with pytest.raises(Refused, match="say the kind of measure too: block_destinations"):
        office.determine(measure=MeasureWanted(scope=Scope(channels=("voice",))))


def test_a_measure_is_temporary(office: Office) -> None:
    office.do(claim, "rita")
    scope = Scope(channels=("voice",), directions=("outbound",))
    for duration in (timedelta(0), timedelta(days=400)):
        with pytest.raises(Refused, match="temporary"):
            office.determine(measure=MeasureWanted(MeasureKind.SUSPEND_CHANNEL, scope, duration))


def test_undetermined_leaves_the_case_in_review(office: Office) -> None:
    office.do(claim, "rita")
    office.do(leave_undetermined, "rita", reasons="the customer is asked")

    assert office.state is CaseState.IN_REVIEW


def test_a_dismissed_case_is_opened_again_unless_another_is_open(office: Office) -> None:
    office.do(claim, "rita")
    office.do(dismiss, "rita", reasons="a campaign")
    first = office.case()
    flag(office.engine, a_flag(START + timedelta(days=3)))

    with transaction(office.engine) as session, pytest.raises(Refused, match="case 2"):
        reopen(Decision(session, office.people["rita"], office.now), first.id, reasons="not a campaign")
    office.do(claim, "rita")
    office.do(dismiss, "rita", reasons="a campaign")
    with transaction(office.engine) as session:
        reopen(Decision(session, office.people["rita"], office.now), first.id, reasons="not a campaign")


def test_every_transition_writes_its_entry_and_no_personal_text(office: Office) -> None:
    determined(office, reasons="SECRET REASONS")
    office.do(return_, "adam", "SECRET WORDS")

    with reading(office.engine) as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.case_id.is_not(None))).all()
        actions = [entry.action for entry in entries]
        assert actions == ["case.opened", "case.claimed", "case.determined", "case.returned"]
        assert not [entry for entry in entries if "SECRET" in json.dumps(entry.content)]
        assert not [entry for entry in entries if "rita" in entry.actor]


def test_a_refused_transition_leaves_nothing(office: Office) -> None:
    with reading(office.engine) as session:
        before = len(session.scalars(select(AuditEntry)).all())
    with pytest.raises(Refused):
        office.approve("adam")

    with reading(office.engine) as session:
        assert len(session.scalars(select(AuditEntry)).all()) == before
        assert not session.scalars(select(Determination)).all()
        assert not session.scalars(select(CaseComment)).all()


def test_a_case_shows_why_it_fired_and_all_that_was_decided(office: Office) -> None:
    determined(office)
    office.approve()

    with reading(office.engine) as session:
        view = case_view(session, office.case().id, office.now)
        flags = session.scalars(select(Flag)).all()

    assert view.flags_in_force == len(flags) == 2
    assert view.flags[0].reasons["words"].startswith("14 ×")
    assert view.determinations[0].by == "rita"
    assert view.proposals[0].approvals[0].by == "adam"
    assert [entry.action for entry in view.history][-1] == "case.approved"


def test_a_refused_approval_names_what_the_gate_says_and_what_only_an_approval_asks(office: Office) -> None:
    office.do(claim, "rita")
    office.determine("both")
    office.do(order_stop, "carol", "wait for the customer")
    office.wait(hours=72)

    with pytest.raises(Refused) as refused:
        office.approve("both", expected_sha256="00000000")

    said = refused.value.missing
    for words in ("expired", "read it again", "took part", "determined the fraud", "counsel ordered a stop"):
        assert any(words in sentence for sentence in said), words
    assert len(set(said)) == len(said)
