"""Spikes of many tenants at once on record: as one event, in the queue and with each case, and without other names."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic_core import to_json
from sqlalchemy import Engine, func, select

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.notices.methods.mail_server import MailServer
from cjp_fraud.people.model import Decision
from cjp_fraud.review.case_reader import case_view
from cjp_fraud.review.claim import claim
from cjp_fraud.review.determination import dismiss
from cjp_fraud.review.joint_events import events_in_queue, record_joint_spikes
from cjp_fraud.review.joint_spikes import Group, GroupKind, JointGroup, JointSpikeRow
from cjp_fraud.review.queue import queue
from cjp_fraud.review.tables import Case, EvidenceSet, JointSpike
from cjp_fraud.storage.database import reading, transaction
from tests.case_builders import DETECTOR, START, StaffedDeployment, a_flag, flag, open_staffed
from tests.chains import chain_faults
from tests.contract_builders import a_row, load_rows
from tests.notice_builders import by_email

TENANTS = tuple(f"tenant-{number}" for number in range(6))
QUARTER = timedelta(minutes=15)
WINDOW = (START, START + timedelta(hours=3))
GERMANY = Group(GroupKind.COUNTRY, "DE")


@pytest.fixture
def staffed(engine: Engine, tmp_path: Path) -> StaffedDeployment:
    """One tenant flagged, and an hour and a half later six at the same time."""
    mail = by_email(MailServer(host="127.0.0.1", port=9))
    made = open_staffed(engine, tmp_path, mail, *(a_row(tenant_id=name) for name in TENANTS))
    load_rows(engine, tmp_path, a_row(tenant_id="alone"))
    flag(engine, a_flag(START - timedelta(minutes=95), "alone", score=4.0))
    flag(engine, *(a_flag(START + timedelta(minutes=5), name, score=5.0) for name in TENANTS), window=WINDOW)
    return made


def spike(quarters: int = 0, group: Group = GERMANY, tenants: tuple[str, ...] = TENANTS) -> JointSpikeRow:
    begins = START + quarters * QUARTER
    joint = JointGroup(group, tenants, 40, 0.04, 1e-9)
    return JointSpikeRow(begins, begins + timedelta(minutes=5), begins + timedelta(minutes=10), joint)


def record(staffed: StaffedDeployment, *rows: JointSpikeRow, at: datetime = START) -> int:
    with transaction(staffed.engine) as session:
        return record_joint_spikes(Decision(session, DETECTOR, at), rows, WINDOW)


def case_of(staffed: StaffedDeployment, tenant_id: str) -> Case:
    with reading(staffed.engine) as session:
        return session.scalars(select(Case).where(Case.tenant_id == tenant_id)).one()


def count(staffed: StaffedDeployment, kind: type) -> int:
    with reading(staffed.engine) as session:
        return session.scalar(select(func.count()).select_from(kind)) or 0


def log_faults(staffed: StaffedDeployment) -> list[str]:
    with reading(staffed.engine) as session:
        return chain_faults(session)


def test_the_same_spikes_again_change_nothing_not_even_the_log(staffed: StaffedDeployment) -> None:
    assert record(staffed, spike(), spike(1)) == 2
    entries = count(staffed, AuditEntry)
    assert record(staffed, spike(1), spike()) == 0
    assert (count(staffed, JointSpike), count(staffed, AuditEntry)) == (2, entries)
    assert log_faults(staffed) == []


@pytest.mark.both_databases
def test_what_a_later_detection_finds_replaces_a_spike_and_deletes_none(staffed: StaffedDeployment) -> None:
    record(staffed, spike())
    assert record(staffed, spike(tenants=TENANTS[:5])) == 2
    assert record(staffed) == 1
    assert count(staffed, JointSpike) == 2
    with reading(staffed.engine) as session:
        assert events_in_queue(session) == ()
    assert log_faults(staffed) == []


def test_spikes_of_a_group_close_in_time_are_one_event_and_one_note(staffed: StaffedDeployment) -> None:
    record(staffed, spike(), spike(2, tenants=TENANTS[:5]), spike(11))
    with reading(staffed.engine) as session:
        (event,) = events_in_queue(session)  # nobody has a flag in the last one
    assert (event.begins_at, event.ends_at) == (START + timedelta(minutes=5), START + timedelta(minutes=40))
    assert (event.tenants, event.with_traffic, event.cases) == (6, 40, tuple(range(2, 8)))
    assert event.words == (
        "6 tenants were flagged together (country DE) from 2015-04-02 12:05 to 12:40Z: likely an outage or an event"
    )


def test_an_event_whose_tenants_stay_the_same_is_one_although_its_group_changes(
    staffed: StaffedDeployment,
) -> None:
    everybody = Group(GroupKind.ALL)
    clearer = replace(spike(1, everybody), joint=JointGroup(everybody, TENANTS, 90, 0.09, 1e-12))
    record(staffed, spike(), clearer)
    with reading(staffed.engine) as session:
        (event,) = events_in_queue(session)
    assert (event.group, event.tenants, event.with_traffic) == (GroupKind.ALL, 6, 90)


def test_two_groups_at_the_same_time_are_two_events(staffed: StaffedDeployment) -> None:
    record(
        staffed, spike(tenants=TENANTS[:5]), spike(group=Group(GroupKind.COUNTRY, "FR"), tenants=TENANTS[5:])
    )
    with reading(staffed.engine) as session:
        assert [event.name for event in events_in_queue(session)] == ["FR", "DE"]


def test_the_queue_says_so_of_each_case_and_hides_none(staffed: StaffedDeployment) -> None:
    record(staffed, spike())
    with reading(staffed.engine) as session:
        page = queue(session)
    assert [(row.tenant_id, row.others_flagged) for row in page.cases] == [
        *((name, 5) for name in TENANTS),
        ("alone", 0),
    ]
    assert len(page.joint_events) == 1


def test_an_event_leaves_the_note_when_its_cases_leave_the_queue(staffed: StaffedDeployment) -> None:
    record(staffed, spike(tenants=("tenant-5", *(f"gone-{number}" for number in range(5)))))
    case = case_of(staffed, "tenant-5")
    with transaction(staffed.engine) as session:
        decision = Decision(session, staffed.people["rita"], staffed.now)
        claim(decision, case.id)
        dismiss(decision, case.id, reasons="an outage of the carrier")
    with reading(staffed.engine) as session:
        assert events_in_queue(session) == ()


def test_a_case_says_that_others_were_flagged_and_never_who(staffed: StaffedDeployment) -> None:
    record(staffed, spike(group=Group(GroupKind.ALL)))
    with reading(staffed.engine) as session:
        view = case_view(session, case_of(staffed, "tenant-2").id, START)
        lonely = case_view(session, case_of(staffed, "alone").id, START)
    assert [event.words for event in view.joint_events] == [
        "together with 5 other tenants (of all) from 2015-04-02 12:05 to 12:10Z: likely an outage or an event"
    ]
    assert lonely.joint_events == ()
    assert "tenant-3" not in to_json(view).decode()


def test_the_evidence_holds_the_event_without_other_names_and_the_letter_nothing_of_it(
    staffed: StaffedDeployment,
) -> None:
    record(staffed, spike())
    staffed.do(claim, "rita")
    proposal = staffed.determine()
    with reading(staffed.engine) as session:
        case = staffed.case()
        frozen = session.scalars(select(EvidenceSet).where(EvidenceSet.case_id == case.id)).one()
        evidence = json.loads(frozen.document)
    (event,) = evidence["joint_events"]
    assert (case.tenant_id, event["group"], event["name"], event["tenants"]) == (
        "tenant-5",
        "country",
        "DE",
        6,
    )
    assert "tenant-3" not in frozen.document.decode()
    letter = json.loads(proposal.document)["notice"]["body"]
    assert "together" not in letter
    assert "outage" not in letter
