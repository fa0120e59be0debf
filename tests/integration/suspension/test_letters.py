"""What the customer is told, and that it binds: grounds, the end of the measure, why it ended, who writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.compliance.bundle_facts import gate_faults
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.documents import from_document
from cjp_fraud.errors import Refused
from cjp_fraud.people.model import Decision
from cjp_fraud.review.case_letters import continuation_letter
from cjp_fraud.review.case_reader import case_view
from cjp_fraud.review.claim import claim
from cjp_fraud.review.decision_tables import Determination
from cjp_fraud.review.dispute import decide_dispute, open_dispute
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.proposal import document_of
from cjp_fraud.review.requests import MeasureWanted
from cjp_fraud.review.tables import Case, Flag
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.case_records import records_of_case
from cjp_fraud.suspension.reinstatement import reinstate
from cjp_fraud.suspension.tables import Measure
from tests.case_builders import SENDER, START, StaffedDeployment, a_flag, flag, mail_to, open_staffed
from tests.contract_builders import a_row, load_rows
from tests.mail_servers import MailServerUnderTest
from tests.platforms import UnreliablePlatform
from tests.tampering import unrecorded


def letters(server: MailServerUnderTest) -> list[str]:
    """Return the bodies of the letters that were received, each in one line."""
    messages = [message_from_bytes(it.content, policy=default) for it in server.received]
    return [" ".join(message.get_content().split()) for message in messages]  # type: ignore[attr-defined]


def claimed(staffed: StaffedDeployment) -> None:
    flag(staffed.engine, a_flag(staffed.now - timedelta(minutes=30)), at=staffed.now)
    staffed.do(claim, "rita")


def test_fraud_without_a_ground_is_refused_and_the_catalogue_is_named(staffed: StaffedDeployment) -> None:
    claimed(staffed)
    with pytest.raises(
        Refused,
        match=r"name at least one ground that fits .* costly_destinations, unusual_dest",
    ):
        staffed.determine(grounds=())


def test_a_ground_that_speaks_of_other_traffic_is_refused(staffed: StaffedDeployment) -> None:
    claimed(staffed)
    with pytest.raises(
        Refused, match=r"the ground blocked_lines speaks of other traffic .*\(voice outbound\)"
    ):
        staffed.determine(grounds=(Ground.UNATTENDED, Ground.BLOCKED_LINES))


@pytest.mark.parametrize("name", ["", "The provider", " the PROVIDER ", "-", "1"])
def test_an_act_without_our_legal_name_cannot_be_approved(staffed: StaffedDeployment, name: str) -> None:
    staffed.policy = replace(staffed.policy, sender=replace(SENDER, legal_name=name))
    claimed(staffed)
    staffed.determine()
    with pytest.raises(Refused, match="CJP_FRAUD_PROVIDER_LEGAL_NAME"):
        staffed.approve()


def test_the_grounds_are_on_record_in_the_log_the_proposal_the_page_and_the_letter(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    claimed(staffed)
    proposal = staffed.determine(grounds=[Ground.UNATTENDED, Ground.COSTLY_DESTINATIONS, Ground.UNATTENDED])
    named = ["costly_destinations", "unattended"]
    with reading(staffed.engine) as session:
        assert session.scalars(select(Determination.grounds)).one() == named
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "case.determined")).one()
        view = case_view(session, staffed.case().id, staffed.now)
    assert entry.content["grounds"] == named
    assert document_of(proposal)["determination"]["grounds"] == named
    assert list(view.determinations[0].grounds) == list(view.proposals[0].grounds) == named
    staffed.approve()
    staffed.enforce()
    assert "- Calls or messages went to costly numbers" in letters(server)[0]


def test_the_database_wants_grounds_of_fraud(staffed: StaffedDeployment) -> None:
    claimed(staffed)
    staffed.determine()
    with pytest.raises(IntegrityError, match="fraud_has_grounds"), unrecorded(staffed.engine) as session:
        session.execute(text("UPDATE determinations SET grounds = '[]'"))


def test_an_act_without_a_contact_or_the_customers_name_cannot_be_approved(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = open_staffed(engine, tmp_path, mail_to(server), a_row(name=""))
    staffed.policy = replace(staffed.policy, sender=replace(SENDER, contact=None))
    claimed(staffed)
    staffed.determine()
    with pytest.raises(Refused) as refused:
        staffed.approve()
    said = " ".join(refused.value.missing)
    assert "CJP_FRAUD_CONTACT" in said
    assert "the customer's legal name is not on record" in said


def test_what_is_only_observed_needs_neither(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    mail = mail_to(server, mode=PlatformMode.OBSERVE)
    staffed = open_staffed(engine, tmp_path, mail, a_row(name=""), mode=PlatformMode.OBSERVE)
    staffed.policy = replace(staffed.policy, sender=replace(SENDER, contact=None))
    staffed.approved_case()
    staffed.enforce()
    assert staffed.measure().ends_at == staffed.now + timedelta(hours=72)


def test_the_customers_name_is_in_the_letter_and_in_no_proposal_and_another_name_voids_the_approval(
    staffed: StaffedDeployment, server: MailServerUnderTest, tmp_path: Path
) -> None:
    claimed(staffed)
    assert b"Acme Ltd" not in staffed.determine().document
    staffed.approve()
    staffed.wait(minutes=1)
    load_rows(staffed.engine, tmp_path, a_row(name="Acme Holding Inc."), at=staffed.now)
    assert any("must be determined again" in why for why in staffed.enforce().waiting_for)
    assert server.received == []
    load_rows(staffed.engine, tmp_path, a_row(), at=staffed.now)
    staffed.enforce()
    assert (
        "Customer: Acme Ltd. Customer reference: acme Service: contact-centre service Case: 1"
        in letters(server)[0]
    )


def test_a_measure_that_begins_late_ends_when_the_letter_said(
    staffed: StaffedDeployment, server: MailServerUnderTest, platform: UnreliablePlatform
) -> None:
    platform.behaviours.append("refuse")
    staffed.wait(seconds=40)
    staffed.approved_case()
    staffed.enforce()
    assert staffed.state is CaseState.NOTICED
    assert "Until: 5 April 2015 at 08:00 (12:00 UTC) at the latest." in letters(server)[0]

    staffed.wait(hours=10)
    staffed.resume_all()

    assert staffed.state is CaseState.SUSPENDED
    measure = staffed.measure()
    assert measure.ends_at == measure.review_at == START + timedelta(hours=72)
    staffed.now = START + timedelta(hours=72)
    staffed.resume_all()
    assert (staffed.state, staffed.restricted()) == (CaseState.LAPSED, 0)


def test_no_measure_begins_once_the_end_that_its_letter_states_has_passed(
    staffed: StaffedDeployment, platform: UnreliablePlatform
) -> None:
    a_day = MeasureWanted(
        MeasureKind.SUSPEND_CHANNEL,
        Scope(channels=("voice",), directions=("outbound",)),
        timedelta(hours=20),
    )
    platform.behaviours.append("refuse")
    staffed.approved_case(measure=a_day)
    staffed.enforce()
    staffed.wait(hours=21)

    assert any("gate point 7: the end that the notice states" in why for why in staffed.enforce().waiting_for)
    assert staffed.restricted() == 0


def test_a_measure_longer_than_its_notice_states_is_found_in_the_bundle(staffed: StaffedDeployment) -> None:
    staffed.approved_case()
    staffed.enforce()
    with reading(staffed.engine) as session:
        records = records_of_case(session, staffed.case().id)
    assert list(gate_faults(staffed.case().id, records)) == []
    later = "2015-04-06T12:00:00.000000Z"
    longer = [
        replace(record, fields={**record.fields, "ends_at": later}) if record.table == "measures" else record
        for record in records
    ]
    assert any(
        "ends later than its notice states" in fault for fault in gate_faults(staffed.case().id, longer)
    )


def lapse(staffed: StaffedDeployment) -> None:
    staffed.wait(hours=72)
    staffed.resume_all()


def lift(staffed: StaffedDeployment) -> None:
    reinstate(staffed.enforcement(), staffed.case().id, staffed.people["bella"], reasons="secret words")
    staffed.enforce()


def uphold(staffed: StaffedDeployment) -> None:
    dispute = staffed.do(open_dispute, "ana", "we did not")
    with transaction(staffed.engine) as session:
        decision = Decision(session, staffed.people["carol"], staffed.now)
        decide_dispute(decision, dispute.id, upheld=True, reasons="secret words")
    staffed.enforce()


@pytest.mark.parametrize(
    ("ending", "at", "why"),
    [
        (lapse, "5 April 2015 at 08:00 (12:00 UTC)", "its time had run out"),
        (lift, "2 April 2015 at 09:00 (13:00 UTC)", "authorised staff of ours decided"),
        (uphold, "2 April 2015 at 09:00 (13:00 UTC)", "your dispute was decided in your favour"),
    ],
)
def test_the_customer_is_told_that_service_was_restored_when_and_why(
    staffed: StaffedDeployment,
    server: MailServerUnderTest,
    ending: Callable[[StaffedDeployment], None],
    at: str,
    why: str,
) -> None:
    staffed.approved_case()
    staffed.enforce()
    if ending is not lapse:
        staffed.wait(hours=1)
    ending(staffed)
    last = letters(server)[-1]
    assert f"The temporary restriction in case 1 ended on {at}:" in last
    assert why in last
    assert "secret words" not in last
    assert message_from_bytes(server.received[-1].content)["Subject"] == "Your service was restored, case 1"


def test_a_clock_set_back_plans_no_letter_before_what_it_tells_of(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    staffed.approved_case()
    staffed.enforce()
    reinstate(staffed.enforcement(), staffed.case().id, staffed.people["bella"], reasons="it is over")
    before = len(letters(server))
    staffed.now -= timedelta(seconds=4)
    (fault,) = staffed.resume_all().faults
    assert "the reinstatement letter is not planned: the clock shows" in fault
    assert "set the clock right and run again" in fault
    staffed.now += timedelta(seconds=4)
    assert not staffed.resume_all().faults
    assert len(letters(server)) == before + 1


def test_the_letters_lines_are_short_and_survive_the_encoding(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    staffed.approved_case()
    staffed.enforce()
    content = message_from_bytes(server.received[0].content, policy=default).get_content()  # type: ignore[attr-defined]
    lines = content.replace("\r\n", "\n").split("\n")
    assert max(len(line) for line in lines) <= 72
    assert "customer’s" in content


def test_a_continuation_tells_the_flags_since_and_the_new_end(staffed: StaffedDeployment) -> None:
    staffed.approved_case()
    staffed.enforce()
    with reading(staffed.engine) as session:
        letter = continuation_letter(
            session.scalars(select(Case)).one(),
            session.scalars(select(Determination)).one(),
            session.scalars(select(Flag)).all(),
            staffed.measure().kind,
            from_document(Scope, session.scalars(select(Measure.scope)).one()),
            START + timedelta(hours=144),
            SENDER,
        )
    assert letter.until == START + timedelta(hours=144)
    assert [flagged.observed for flagged in letter.seen] == [140.0]
    assert letter.grounds == ("costly_destinations", "unusual_destinations")


def test_a_measure_may_be_kept_again_after_the_end_that_its_first_notice_stated(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    staffed.approved_case()
    staffed.enforce()
    for round in (1, 2):
        staffed.now = START + timedelta(hours=71 * round)
        for by in ("adam", "bella"):
            staffed.reaffirm(by, f"the attack goes on, {by} in round {round}")
        staffed.enforce()
    assert staffed.now > START + timedelta(hours=72), "the first notice's end has passed"
    assert staffed.measure().ends_at == staffed.now + timedelta(hours=72)
    last = letters(server)[-1]
    assert "Until: 11 April 2015 at 06:00 (10:00 UTC) at the latest." in last
    assert "They found no further unusual increase in usage" in last
