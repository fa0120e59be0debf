"""A bundle proves an emergency measure: who ordered it, that it was approved or ended; a forged one does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cjp_fraud.audit.row_digests import Record
from cjp_fraud.clock import StandingClock, utc_text
from cjp_fraud.compliance.bundle_facts import gate_faults
from cjp_fraud.compliance.case_chronology import CaseChronology
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.compliance.verification import verify_file
from cjp_fraud.contracts.contract_terms import ContractTerms, GroundWithoutNotice
from cjp_fraud.contracts.model import Right
from cjp_fraud.contracts.terms import plain_terms
from cjp_fraud.contracts.versions import enter_terms
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.model import CaseState
from cjp_fraud.storage.database import make_engine, reading, transaction
from cjp_fraud.suspension.case_records import records_of_case
from cjp_fraud.suspension.emergency import approve_in_emergency, order_in_emergency
from cjp_fraud.suspension.enforcement import EnforcementReport, enforce
from tests.integration.compliance.case_bundles import exported
from tests.integration.compliance.conftest import CaseSteps
from tests.mail_servers import smtp_server

MARKED = ContractTerms(
    suspension=plain_terms(), without_notice=(GroundWithoutNotice("fraudulent use", tuple(Ground)),)
)
MINUTE = timedelta(minutes=1)


def ordered(steps: CaseSteps) -> None:
    """Flag it, mark the ground, determine, and order the measure in an emergency."""
    steps.flagged()
    with transaction(steps.engine) as session:
        by, at = machine("contracts"), steps.tick()
        enter_terms(
            session, steps.tenant, by, at, reference="CJP Offer 10.0", right=Right.CLAUSE_2_4, terms=MARKED
        )
    steps.determined()
    rita = steps.who("rita")
    with transaction(steps.engine) as session:
        decision = Decision(session, rita, steps.now)
        order_in_emergency(decision, steps.case_id, steps.policy(), reasons="It goes on.")
    assert enforced(steps).state is CaseState.SUSPENDED


def approved(steps: CaseSteps) -> None:
    steps.now += 20 * MINUTE
    aron = steps.who("aron")
    with transaction(steps.engine) as session:
        approve_in_emergency(Decision(session, aron, steps.now), steps.case_id, steps.policy())
    enforced(steps)


def enforced(steps: CaseSteps) -> EnforcementReport:
    at = steps.now
    context = replace(steps.enforcement(), clock=StandingClock(at))
    steps.now = at
    return enforce(context, steps.case_id)


@dataclass(frozen=True)
class Proof:
    """A case's records, and when its measure was ordered."""

    case_id: str
    records: Sequence[Record]
    ordered_at: datetime

    def changed(self, table: str, **values: Any) -> list[Record]:
        """The records with other values in the rows of one table."""
        return [
            replace(record, fields={**record.fields, **values}) if record.table == table else record
            for record in self.records
        ]

    def at(self, minutes: int) -> str:
        return utc_text(self.ordered_at + minutes * MINUTE)


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> Proof:
    """Of an emergency measure that was approved after 20 minutes."""
    folder = tmp_path_factory.mktemp("emergency")
    (folder / "cjp_fraud.db").write_bytes(sqlite_template)
    engine = make_engine(f"sqlite:///{folder / 'cjp_fraud.db'}")
    with smtp_server() as server:
        steps = CaseSteps(engine, folder, server.port)
        steps.people()
        ordered(steps)
        ordered_at = steps.now
        approved(steps)
    with reading(engine) as session:
        made = Proof(steps.case_id, records_of_case(session, steps.case_id), ordered_at)
    engine.dispose()
    return made


@pytest.mark.parametrize("in_time", [True, False])
def test_the_bundle_holds_whether_it_was_approved_in_time_or_lapsed(case: CaseSteps, in_time: bool) -> None:
    ordered(case)
    if in_time:
        approved(case)
    else:
        case.now += 30 * MINUTE
        assert enforced(case).state is CaseState.LAPSED

    made = exported(case)

    assert made.faults == verify_file(Path(made.file)).faults == ()
    assert verify_log(case.engine).faults == ()


FORGED: dict[str, tuple[Callable[[Proof], list[Record]], str]] = {
    "approved too late": (
        lambda proof: proof.changed("approvals", at=proof.at(30)),
        "nobody approved it by",
    ),
    "approval taken away": (
        lambda proof: [record for record in proof.records if record.table != "approvals"],
        "and it was to end later",
    ),
    "ordered by somebody who is no reviewer": (
        lambda proof: proof.changed(
            "emergency_orders",
            by_user_id=next(
                record.id
                for record in proof.records
                if record.table == "users" and record.fields["name"] == "aron"
            ),
        ),
        "aron is not a reviewer",
    ),
    "no order at all": (
        lambda proof: [record for record in proof.records if record.table != "emergency_orders"],
        "no approver's approval is on record",
    ),
    "said to be approved before": (
        lambda proof: proof.changed("measures", emergency_id=None, emergency_at=None),
        "says that it was approved before it began, and was ordered in an emergency",
    ),
    "another measure": (
        lambda proof: proof.changed("measures", kind="suspend_all_access"),
        "is another measure",
    ),
    "a ground that counsel never marked": (
        lambda proof: [record for record in proof.records if record.table != "notice_terms"],
        "counsel has marked no ground without prior notice",
    ),
    "half an hour after the order": (
        lambda proof: [
            record
            for record in proof.changed("measures", ordered_at=proof.at(30))
            if record.table != "approvals"
        ],
        "nobody approved the emergency measure by",
    ),
}


def test_the_records_alone_hold(proof: Proof) -> None:
    assert list(gate_faults(proof.case_id, proof.records)) == []


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_one_does_not(proof: Proof, name: str) -> None:
    forge, said = FORGED[name]

    faults = list(gate_faults(proof.case_id, forge(proof)))

    assert any(said in fault for fault in faults), faults


def test_a_measure_before_its_emergency_order_is_out_of_order(proof: Proof) -> None:
    chronology = CaseChronology()
    for record in proof.changed("measures", ordered_at=proof.at(-1)):
        chronology.add(record)

    assert any("comes before the emergency order" in fault for fault in chronology.faults())
