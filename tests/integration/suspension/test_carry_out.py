"""From approval to the measure and back, over a real mail server and the embedded platform."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.versions import enter_address
from cjp_fraud.errors import Refused
from cjp_fraud.notices.delivery_record import record_event
from cjp_fraud.notices.model import DeliveryEvidence, NoticeState
from cjp_fraud.notices.tables import Notice
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.review.approval import state_need
from cjp_fraud.review.claim import claim, comment
from cjp_fraud.review.determination import reopen, withdraw
from cjp_fraud.review.dispute import decide_dispute, open_dispute
from cjp_fraud.review.model import CaseState, RestoreCheck
from cjp_fraud.review.requests import MeasureWanted
from cjp_fraud.review.stops_on_record import clear_stop, let_notice_stand, order_stop
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.disagreements import DisagreementKind
from cjp_fraud.suspension.measures import apply_measure
from cjp_fraud.suspension.model import CommandOutcome, MeasureState, PlatformOutcome
from cjp_fraud.suspension.reconciliation import reconcile
from cjp_fraud.suspension.reinstatement import reinstate
from cjp_fraud.suspension.tables import Entitlement, Measure, PlatformCommand
from tests.case_builders import OUTBOUND_VOICE, START, StaffedDeployment, a_flag, flag, mail_to, open_staffed
from tests.chains import chain_faults
from tests.contract_builders import a_row
from tests.mail_servers import MailServerUnderTest
from tests.platforms import UnreliablePlatform
from tests.tampering import unrecorded


def actions(staffed: StaffedDeployment) -> list[str]:
    with reading(staffed.engine) as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.sequence)))


def subjects(server: MailServerUnderTest) -> list[str]:
    return [str(message_from_bytes(one.content)["Subject"]) for one in server.received]


def apply(staffed: StaffedDeployment) -> PlatformOutcome:
    outcome = apply_measure(staffed.enforcement(), staffed.case().id)
    return outcome.outcome


def lift(staffed: StaffedDeployment, by: str = "bella") -> PlatformOutcome:
    who = staffed.people[by]
    return reinstate(staffed.enforcement(), staffed.case().id, who, reasons="resolved").outcome


@pytest.mark.both_databases
def test_an_approved_case_is_noticed_and_suspended_at_once(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    staffed.approved_case()

    done = staffed.enforce()

    assert (done.state, done.waiting_for) == (CaseState.SUSPENDED, ())
    assert staffed.restricted() == 1
    assert [one.recipient for one in server.received] == ["notices@acme.example"]
    measure = staffed.measure()
    assert (measure.state, measure.in_force_at) == (MeasureState.IN_FORCE, staffed.now)
    assert measure.review_at == measure.ends_at == staffed.now + timedelta(hours=72)
    with reading(staffed.engine) as session:
        assert chain_faults(session) == []


def test_carrying_out_again_sends_and_commands_nothing(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    staffed.approved_case()
    staffed.enforce()
    before = actions(staffed)

    staffed.enforce()
    staffed.resume_all()

    assert (len(server.received), staffed.restricted()) == (1, 1)
    assert actions(staffed) == before


def test_in_observe_nothing_leaves_and_what_would_have_been_done_is_stored(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest, platform: UnreliablePlatform
) -> None:
    mail = mail_to(server, mode=PlatformMode.OBSERVE)
    staffed = open_staffed(engine, tmp_path, mail, mode=PlatformMode.OBSERVE, platform=platform)
    staffed.approved_case()

    staffed.enforce()
    done = staffed.enforce()

    assert done.state is CaseState.APPROVED
    assert (server.received, platform.applied) == ([], [])
    with reading(engine) as session:
        assert session.scalars(select(Notice.state)).all() == [NoticeState.OBSERVED]
        assert session.scalars(select(Measure.state)).all() == [MeasureState.OBSERVED]
        assert session.scalars(select(PlatformCommand.outcome)).all() == [CommandOutcome.OBSERVED]


def test_what_was_approved_in_observe_never_fires_when_the_switch_turns(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest, platform: UnreliablePlatform
) -> None:
    mail = mail_to(server, mode=PlatformMode.OBSERVE)
    staffed = open_staffed(engine, tmp_path, mail, mode=PlatformMode.OBSERVE, platform=platform)
    staffed.approved_case()
    staffed.enforce()
    staffed.mail, staffed.policy = mail_to(server), replace(staffed.policy, mode=PlatformMode.ACT)

    staffed.resume_all()
    with pytest.raises(Refused, match="observe"):
        apply(staffed)

    assert (staffed.state, server.received, platform.applied) == (CaseState.APPROVED, [], [])


def test_what_was_approved_in_act_waits_when_the_switch_is_turned_off(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    staffed.approved_case()
    staffed.policy = replace(staffed.policy, mode=PlatformMode.OBSERVE)

    done = staffed.enforce()

    assert (done.state, server.received) == (CaseState.APPROVED, [])
    assert any("mode in force is observe" in sentence for sentence in done.waiting_for)


def test_every_method_failed_is_a_state_of_its_own(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    server.rcpt_replies["notices@acme.example"].append("550 no such user")
    staffed.approved_case()

    assert staffed.enforce().state is CaseState.NOTICE_FAILED
    assert staffed.restricted() == 0


def test_a_mail_server_that_says_later_gets_a_letter_of_its_own_date(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    server.data_replies.append("451 later")
    staffed.approved_case()
    assert staffed.enforce().state is CaseState.APPROVED

    staffed.wait(minutes=5)
    staffed.resume_all()

    assert staffed.state is CaseState.SUSPENDED
    first, second = (taken.content.split(b"Date: ")[1].split(b"\r\n")[0] for taken in server.received)
    assert (first, second) == (b"Thu, 02 Apr 2015 12:00:00 +0000", b"Thu, 02 Apr 2015 12:05:00 +0000")


@pytest.mark.parametrize("behaviour", ["refuse", "lose"])
def test_read_back_and_not_the_answer_says_what_is_in_force(
    staffed: StaffedDeployment, platform: UnreliablePlatform, behaviour: str
) -> None:
    platform.behaviours.append(behaviour)
    staffed.approved_case()

    done = staffed.enforce()

    assert done.state is (CaseState.NOTICED if behaviour == "refuse" else CaseState.SUSPENDED)
    assert staffed.restricted() == (0 if behaviour == "refuse" else 1)


def test_a_refused_command_is_ordered_again_by_the_schedule(
    staffed: StaffedDeployment, platform: UnreliablePlatform
) -> None:
    platform.behaviours.append("refuse")
    staffed.approved_case()
    staffed.enforce()

    staffed.wait(minutes=5)
    staffed.resume_all()

    assert staffed.state is CaseState.SUSPENDED
    assert len({key for _, key in platform.applied}) == 2


def test_a_platform_that_keeps_refusing_is_asked_less_and_less_often(
    staffed: StaffedDeployment, platform: UnreliablePlatform
) -> None:
    platform.behaviours.extend(["refuse"] * 100)
    staffed.approved_case()
    staffed.enforce()
    for _ in range(8):
        staffed.wait(minutes=5)
        [waiting] = staffed.resume_all().waiting

    assert len(platform.applied) == 4, "at 0, 5, 15 and 35 minutes"
    assert waiting.case_id == staffed.case().id
    assert "measures apply" in waiting.waiting_for[0]


def test_a_platform_that_does_not_confirm_emergency_calls_is_told_to_lift(
    staffed: StaffedDeployment, platform: UnreliablePlatform
) -> None:
    platform.unconfirmed = True
    staffed.approved_case()

    done = staffed.enforce()

    assert (done.state, staffed.restricted()) == (CaseState.NOTICED, 0)
    assert any("emergency" in sentence for sentence in done.waiting_for)


def test_a_platform_that_does_not_answer_leaves_the_case_suspending_until_it_answers(
    staffed: StaffedDeployment, platform: UnreliablePlatform
) -> None:
    platform.unreachable = True
    staffed.approved_case()
    assert staffed.enforce().state is CaseState.SUSPENDING

    platform.unreachable = False
    staffed.resume_all()

    assert staffed.state is CaseState.SUSPENDED
    assert len({key for _, key in platform.applied}) == 1


def test_a_stop_that_came_while_the_platform_did_not_answer_lifts_what_it_had_done(
    staffed: StaffedDeployment, platform: UnreliablePlatform
) -> None:
    platform.unreachable = True
    staffed.approved_case()
    staffed.enforce()
    staffed.do(order_stop, "carol", "wait for the customer")
    platform.unreachable = False

    staffed.resume_all()

    assert (staffed.state, staffed.restricted()) == (CaseState.NOTICED, 0)


def test_counsels_stop_shuts_the_gate_and_clearing_it_opens_it(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    staffed.approved_case()
    staffed.do(order_stop, "carol", "wait for the customer")

    assert staffed.enforce().state is CaseState.APPROVED
    assert server.received == []

    staffed.do(clear_stop, "carol", None, "the customer agrees")
    assert staffed.enforce().state is CaseState.SUSPENDED


def test_a_changed_address_voids_the_approval(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    staffed.approved_case()
    with transaction(staffed.engine) as session:
        enter_address(session, "acme", "notice", ("new@acme.example",), staffed.people["otto"], staffed.now)

    done = staffed.enforce()

    assert (done.state, server.received) == (CaseState.APPROVED, [])
    assert any("not those of the proposal" in sentence for sentence in done.waiting_for)


def test_old_and_new_address_are_served_where_one_was_replaced_lately(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    with transaction(staffed.engine) as session:
        at = staffed.now - timedelta(days=10)
        enter_address(session, "acme", "notice", ("new@acme.example",), staffed.people["otto"], at)
    staffed.approved_case()

    staffed.enforce()

    assert staffed.state is CaseState.SUSPENDED
    assert {one.recipient for one in server.received} == {"notices@acme.example", "new@acme.example"}


def test_a_measure_is_refused_with_everything_that_is_missing(staffed: StaffedDeployment) -> None:
    flag(staffed.engine, a_flag(staffed.now), at=staffed.now)
    staffed.do(claim, "rita")
    staffed.determine()
    staffed.wait(hours=30)

    with pytest.raises(Refused) as refused:
        apply(staffed)

    said = " ".join(refused.value.missing)
    for words in ("it is determined", "point 3", "no approver's approval", "point 5", "no notice", "point 8"):
        assert words in said


def test_a_measure_without_fresh_flags_needs_a_person_to_say_again_that_it_is_needed(
    staffed: StaffedDeployment, platform: UnreliablePlatform
) -> None:
    platform.behaviours.append("refuse")
    staffed.approved_case()
    staffed.enforce()
    staffed.wait(hours=30)
    with pytest.raises(Refused, match="point 8"):
        apply(staffed)

    staffed.do(state_need, "rita", "the carrier says that it goes on")

    assert apply(staffed) is PlatformOutcome.IN_FORCE


def test_a_served_notice_that_is_not_acted_on_is_followed_by_a_withdrawal(
    staffed: StaffedDeployment, server: MailServerUnderTest, platform: UnreliablePlatform
) -> None:
    platform.behaviours.append("refuse")
    staffed.approved_case()
    staffed.enforce()
    staffed.wait(hours=73)

    staffed.resume_all()

    assert staffed.state is CaseState.WITHDRAWN
    assert len(server.received) == 2
    assert "ithdraw" in subjects(server)[1]


def test_a_withdrawal_before_anything_went_out_sends_nothing(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    staffed.approved_case()
    staffed.do(withdraw, "adam", reasons="a campaign after all")

    staffed.resume_all()

    assert (staffed.state, server.received) == (CaseState.WITHDRAWN, [])


def test_a_withdrawal_letter_goes_out_even_when_the_case_is_open_again(
    staffed: StaffedDeployment, server: MailServerUnderTest, platform: UnreliablePlatform
) -> None:
    platform.behaviours.append("refuse")
    staffed.approved_case()
    staffed.enforce()
    staffed.do(withdraw, "adam", reasons="a campaign after all")
    staffed.do(reopen, "rita", reasons="not a campaign")

    staffed.resume_all()
    staffed.resume_all()

    assert (staffed.state, len(server.received)) == (CaseState.IN_REVIEW, 2)


def test_a_measure_lapses_at_its_review_date_and_the_customer_is_told(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    staffed.approved_case()
    staffed.enforce()
    staffed.wait(hours=71)
    assert staffed.resume_all().moved == ()

    staffed.wait(hours=1)
    staffed.resume_all()

    assert (staffed.state, staffed.restricted(), len(server.received)) == (CaseState.LAPSED, 0, 2)
    assert staffed.measure().ended_at == staffed.now


def test_two_approvers_with_fresh_reasons_keep_a_measure(staffed: StaffedDeployment) -> None:
    staffed.approved_case()
    staffed.enforce()
    staffed.wait(hours=70)
    first = staffed.reaffirm("adam", "it goes on, see ticket 1")
    with pytest.raises(Refused, match="another approver"):
        staffed.reaffirm("adam", "again, see ticket 2")
    with pytest.raises(Refused, match="given before"):
        staffed.reaffirm("bella", "It goes on, see ticket 1 ")
    with pytest.raises(Refused, match="not an approver"):
        staffed.reaffirm("rita", "I saw it")

    second = staffed.reaffirm("bella", "the carrier confirms")
    staffed.enforce()

    assert (first.complete, second.complete) == (False, True)
    assert second.review_at == staffed.now + timedelta(hours=72)
    staffed.wait(hours=71)
    staffed.resume_all()
    assert staffed.state is CaseState.SUSPENDED
    staffed.wait(hours=1)
    staffed.resume_all()
    assert staffed.state is CaseState.LAPSED


def test_an_approver_reinstates_and_the_customer_is_told(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    staffed.approved_case()
    staffed.enforce()
    with pytest.raises(Refused, match="not an approver"):
        lift(staffed, "rita")

    assert lift(staffed) is PlatformOutcome.NOT_IN_FORCE
    staffed.enforce()

    assert (staffed.state, staffed.restricted(), len(server.received)) == (CaseState.REINSTATED, 0, 2)


def test_a_reinstatement_says_what_was_seen_to_before_and_what_was_not(staffed: StaffedDeployment) -> None:
    staffed.approved_case()
    staffed.enforce()
    checks = (RestoreCheck.KEYS_REVOKED, RestoreCheck.CREDENTIALS_ROTATED)
    bella = staffed.people["bella"]
    reinstate(staffed.enforcement(), staffed.case().id, bella, reasons="the port is closed", checks=checks)

    with reading(staffed.engine) as session:
        content = session.scalars(
            select(AuditEntry.content).where(AuditEntry.action == "case.reinstating")
        ).one()
    assert content["checked"] == ["credentials_rotated", "keys_revoked"]
    assert content["not_checked"] == ["forwards_removed"]


def test_a_lift_that_failed_is_suspended_again(
    staffed: StaffedDeployment, platform: UnreliablePlatform
) -> None:
    staffed.approved_case()
    staffed.enforce()
    platform.behaviours.append("refuse")

    assert lift(staffed) is PlatformOutcome.IN_FORCE
    assert (staffed.state, staffed.restricted()) == (CaseState.SUSPENDED, 1)
    assert lift(staffed) is PlatformOutcome.NOT_IN_FORCE


def test_a_lapse_that_failed_is_tried_again(staffed: StaffedDeployment, platform: UnreliablePlatform) -> None:
    staffed.approved_case()
    staffed.enforce()
    staffed.wait(hours=72)
    platform.endless = True
    platform.behaviours.append("refuse")
    staffed.resume_all()
    assert staffed.state is CaseState.SUSPENDED

    staffed.resume_all()

    assert (staffed.state, staffed.restricted()) == (CaseState.LAPSED, 0)


def test_an_upheld_dispute_shuts_the_gate_and_is_decided_by_somebody_else(
    staffed: StaffedDeployment, platform: UnreliablePlatform
) -> None:
    platform.behaviours.append("refuse")
    staffed.approved_case()
    staffed.enforce()
    dispute = staffed.do(open_dispute, "rita", "it was our campaign")
    for who in ("rita", "adam", "ana"):
        with transaction(staffed.engine) as session, pytest.raises(Refused):
            decide_dispute(
                Decision(session, staffed.people[who], staffed.now), dispute.id, upheld=True, reasons="so"
            )

    with transaction(staffed.engine) as session:
        decide_dispute(
            Decision(session, staffed.people["bella"], staffed.now), dispute.id, upheld=True, reasons="it was"
        )

    with pytest.raises(Refused, match="decided for the tenant"):
        apply(staffed)
    with pytest.raises(Refused, match="never cleared"):
        staffed.do(clear_stop, "carol", None, "all the same")


def test_a_late_bounce_shuts_the_gate_until_a_person_lets_the_notice_stand(
    staffed: StaffedDeployment, platform: UnreliablePlatform
) -> None:
    platform.behaviours.append("refuse")
    staffed.approved_case()
    staffed.enforce()
    with transaction(staffed.engine) as session:
        notice = session.scalars(select(Notice)).one()
        record_event(
            Decision(session, machine("delivery"), staffed.now),
            notice.id,
            DeliveryEvidence(
                DeliveryStatus.SENT,
                negative=True,
                authenticated=True,
                source="delivery report",
                raw="5.1.1",
            ),
        )
    with pytest.raises(Refused, match="point 6"):
        apply(staffed)

    staffed.do(let_notice_stand, "rolf", notice.id, "the clause says sent")

    assert apply(staffed) is PlatformOutcome.IN_FORCE


def test_a_critical_tenant_waits_for_counsel_before_anything_is_sent(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = open_staffed(engine, tmp_path, mail_to(server), a_row(critical="true"))
    staffed.approved_case()
    assert staffed.state is CaseState.DETERMINED

    staffed.approve("carol")

    assert staffed.enforce().state is CaseState.SUSPENDED


def test_an_approver_who_would_comment_is_told_that_it_voids_the_approval(staffed: StaffedDeployment) -> None:
    staffed.approved_case()

    with pytest.raises(Refused, match="void the approval"):
        staffed.do(comment, "adam", "well done")


def test_a_proposal_that_nobody_approves_expires(staffed: StaffedDeployment) -> None:
    flag(staffed.engine, a_flag(staffed.now), at=staffed.now)
    staffed.do(claim, "rita")
    staffed.determine()
    staffed.wait(hours=72)

    staffed.resume_all()

    assert staffed.state is CaseState.EXPIRED
    staffed.do(reopen, "rita", reasons="still there")
    assert staffed.state is CaseState.IN_REVIEW


def test_a_measure_longer_than_its_review_period_runs_on_when_reaffirmed(staffed: StaffedDeployment) -> None:
    week = MeasureWanted(OUTBOUND_VOICE.kind, OUTBOUND_VOICE.scope, timedelta(days=7))
    staffed.approved_case(measure=week)
    staffed.enforce()

    measure = staffed.measure()

    assert measure.review_at == START + timedelta(hours=72)
    assert measure.ends_at == START + timedelta(days=7)


def test_reconciling_lifts_what_is_on_record_as_ended_and_reports_the_rest(
    staffed: StaffedDeployment,
) -> None:
    staffed.approved_case()
    staffed.enforce()
    assert reconcile(staffed.enforcement()) == ()
    with unrecorded(staffed.engine) as session:
        session.scalars(select(Entitlement)).one().restricted = False
    assert [one.kind for one in reconcile(staffed.enforcement())] == [DisagreementKind.NOT_RESTRICTED]
    assert (staffed.state, staffed.restricted()) == (CaseState.SUSPENDED, 0)
    lift(staffed)
    with unrecorded(staffed.engine) as session:
        session.scalars(select(Entitlement)).one().restricted = True

    [found] = reconcile(staffed.enforcement())

    assert (found.kind, found.repaired, staffed.restricted()) == (
        DisagreementKind.ENDED_BUT_RESTRICTED,
        True,
        0,
    )


def test_reconciling_leaves_a_restriction_that_is_not_on_record_to_people(staffed: StaffedDeployment) -> None:
    with unrecorded(staffed.engine) as session:
        session.add(
            Entitlement(
                measure_id="of somebody else",
                tenant_id="acme",
                kind="suspend_channel",
                scope={},
                restricted=True,
                emergency_calls=True,
                ends_at=START + timedelta(days=1),
                apply_key="k",
                changed_at=START,
            )
        )

    [found] = reconcile(staffed.enforcement())

    assert (found.kind, found.repaired, staffed.restricted()) == (DisagreementKind.NOT_ON_RECORD, False, 1)
