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
from cjp_fraud.review.claim import DEFAULT_POLICY, claim, comment, release
from cjp_fraud.review.decision_tables import Approval, Determination, Proposal
from cjp_fraud.review.determination import dismiss, leave_undetermined, reopen
from cjp_fraud.review.frozen_traffic import USUAL_LEVEL
from cjp_fraud.review.model import CaseState, NamedEvidence
from cjp_fraud.review.refusal import refuse
from cjp_fraud.review.requests import MeasureWanted
from cjp_fraud.review.stops_on_record import order_stop
from cjp_fraud.review.tables import CaseComment, EvidenceSet, Flag
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.database import reading, transaction
from tests.case_builders import START, StaffedDeployment, a_flag, flag, open_staffed
from tests.contract_builders import a_row

MAIL = NoticeMethods(PlatformMode.ACT, {})


@pytest.fixture
def staffed(engine: Engine, tmp_path: Path) -> StaffedDeployment:
    made = open_staffed(engine, tmp_path, MAIL, a_row(), a_row(tenant_id="unread", notice_address=""))
    flag(engine, a_flag(START), a_flag(START + timedelta(minutes=5)))
    return made


def determined(staffed: StaffedDeployment, **kwargs: object) -> Proposal:
    staffed.do(claim, "rita")
    return staffed.determine(**kwargs)


def test_an_analyst_claims_and_a_reviewer_determines(staffed: StaffedDeployment) -> None:
    staffed.do(claim, "ana")

    with pytest.raises(Refused, match="ana is not a reviewer"):
        staffed.determine("ana")
    staffed.do(release, "ana")
    staffed.do(claim, "rolf")
    staffed.determine("rolf")

    assert staffed.state is CaseState.DETERMINED


@pytest.mark.parametrize("who", ["adam", "carol", "otto"])
def test_only_analysts_and_reviewers_claim(staffed: StaffedDeployment, who: str) -> None:
    with pytest.raises(Refused, match="neither an analyst nor a reviewer"):
        staffed.do(claim, who)


def test_a_holder_releases_and_a_reviewer_may_in_the_holders_absence(staffed: StaffedDeployment) -> None:
    staffed.do(claim, "rita")
    with pytest.raises(Refused, match="does not hold it"):
        staffed.do(release, "ana")

    staffed.do(release, "rolf")

    assert (staffed.state, staffed.case().claimed_by) == (CaseState.OPEN, None)


def test_a_refused_determination_names_all_that_is_missing(staffed: StaffedDeployment) -> None:
    with pytest.raises(Refused) as refused:
        staffed.determine("ana", reasons=" ", tenants_part=None, flag_ids=["nothing"])

    said = refused.value.missing
    assert len(said) >= 5
    for words in ("it is open", "not a reviewer", "reasons", "tenant's part", "not flags in force"):
        assert any(words in sentence for sentence in said), words


def test_a_proposal_is_what_it_hashes_and_holds_no_address(staffed: StaffedDeployment) -> None:
    proposal = determined(staffed)

    document = json.loads(proposal.document)
    assert hashlib.sha256(proposal.document).hexdigest() == proposal.sha256
    assert document["mode"] == "act"
    assert document["measure"]["hours"] == 72
    assert document["notice"]["recipients"][0]["role"] == "notice"
    assert b"acme.example" not in proposal.document


def test_the_evidence_is_frozen_with_a_day_before_the_first_flag(staffed: StaffedDeployment) -> None:
    determined(staffed)

    with reading(staffed.engine) as session:
        kept = session.scalars(select(EvidenceSet)).one()
    document = json.loads(kept.document)
    assert hashlib.sha256(kept.document).hexdigest() == kept.sha256
    assert document["window"]["start"] == "2015-04-01T12:00:00.000000Z"
    levels = [row for row in document["rows"] if row.get("table") == USUAL_LEVEL]
    assert (len(document["flags"]), kept.row_count, len(levels)) == (2, 3, 1)


def test_flags_of_later_join_the_case_and_void_nothing(staffed: StaffedDeployment) -> None:
    proposal = determined(staffed)
    later = START + timedelta(minutes=20)
    flag(staffed.engine, a_flag(later), window=(later, later + timedelta(minutes=5)))

    given = staffed.approve()

    assert given.proposal_sha256 == proposal.sha256
    assert staffed.state is CaseState.APPROVED


@pytest.mark.parametrize(
    ("who", "why"),
    [("rita", "not an approver"), ("carol", "not an approver"), ("otto", "not an approver")],
)
def test_only_an_approver_approves(staffed: StaffedDeployment, who: str, why: str) -> None:
    determined(staffed)

    if who == "carol":  # counsel's consent is taken, and is not the approval
        staffed.approve(who)
        assert staffed.state is CaseState.DETERMINED
        return
    with pytest.raises(Refused, match=why):
        staffed.approve(who)


def test_nobody_approves_what_they_determined_though_they_have_both_roles(staffed: StaffedDeployment) -> None:
    staffed.do(claim, "both")
    staffed.determine("both")

    with pytest.raises(Refused) as refused:
        staffed.approve("both")

    assert any("took part" in sentence for sentence in refused.value.missing)
    assert any("determined the fraud" in sentence for sentence in refused.value.missing)


@pytest.mark.both_databases
def test_the_database_itself_refuses_ones_own_approval(staffed: StaffedDeployment) -> None:
    proposal = determined(staffed)

    with pytest.raises(IntegrityError, match="second_person"), transaction(staffed.engine) as session:
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
def test_the_database_itself_refuses_a_measure_without_approval(staffed: StaffedDeployment) -> None:
    proposal = determined(staffed)
    case = staffed.case()

    with pytest.raises(IntegrityError), transaction(staffed.engine) as session:
        session.execute(
            text(
                "INSERT INTO measures (id, case_id, tenant_id, proposal_id, approval_id, notice_plan_id, mode, "
                "kind, scope, state, ordered_at, review_at, ends_at) VALUES ('m', :case, 'acme', :proposal, "
                "'none', 'none', 'act', 'suspend_channel', '{}', 'ordered', '2015-04-02', '2015-04-03', "
                "'2015-04-03')"
            ),
            {"case": case.id, "proposal": proposal.id},
        )


def test_a_comment_is_taking_part_and_a_return_is_none(staffed: StaffedDeployment) -> None:
    determined(staffed)
    staffed.do(return_, "adam", "narrower, please")
    staffed.do(comment, "bella", "I know this customer")
    staffed.determine("rita")

    with pytest.raises(Refused, match="bella took part"):
        staffed.approve("bella")
    staffed.approve("adam")

    assert staffed.state is CaseState.APPROVED


def test_an_editor_of_the_addresses_does_not_approve_for_thirty_days(staffed: StaffedDeployment) -> None:
    with transaction(staffed.engine) as session:
        enter_address(session, "acme", "notice", ("new@acme.example",), staffed.people["adam"], staffed.now)
    staffed.wait(days=29)
    determined(staffed)

    with pytest.raises(Refused, match="last 30 days"):
        staffed.approve("adam")
    staffed.approve("bella")


def test_an_address_that_changed_since_needs_a_new_proposal(staffed: StaffedDeployment) -> None:
    determined(staffed)
    with transaction(staffed.engine) as session:
        enter_address(session, "acme", "notice", ("new@acme.example",), staffed.people["otto"], staffed.now)

    with pytest.raises(Refused, match="must be determined again"):
        staffed.approve()


def test_another_version_than_the_one_read_is_not_approved(staffed: StaffedDeployment) -> None:
    read = determined(staffed).sha256
    staffed.do(return_, "rita", "a slip")
    stands = staffed.determine(reasons="other reasons").sha256

    with pytest.raises(Refused, match="read it again"):
        staffed.approve(expected_sha256=read)
    staffed.approve(expected_sha256=stands[:12])


def test_an_expired_proposal_is_not_approved(staffed: StaffedDeployment) -> None:
    determined(staffed)
    staffed.wait(hours=72)

    with pytest.raises(Refused, match="expired"):
        staffed.approve()


def test_an_approval_is_given_once(staffed: StaffedDeployment) -> None:
    determined(staffed)
    staffed.approve("carol")

    with pytest.raises(Refused, match="approved it already"):
        staffed.approve("carol")


def test_a_tenant_whose_terms_are_not_read_is_reviewed_and_determined_and_never_approved(
    staffed: StaffedDeployment,
) -> None:
    flag(staffed.engine, a_flag(START, "unread"))
    proposal = determined(staffed)

    assert json.loads(proposal.document)["notice"] is None
    with pytest.raises(Refused, match="has not been read"):
        staffed.approve()


def test_inbound_fraud_is_not_met_by_cutting_off(staffed: StaffedDeployment) -> None:
    at = START + timedelta(minutes=30)
    flag(
        staffed.engine,
        a_flag(at, direction="inbound"),
        window=(at, at + timedelta(minutes=5)),
    )
    staffed.do(claim, "rita")
    with pytest.raises(Refused, match="name the measure"):
        staffed.determine(measure=None)
    cut = MeasureWanted(MeasureKind.SUSPEND_ALL_ACCESS, Scope(), timedelta(hours=72))
    with pytest.raises(Refused, match="cut off the victim"):
        staffed.determine(measure=cut)
    limits = Scope(channels=("voice",), directions=("inbound",), origins=("+37120",))

    staffed.determine(measure=MeasureWanted(MeasureKind.LIMIT_ORIGINS, limits, timedelta(hours=72)))

    assert staffed.state is CaseState.DETERMINED


def test_a_scope_without_its_kind_of_measure_is_refused_in_words(staffed: StaffedDeployment) -> None:
    staffed.do(claim, "rita")

    with pytest.raises(Refused, match="say the kind of measure too: block_destinations"):
        staffed.determine(measure=MeasureWanted(scope=Scope(channels=("voice",))))


def test_a_measure_is_temporary(staffed: StaffedDeployment) -> None:
    staffed.do(claim, "rita")
    scope = Scope(channels=("voice",), directions=("outbound",))
    for duration in (timedelta(0), timedelta(days=400)):
        with pytest.raises(Refused, match="temporary"):
            staffed.determine(measure=MeasureWanted(MeasureKind.SUSPEND_CHANNEL, scope, duration))


def test_undetermined_leaves_the_case_in_review(staffed: StaffedDeployment) -> None:
    staffed.do(claim, "rita")
    staffed.do(leave_undetermined, "rita", reasons="the customer is asked")

    assert staffed.state is CaseState.IN_REVIEW


def test_a_dismissed_case_is_opened_again_unless_another_is_open(staffed: StaffedDeployment) -> None:
    staffed.do(claim, "rita")
    staffed.do(dismiss, "rita", reasons="a campaign")
    first = staffed.case()
    flag(staffed.engine, a_flag(START + timedelta(days=3)))

    with transaction(staffed.engine) as session, pytest.raises(Refused, match="case 2"):
        reopen(Decision(session, staffed.people["rita"], staffed.now), first.id, reasons="not a campaign")
    staffed.do(claim, "rita")
    staffed.do(dismiss, "rita", reasons="a campaign")
    with transaction(staffed.engine) as session:
        reopen(Decision(session, staffed.people["rita"], staffed.now), first.id, reasons="not a campaign")


def test_every_transition_writes_its_entry_and_no_personal_text(staffed: StaffedDeployment) -> None:
    determined(staffed, reasons="SECRET REASONS")
    staffed.do(return_, "adam", "SECRET WORDS")

    with reading(staffed.engine) as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.case_id.is_not(None))).all()
        actions = [entry.action for entry in entries]
        assert actions == ["case.opened", "case.claimed", "case.determined", "case.returned"]
        assert not [entry for entry in entries if "SECRET" in json.dumps(entry.content)]
        assert not [entry for entry in entries if "rita" in entry.actor]


def test_a_refused_transition_leaves_nothing(staffed: StaffedDeployment) -> None:
    with reading(staffed.engine) as session:
        before = len(session.scalars(select(AuditEntry)).all())
    with pytest.raises(Refused):
        staffed.approve("adam")

    with reading(staffed.engine) as session:
        assert len(session.scalars(select(AuditEntry)).all()) == before
        assert not session.scalars(select(Determination)).all()
        assert not session.scalars(select(CaseComment)).all()


def test_a_case_shows_why_it_fired_and_all_that_was_decided(staffed: StaffedDeployment) -> None:
    determined(staffed)
    staffed.approve()

    with reading(staffed.engine) as session:
        view = case_view(session, staffed.case().id, staffed.now)
        flags = session.scalars(select(Flag)).all()

    assert view.flags_in_force == len(flags) == 2
    assert view.flags[0].reasons["words"].startswith("14 ×")
    assert view.determinations[0].by == "rita"
    assert view.proposals[0].approvals[0].by == "adam"
    assert [entry.action for entry in view.history][-1] == "case.approved"


def test_a_refused_approval_names_what_the_gate_says_and_what_only_an_approval_asks(
    staffed: StaffedDeployment,
) -> None:
    staffed.do(claim, "both")
    staffed.determine("both")
    staffed.do(order_stop, "carol", "wait for the customer")
    staffed.wait(hours=72)

    with pytest.raises(Refused) as refused:
        staffed.approve("both", expected_sha256="00000000")

    said = refused.value.missing
    for words in ("expired", "read it again", "took part", "determined the fraud", "counsel ordered a stop"):
        assert any(words in sentence for sentence in said), words
    assert len(set(said)) == len(said)


def test_an_approver_who_took_no_part_refuses_with_reasons_and_the_case_is_reviewed_again(
    staffed: StaffedDeployment,
) -> None:
    determined(staffed)
    with pytest.raises(Refused, match="say why the finding does not hold"):
        staffed.do(refuse, "adam", " ")

    staffed.do(refuse, "adam", "the calls are the customer's own campaign")

    assert staffed.state is CaseState.IN_REVIEW
    with pytest.raises(Refused, match="it is in_review; only a determined case can be approved"):
        staffed.approve("bella")
    with reading(staffed.engine) as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.sequence.desc())).first()
        shown = case_view(session, staffed.case().id, staffed.now)
    assert entry is not None
    assert entry.action == "case.refused"
    assert [each.text for each in shown.comments] == ["the calls are the customer's own campaign"]


@pytest.mark.parametrize("who", ["rita", "rolf", "ana", "both"])
def test_only_an_approver_or_counsel_who_took_no_part_refuses(staffed: StaffedDeployment, who: str) -> None:
    staffed.do(comment, "both", "a range that is known")
    determined(staffed)

    with pytest.raises(Refused, match=r"took part|neither approver nor counsel"):
        staffed.do(refuse, who, "it does not hold")

    assert staffed.state is CaseState.DETERMINED


def test_a_refused_finding_is_put_forward_again_only_with_something_new(staffed: StaffedDeployment) -> None:
    determined(staffed)
    staffed.do(refuse, "adam", "the calls are the customer's own campaign")

    with pytest.raises(Refused, match="adam refused this finding"):
        staffed.determine(reasons="in other words")
    staffed.determine(evidence=[NamedEvidence.CUSTOMERS_ANSWER])
    staffed.do(refuse, "bella", "the answer does not say so")

    with pytest.raises(Refused) as refused:
        staffed.determine(evidence=[NamedEvidence.CUSTOMERS_ANSWER])
    assert [each.split()[0] for each in refused.value.missing] == ["bella"]


def test_a_returned_finding_is_put_forward_again(staffed: StaffedDeployment) -> None:
    determined(staffed)
    staffed.do(return_, "adam", "say more")

    staffed.determine()

    assert staffed.state is CaseState.DETERMINED


def test_nobody_decides_a_case_that_a_colleague_holds(staffed: StaffedDeployment) -> None:
    staffed.do(claim, "rita")

    until = f"{staffed.now + DEFAULT_POLICY.lease:%H:%MZ}"
    with pytest.raises(Refused, match=f"rita holds it until {until}; ask rita to hand it over"):
        staffed.determine("rolf")
    for decide in (dismiss, leave_undetermined):
        with pytest.raises(Refused, match=f"rita holds it until {until}"):
            staffed.do(decide, "rolf", reasons="a campaign")

    assert staffed.state is CaseState.IN_REVIEW


def test_a_colleague_decides_once_the_lease_has_ended(staffed: StaffedDeployment) -> None:
    staffed.do(claim, "rita")
    staffed.now += DEFAULT_POLICY.lease

    staffed.determine("rolf")

    assert staffed.state is CaseState.DETERMINED


def test_an_approval_asks_for_no_lease(staffed: StaffedDeployment) -> None:
    determined(staffed)

    staffed.approve("adam")

    assert staffed.state is CaseState.APPROVED


def test_a_comment_with_a_sign_that_nobody_sees_is_refused(staffed: StaffedDeployment) -> None:
    with pytest.raises(Refused, match=r"character 8 of the comment is U\+202E"):
        staffed.do(comment, "ana", "opened \u202egpj.exe")


def test_a_missing_ground_is_asked_for_in_words_that_fit_the_page_and_the_command(
    staffed: StaffedDeployment,
) -> None:
    staffed.do(claim, "rita")

    with pytest.raises(Refused, match="name at least one ground that fits") as refused:
        staffed.determine(grounds=())

    assert not [sentence for sentence in refused.value.missing if "CASE" in sentence]
