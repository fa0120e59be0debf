"""A bundle proves who ordered each stage of a reinstatement, and that it came no sooner; a forged one does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from cjp_fraud.audit.head_keys import HeadKeys
from cjp_fraud.audit.row_digests import Record
from cjp_fraud.clock import StandingClock, utc_text
from cjp_fraud.compliance.archive import opened, packed
from cjp_fraud.compliance.bundle_facts import gate_faults
from cjp_fraud.compliance.export import export_evidence
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.compliance.model import Edition
from cjp_fraud.compliance.verification import verify, verify_file
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.documents import to_document
from cjp_fraud.people.model import Decision
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.narrower_measure import Restriction
from cjp_fraud.review.requests import MeasureWanted
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.case_records import records_of_case
from cjp_fraud.suspension.enforcement import enforce
from cjp_fraud.suspension.stage_rules import stage_time
from cjp_fraud.suspension.staged_reinstatement import (
    LaterStage,
    StagesWanted,
    hold_stages,
    reinstate_in_stages,
    resume_stages,
)
from tests.integration.compliance.case_bundles import EXPORTER
from tests.integration.compliance.conftest import CaseSteps

RANGE = MeasureWanted(MeasureKind.BLOCK_DESTINATIONS, Scope(destination_prefixes=("+371",)))
PART = MeasureWanted(MeasureKind.BLOCK_DESTINATIONS, Scope(destination_prefixes=("+3716",)))
STAGES = "records/reinstatement_plans.json"
EVERYTHING = to_document(Restriction(MeasureKind.SUSPEND_ALL_ACCESS, Scope()))


def lifted_in_stages(steps: CaseSteps) -> None:
    """Suspend it, and lift it in two stages; the second is held for a time."""
    steps.suspended()
    aron = steps.who("aron")
    stages = StagesWanted(RANGE, (LaterStage(PART, stage_time("2h")),), stage_time("12h"))
    with transaction(steps.engine) as session:
        decision = Decision(session, aron, steps.tick())
        reinstate_in_stages(
            decision, steps.case_id, stages, steps.policy(), reasons="Their keys are changed."
        )
    for act in (hold_stages, resume_stages):
        carry_on(steps)
        with transaction(steps.engine) as session:
            act(Decision(session, aron, steps.tick()), steps.case_id, "The customer asks us to wait.")
    carry_on(steps)
    steps.now += timedelta(hours=12)
    carry_on(steps)


def carry_on(steps: CaseSteps) -> None:
    """Do what is due."""
    enforce(replace(steps.enforcement(), clock=StandingClock(steps.tick())), steps.case_id)


def changed(
    records: Sequence[Record], table: str, change: Callable[[Record], dict[str, Any]]
) -> list[Record]:
    """Return the records with other values in the rows of one table."""
    return [
        replace(record, fields={**record.fields, **change(record)}) if record.table == table else record
        for record in records
    ]


def test_the_bundle_holds_and_forged_stages_do_not(case: CaseSteps) -> None:
    lifted_in_stages(case)
    keys = HeadKeys(case.folder / "keys")
    keys.make()
    for edition in Edition:
        file = case.folder / f"{edition}.zip"
        made = export_evidence(
            case.engine, case.case_id, file, EXPORTER, case.tick(), key=keys.private(), edition=edition
        )
        assert made.faults == verify_file(Path(made.file)).faults == (), edition
        files = dict(opened(file.read_bytes()).files)
        files[STAGES] = files[STAGES].replace(b"+3716", b"+3717")
        assert any(STAGES in fault for fault in verify(packed(files)).faults), edition
    assert verify_log(case.engine).faults == ()

    with reading(case.engine) as session:
        assert session.get_one(Case, case.case_id).state is CaseState.REINSTATED
        records = records_of_case(session, case.case_id)
    assert list(gate_faults(case.case_id, records)) == []
    first, second = [record for record in records if record.table == "narrowings"]
    [plan] = [record for record in records if record.table == "reinstatement_plans"]
    [hold] = [record for record in records if record.table == "reinstatement_holds"]
    long_ago, at = utc_text(case.now - timedelta(days=2)), utc_text(case.now)
    stages = plan.fields["stages"]
    later = {**stages, "stages": [*stages["stages"][:1], {**stages["stages"][1], "earliest_at": at}]}
    wider = {**stages, "stages": [stages["stages"][1], {**stages["stages"][1], "restriction": EVERYTHING}]}

    def of(row: Record, **values: Any) -> Callable[[Record], dict[str, Any]]:
        return lambda record: values if record.id == row.id else {}

    forged = {
        "before it was ordered": changed(records, "narrowings", of(first, decided_at=long_ago)),
        "before the earliest moment of its stage": changed(
            records, "reinstatement_plans", of(plan, stages=later)
        ),
        "is not narrower than stage 1": changed(records, "reinstatement_plans", of(plan, stages=wider)),
        "restricts something else than its stage": changed(
            records, "narrowings", of(second, restricts=EVERYTHING)
        ),
        "names a stage that was not ordered": changed(records, "narrowings", of(second, stage=3)),
        "no plan of stages of its measure": [each for each in records if each is not plan],
        "while its plan was held": changed(
            records, "reinstatement_holds", of(hold, released_at=None, held_at=first.fields["decided_at"])
        ),
        "no approver then": changed(records, "user_roles", lambda _: {"revoked_at": long_ago}),
        "first stage was not carried out with the order": [each for each in records if each is not first],
        "by the machine before the earliest moment of the full lift": changed(
            records, "reinstatement_plans", of(plan, stages={**stages, "lift_at": at})
        ),
    }
    for said, rows in forged.items():
        faults = list(gate_faults(case.case_id, rows))
        assert any(said in fault for fault in faults), (said, faults)
