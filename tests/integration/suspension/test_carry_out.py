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
from cjp_fraud.review.model import CaseState, MeasureWanted
from cjp_fraud.review.stops_on_record import clear_stop, let_notice_stand, order_stop
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.disagreements import DisagreementKind
from cjp_fraud.suspension.measures import apply_measure
from cjp_fraud.suspension.model import CommandOutcome, MeasureState, PlatformOutcome
from cjp_fraud.suspension.reconciliation import reconcile
from cjp_fraud.suspension.reinstatement import reinstate
from cjp_fraud.suspension.tables import Entitlement, Measure, PlatformCommand
from tests.case_builders import OUTBOUND_VOICE, START, Office, a_flag, flag, mail_to, open_office
from tests.chains import chain_faults
from tests.contract_builders import a_row
from tests.mail_servers import MailServerUnderTest
from tests.platforms import UnreliablePlatform
from tests.tampering import unrecorded


def actions(office: Office) -> list[str]:
    with reading(office.engine) as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.sequence)))


def subjects(server: MailServerUnderTest) -> list[str]:
    return [str(message_from_bytes(one.content)["Subject"]) for one in server.received]


def apply(office: Office) -> PlatformOutcome:
    outcome = apply_measure(office.enforcement(), office.case().id)
    return outcome.outcome


def lift(office: Office, by: str = "bella") -> PlatformOutcome:
    who = office.people[by]
    return reinstate(office.enforcement(), office.case().id, who, reasons="resolved").outcome


@pytest.mark.both_databases
def test_an_approved_case_is_noticed_and_suspended_at_once(
    office: Office, server: MailServerUnderTest
) -> None:
    office.approved_case()

    done = office.enforce()

    assert (done.state, done.waiting_for) == (CaseState.SUSPENDED, ())
    assert office.restricted() == 1
    assert [one.recipient for one in server.received] == ["notices@acme.example"]
    measure = office.measure()
    assert (measure.state, measure.in_force_at) == (MeasureState.IN_FORCE, office.now)
    assert measure.review_at == measure.ends_at == office.now + timedelta(hours=72)
    with reading(office.engine) as session:
        assert chain_faults(session) == []


def test_carrying_out_again_sends_and_commands_nothing(office: Office, server: MailServerUnderTest) -> None:
    office.approved_case()
    office.enforce()
    before = actions(office)

    office.enforce()
    office.resume_all()

    assert (len(server.received), office.restricted()) == (1, 1)
    assert actions(office) == before


def test_in_observe_nothing_leaves_and_what_would_have_been_done_is_stored(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest, platform: UnreliablePlatform
) -> None:
    mail = mail_to(server, mode=PlatformMode.OBSERVE)
    office = open_office(engine, tmp_path, mail, mode=PlatformMode.OBSERVE, platform=platform)
    office.approved_case()

    office.enforce()
    done = office.enforce()

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
    office = open_office(engine, tmp_path, mail, mode=PlatformMode.OBSERVE, platform=platform)
    office.approved_case()
    office.enforce()
    office.mail, office.policy = mail_to(server), replace(office.policy, mode=PlatformMode.ACT)

    office.resume_all()
    with pytest.raises(Refused, match="observe"):
        apply(office)

    assert (office.state, server.received, platform.applied) == (CaseState.APPROVED, [], [])


def test_what_was_approved_in_act_waits_when_the_switch_is_turned_off(
    office: Office, server: MailServerUnderTest
) -> None:
    office.approved_case()
    office.policy = replace(office.policy, mode=PlatformMode.OBSERVE)

    done = office.enforce()

    assert (done.state, server.received) == (CaseState.APPROVED, [])
    assert any("mode in force is observe" in sentence for sentence in done.waiting_for)


def test_every_method_failed_is_a_state_of_its_own(office: Office, server: MailServerUnderTest) -> None:
    server.rcpt_replies["notices@acme.example"].append("550 no such user")
    office.approved_case()

    assert office.enforce().state is CaseState.NOTICE_FAILED
    assert office.restricted() == 0


def test_a_mail_server_that_says_later_gets_a_letter_of_its_own_date(
    office: Office, server: MailServerUnderTest
) -> None:
    server.data_replies.append("451 later")
    office.approved_case()
    assert office.enforce().state is CaseState.APPROVED

    office.wait(minutes=5)
    office.resume_all()

    assert office.state is CaseState.SUSPENDED
    first, second = (taken.content.split(b"Date: ")[1].split(b"\r\n")[0] for taken in server.received)
    assert (first, second) == (b"Thu, 02 Apr 2015 12:00:00 +0000", b"Thu, 02 Apr 2015 12:05:00 +0000")


@pytest.mark.parametrize("behaviour", ["refuse", "lose"])
def test_read_back_and_not_the_answer_says_what_is_in_force(
    office: Office, platform: UnreliablePlatform, behaviour: str
) -> None:
    platform.behaviours.append(behaviour)
    office.approved_case()

    done = office.enforce()

    assert done.state is (CaseState.NOTICED if behaviour == "refuse" else CaseState.SUSPENDED)
    assert office.restricted() == (0 if behaviour == "refuse" else 1)


def test_a_refused_command_is_ordered_again_by_the_schedule(
    office: Office, platform: UnreliablePlatform
) -> None:
    platform.behaviours.append("refuse")
    office.approved_case()
    office.enforce()

    office.wait(minutes=5)
    office.resume_all()

    assert office.state is CaseState.SUSPENDED
    assert len({key for _, key in platform.applied}) == 2


def test_a_platform_that_keeps_refusing_is_asked_less_and_less_often(
    office: Office, platform: UnreliablePlatform
) -> None:
    platform.behaviours.extend(["refuse"] * 100)
    office.approved_case()
    office.enforce()
    for _ in range(8):
        office.wait(minutes=5)
        [waiting] = office.resume_all().waiting

    assert len(platform.applied) == 4, "at 0, 5, 15 and 35 minutes"
    assert waiting.case_id == office.case().id
    assert "measures apply" in waiting.waiting_for[0]


def test_a_platform_that_does_not_confirm_emergency_calls_is_told_to_lift(
    office: Office, platform: UnreliablePlatform
) -> None:
    platform.unconfirmed = True
    office.approved_case()

    done = office.enforce()

    assert (done.state, office.restricted()) == (CaseState.NOTICED, 0)
    assert any("emergency" in sentence for sentence in done.waiting_for)


def test_a_platform_that_does_not_answer_leaves_the_case_suspending_until_it_answers(
    office: Office, platform: UnreliablePlatform
) -> None:
    platform.unreachable = True
    office.approved_case()
    assert office.enforce().state is CaseState.SUSPENDING

    platform.unreachable = False
    office.resume_all()

    assert office.state is CaseState.SUSPENDED
    assert len({key for _, key in platform.applied}) == 1


def test_a_stop_that_came_while_the_platform_did_not_answer_lifts_what_it_had_done(
    office: Office, platform: UnreliablePlatform
) -> None:
    platform.unreachable = True
    office.approved_case()
    office.enforce()
    office.do(order_stop, "carol", "wait for the customer")
    platform.unreachable = False

    office.resume_all()

    assert (office.state, office.restricted()) == (CaseState.NOTICED, 0)


def test_counsels_stop_shuts_the_gate_and_clearing_it_opens_it(
    office: Office, server: MailServerUnderTest
) -> None:
    office.approved_case()
    office.do(order_stop, "carol", "wait for the customer")

    assert office.enforce().state is CaseState.APPROVED
    assert server.received == []

    office.do(clear_stop, "carol", None, "the customer agrees")
    assert office.enforce().state is CaseState.SUSPENDED


def test_a_changed_address_voids_the_approval(office: Office, server: MailServerUnderTest) -> None:
    office.approved_case()
    with transaction(office.engine) as session:
        enter_address(session, "acme", "notice", ("new@acme.example",), office.people["otto"], office.now)

    done = office.enforce()

    assert (done.state, server.received) == (CaseState.APPROVED, [])
    assert any("not those of the proposal" in sentence for sentence in done.waiting_for)


def test_old_and_new_address_are_served_where_one_was_replaced_lately(
    office: Office, server: MailServerUnderTest
) -> None:
    with transaction(office.engine) as session:
        at = office.now - timedelta(days=10)
        enter_address(session, "acme", "notice", ("new@acme.example",), office.people["otto"], at)
    office.approved_case()

    office.enforce()

    assert office.state is CaseState.SUSPENDED
    assert {one.recipient for one in server.received} == {"notices@acme.example", "new@acme.example"}


def test_a_measure_is_refused_with_everything_that_is_missing(office: Office) -> None:
    flag(office.engine, a_flag(office.now), at=office.now)
    office.do(claim, "rita")
    office.determine()
    office.wait(hours=30)

    with pytest.raises(Refused) as refused:
        apply(office)

    said = " ".join(refused.value.missing)
    for words in ("it is determined", "point 3", "no approver's approval", "point 5", "no notice", "point 8"):
        assert words in said


def test_a_measure_without_fresh_flags_needs_a_person_to_say_again_that_it_is_needed(
    office: Office, platform: UnreliablePlatform
) -> None:
    platform.behaviours.append("refuse")
    office.approved_case()
    office.enforce()
    office.wait(hours=30)
    with pytest.raises(Refused, match="point 8"):
        apply(office)

    office.do(state_need, "rita", "the carrier says that it goes on")

    assert apply(office) is PlatformOutcome.IN_FORCE


def test_a_served_notice_that_is_not_acted_on_is_followed_by_a_withdrawal(
    office: Office, server: MailServerUnderTest, platform: UnreliablePlatform
) -> None:
    platform.behaviours.append("refuse")
    office.approved_case()
    office.enforce()
    office.wait(hours=73)

    office.resume_all()

    assert office.state is CaseState.WITHDRAWN
    assert len(server.received) == 2
    assert "ithdraw" in subjects(server)[1]


def test_a_withdrawal_before_anything_went_out_sends_nothing(
    office: Office, server: MailServerUnderTest
) -> None:
    office.approved_case()
    office.do(withdraw, "adam", reasons="a campaign after all")

    office.resume_all()

    assert (office.state, server.received) == (CaseState.WITHDRAWN, [])


def test_a_withdrawal_letter_goes_out_even_when_the_case_is_open_again(
    office: Office, server: MailServerUnderTest, platform: UnreliablePlatform
) -> None:
    platform.behaviours.append("refuse")
    office.approved_case()
    office.enforce()
    office.do(withdraw, "adam", reasons="a campaign after all")
    office.do(reopen, "rita", reasons="not a campaign")

    office.resume_all()
    office.resume_all()

    assert (office.state, len(server.received)) == (CaseState.IN_REVIEW, 2)


def test_a_measure_lapses_at_its_review_date_and_the_customer_is_told(
    office: Office, server: MailServerUnderTest
) -> None:
    office.approved_case()
    office.enforce()
    office.wait(hours=71)
    assert office.resume_all().moved == ()

    office.wait(hours=1)
    office.resume_all()

    assert (office.state, office.restricted(), len(server.received)) == (CaseState.LAPSED, 0, 2)
    assert office.measure().ended_at == office.now


def test_two_approvers_with_fresh_reasons_keep_a_measure(office: Office) -> None:
    office.approved_case()
    office.enforce()
    office.wait(hours=70)
    first = office.reaffirm("adam", "it goes on, see ticket 1")
    with pytest.raises(Refused, match="another approver"):
        office.reaffirm("adam", "again, see ticket 2")
    with pytest.raises(Refused, match="given before"):
        office.reaffirm("bella", "It goes on, see ticket 1 ")
    with pytest.raises(Refused, match="not an approver"):
        office.reaffirm("rita", "I saw it")

    second = office.reaffirm("bella", "the carrier confirms")
    office.enforce()

    assert (first.complete, second.complete) == (False, True)
    assert second.review_at == office.now + timedelta(hours=72)
    office.wait(hours=71)
    office.resume_all()
    assert office.state is CaseState.SUSPENDED
    office.wait(hours=1)
    office.resume_all()
    assert office.state is CaseState.LAPSED


def test_an_approver_reinstates_and_the_customer_is_told(office: Office, server: MailServerUnderTest) -> None:
    office.approved_case()
    office.enforce()
    with pytest.raises(Refused, match="not an approver"):
        lift(office, "rita")

    assert lift(office) is PlatformOutcome.NOT_IN_FORCE
    office.enforce()

    assert (office.state, office.restricted(), len(server.received)) == (CaseState.REINSTATED, 0, 2)


def test_a_lift_that_failed_is_suspended_again(office: Office, platform: UnreliablePlatform) -> None:
    office.approved_case()
    office.enforce()
    platform.behaviours.append("refuse")

    assert lift(office) is PlatformOutcome.IN_FORCE
    assert (office.state, office.restricted()) == (CaseState.SUSPENDED, 1)
    assert lift(office) is PlatformOutcome.NOT_IN_FORCE


def test_a_lapse_that_failed_is_tried_again(office: Office, platform: UnreliablePlatform) -> None:
    office.approved_case()
    office.enforce()
    office.wait(hours=72)
    platform.endless = True
    platform.behaviours.append("refuse")
    office.resume_all()
    assert office.state is CaseState.SUSPENDED

    office.resume_all()

    assert (office.state, office.restricted()) == (CaseState.LAPSED, 0)


def test_an_upheld_dispute_shuts_the_gate_and_is_decided_by_somebody_else(
    office: Office, platform: UnreliablePlatform
) -> None:
    platform.behaviours.append("refuse")
    office.approved_case()
    office.enforce()
    dispute = office.do(open_dispute, "rita", "it was our campaign")
    for who in ("rita", "adam", "ana"):
        with transaction(office.engine) as session, pytest.raises(Refused):
            decide_dispute(
                Decision(session, office.people[who], office.now), dispute.id, upheld=True, reasons="so"
            )

    with transaction(office.engine) as session:
        decide_dispute(
            Decision(session, office.people["bella"], office.now), dispute.id, upheld=True, reasons="it was"
        )

    with pytest.raises(Refused, match="decided for the tenant"):
        apply(office)
    with pytest.raises(Refused, match="never cleared"):
        office.do(clear_stop, "carol", None, "all the same")


def test_a_late_bounce_shuts_the_gate_until_a_person_lets_the_notice_stand(
    office: Office, platform: UnreliablePlatform
) -> None:
    platform.behaviours.append("refuse")
    office.approved_case()
    office.enforce()
    with transaction(office.engine) as session:
        notice = session.scalars(select(Notice)).one()
        record_event(
            Decision(session, machine("delivery"), office.now),
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
        apply(office)

    office.do(let_notice_stand, "rolf", notice.id, "the clause says sent")

    assert apply(office) is PlatformOutcome.IN_FORCE


def test_a_critical_tenant_waits_for_counsel_before_anything_is_sent(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    office = open_office(engine, tmp_path, mail_to(server), a_row(critical="true"))
    office.approved_case()
    assert office.state is CaseState.DETERMINED

    office.approve("carol")

    assert office.enforce().state is CaseState.SUSPENDED


def test_an_approver_who_would_comment_is_told_that_it_voids_the_approval(office: Office) -> None:
    office.approved_case()

    with pytest.raises(Refused, match="void the approval"):
        office.do(comment, "adam", "well done")


def test_a_proposal_that_nobody_approves_expires(office: Office) -> None:
    flag(office.engine, a_flag(office.now), at=office.now)
    office.do(claim, "rita")
    office.determine()
    office.wait(hours=72)

    office.resume_all()

    assert office.state is CaseState.EXPIRED
    office.do(reopen, "rita", reasons="still there")
    assert office.state is CaseState.IN_REVIEW


def test_a_measure_longer_than_its_review_period_runs_on_when_reaffirmed(office: Office) -> None:
    week = MeasureWanted(OUTBOUND_VOICE.kind, OUTBOUND_VOICE.scope, timedelta(days=7))
    office.approved_case(measure=week)
    office.enforce()

    measure = office.measure()

    assert measure.review_at == START + timedelta(hours=72)
    assert measure.ends_at == START + timedelta(days=7)


def test_reconciling_lifts_what_is_on_record_as_ended_and_reports_the_rest(office: Office) -> None:
    office.approved_case()
    office.enforce()
    assert reconcile(office.enforcement()) == ()
    with unrecorded(office.engine) as session:
        session.scalars(select(Entitlement)).one().restricted = False
    assert [one.kind for one in reconcile(office.enforcement())] == [DisagreementKind.NOT_RESTRICTED]
    assert (office.state, office.restricted()) == (CaseState.SUSPENDED, 0)
    lift(office)
    with unrecorded(office.engine) as session:
        session.scalars(select(Entitlement)).one().restricted = True

    [found] = reconcile(office.enforcement())

    assert (found.kind, found.repaired, office.restricted()) == (
        DisagreementKind.ENDED_BUT_RESTRICTED,
        True,
        0,
    )


def test_reconciling_leaves_a_restriction_that_is_not_on_record_to_people(office: Office) -> None:
    with unrecorded(office.engine) as session:
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

    [found] = reconcile(office.enforcement())

    assert (found.kind, found.repaired, office.restricted()) == (DisagreementKind.NOT_ON_RECORD, False, 1)
