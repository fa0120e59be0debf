"""A dispute decided in part for the customer: its measure is narrowed in one step, told, entered and proved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.detection.decided_cases import read_decided
from cjp_fraud.errors import Refused
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.served_text import served_text
from cjp_fraud.notices.tables import Notice
from cjp_fraud.people.model import Decision
from cjp_fraud.review.decision_tables import Dispute
from cjp_fraud.review.dispute import decide_dispute, open_dispute
from cjp_fraud.review.model import CaseState, DisputeState, Finding, WrongCause
from cjp_fraud.review.requests import MeasureWanted
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.embedded_platform import EmbeddedPlatform
from cjp_fraud.suspension.narrowing import narrow_by_dispute
from cjp_fraud.suspension.reinstatement import reinstate
from cjp_fraud.suspension.tables import Narrowing
from cjp_fraud.suspension.wrongful_measures import assess, enter_narrowed, enter_upheld, ledger
from tests.case_builders import StaffedDeployment, mail_to, open_staffed
from tests.mail_servers import MailServerUnderTest, smtp_server
from tests.platforms import Killed, UnreliablePlatform

RATE = MeasureWanted(MeasureKind.LIMIT_RATE, Scope(contacts_per_hour=300))
"""What stays of the suspended channel: a limit above its 120 usual contacts an hour."""

CHANNEL = MeasureWanted(MeasureKind.SUSPEND_CHANNEL, Scope(channels=("voice",)))


@pytest.fixture
def mail() -> Iterator[MailServerUnderTest]:
    """A mail server on loopback."""
    with smtp_server() as running:
        yield running


def disputed(
    engine: Engine, folder: Path, mail: MailServerUnderTest, platform: UnreliablePlatform | None = None
) -> StaffedDeployment:
    """Return a deployment whose one case is suspended, and whose customer disputed it 90 minutes later."""
    staffed = open_staffed(engine, folder, mail_to(mail), platform=platform)
    staffed.approved_case()
    assert staffed.enforce().state is CaseState.SUSPENDED
    staffed.wait(minutes=90)
    staffed.do(open_dispute, "ana", "you stopped all of our calls")
    return staffed


def open_dispute_id(staffed: StaffedDeployment) -> str:
    """Return the dispute that waits for its decision."""
    with reading(staffed.engine) as session:
        return session.scalars(select(Dispute.id).where(Dispute.state == DisputeState.OPEN)).one()


def narrow(staffed: StaffedDeployment, by: str = "carol", wanted: MeasureWanted = RATE) -> Narrowing:
    """Decide the open dispute so that its measure is narrowed, and enter what was too wide; nothing is sent yet."""
    dispute_id = open_dispute_id(staffed)
    with transaction(staffed.engine) as session:
        decision = Decision(session, staffed.people[by], staffed.now)
        narrowing = narrow_by_dispute(
            decision, dispute_id, wanted, staffed.policy, reasons="a limit is enough"
        )
        enter_narrowed(decision, narrowing, WrongCause.PERSON)
        return narrowing


def in_force(staffed: StaffedDeployment) -> list[tuple[str | None, int | None]]:
    """Return kind and rate of all that the embedded platform restricts."""
    restrictions = EmbeddedPlatform(staffed.engine).restrictions(staffed.now)
    return [(each.kind, (each.scope or {}).get("contacts_per_hour")) for each in restrictions]


def answers(staffed: StaffedDeployment) -> list[str]:
    """Return the texts of the letters that answer disputes, the oldest first."""
    with reading(staffed.engine) as session:
        messages = session.scalars(
            select(Notice.message).where(Notice.kind == NoticeKind.DISPUTE_ANSWER).order_by(Notice.id)
        ).all()
    texts = [served_text(message) for message in messages if message is not None]
    return [" ".join(line for lines in text.paragraphs for line in lines) for text in texts if text]


@pytest.mark.both_databases
def test_a_narrowed_measure_replaces_the_wide_one_and_can_be_disputed_again(
    engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    staffed = disputed(engine, tmp_path, mail)
    narrow(staffed)
    assert in_force(staffed) == [("suspend_channel", None)], "nothing was sent yet"
    assert staffed.enforce().state is CaseState.SUSPENDED
    assert in_force(staffed) == [("limit_rate", 300)]
    [answer] = answers(staffed)
    assert "decided your dispute in part in your favour" in answer
    assert "The restriction was narrowed. Only this is still restricted:" in answer
    assert "You may dispute this notice until" in answer
    with reading(engine) as session:
        [line] = ledger(session, staffed.now).lines
        [dispute] = session.scalars(select(Dispute))
    assert (line.kind, line.narrowed_to, line.hours_down) == ("suspend_channel", "limit_rate", 1.5)
    assert (dispute.state, dispute.closed_at) == (DisputeState.NARROWED, staffed.now)
    assert [case.finding for case in read_decided(engine)] == [Finding.FRAUDULENT], "the finding stands"

    staffed.wait(hours=1)
    staffed.do(open_dispute, "ana", "that is still too much")
    with pytest.raises(Refused, match="took part in this case"):
        narrow(staffed, "carol", MeasureWanted(MeasureKind.LIMIT_RATE, Scope(contacts_per_hour=400)))
    with transaction(engine) as session:
        decision = Decision(session, staffed.people["rolf"], staffed.now)
        upheld = decide_dispute(decision, open_dispute_id(staffed), upheld=True, reasons="their campaign")
        enter_upheld(decision, upheld, WrongCause.DETECTOR)
    assert staffed.enforce().state is CaseState.REINSTATED
    assert in_force(staffed) == []
    with reading(engine) as session:
        looked = ledger(session, staffed.now)
    assert [each.kind for each in looked.lines] == ["limit_rate", "suspend_channel"]
    assert (looked.rate.overturned, looked.hours_down) == (1, 2.5), "one measure, however many lines"

    newer, older = looked.lines
    with pytest.raises(
        Refused, match=f"2 lines .* say which: {older.id} .* narrowed, .*; {newer.id} .* whole"
    ):
        staffed.do(assess, "adam", WrongCause.PERSON, 500)
    with pytest.raises(Refused, match="line none of the ledger is of another case"):
        staffed.do(assess, "adam", WrongCause.PERSON, 500, "none")
    staffed.do(assess, "adam", WrongCause.PERSON, 500, older.id)
    with reading(engine) as session:
        causes = [(each.cause, each.credit_cents) for each in ledger(session, staffed.now).lines]
    assert causes == [(WrongCause.DETECTOR, None), (WrongCause.PERSON, 500)]
    assert verify_log(engine).faults == ()


@pytest.mark.parametrize("behaviour", ["kill_before", "kill_after", "lose", "refuse"])
def test_a_narrowing_that_was_interrupted_is_sent_again_with_the_same_key(
    sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest, behaviour: str
) -> None:
    platform = UnreliablePlatform(EmbeddedPlatform(sqlite_engine))
    staffed = disputed(sqlite_engine, tmp_path, mail, platform)
    narrow(staffed)
    platform.applied.clear()
    platform.behaviours.append(behaviour)
    try:
        staffed.enforce()
    except Killed:
        assert behaviour.startswith("kill")
    assert len(in_force(staffed)) == 1, "never both, never neither"
    for _ in range(2):
        staffed.resume_all()
    assert in_force(staffed) == [("limit_rate", 300)]
    assert len({key for _, key in platform.applied}) == 1
    assert len(answers(staffed)) == 1
    assert verify_log(sqlite_engine).faults == ()


def test_what_is_not_narrower_is_refused_with_everything_that_stands_in_the_way(
    sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    staffed = disputed(sqlite_engine, tmp_path, mail)
    with pytest.raises(Refused) as refused:
        narrow(staffed, "rita", CHANNEL)
    assert "is not narrower than suspend_channel (voice, outbound)" in str(refused.value)
    assert "somebody who took no part must decide" in str(refused.value)
    with pytest.raises(Refused, match="under the usual level of 120"):
        narrow(staffed, wanted=MeasureWanted(MeasureKind.LIMIT_RATE, Scope(contacts_per_hour=20)))
    with pytest.raises(Refused, match="say what stays restricted"):
        narrow(staffed, wanted=MeasureWanted())
    reinstate(staffed.enforcement(), staffed.case().id, staffed.people["adam"], reasons="enough")
    with pytest.raises(Refused, match="only a measure in force can be narrowed"):
        narrow(staffed)
    assert verify_log(sqlite_engine).faults == ()
