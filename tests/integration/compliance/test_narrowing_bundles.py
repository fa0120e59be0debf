"""A bundle proves how a dispute narrowed a measure, and by whom; a forged one does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cjp_fraud.audit.head_keys import HeadKeys
from cjp_fraud.audit.row_digests import Record
from cjp_fraud.clock import StandingClock
from cjp_fraud.compliance.bundle_facts import gate_faults
from cjp_fraud.compliance.export import export_evidence
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.compliance.model import Edition
from cjp_fraud.compliance.verification import verify_file
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.documents import to_document
from cjp_fraud.people.model import Decision
from cjp_fraud.review.dispute import open_dispute
from cjp_fraud.review.narrower_measure import Restriction
from cjp_fraud.review.requests import MeasureWanted
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.case_records import records_of_case
from cjp_fraud.suspension.enforcement import enforce
from cjp_fraud.suspension.narrowing import narrow_by_dispute
from cjp_fraud.suspension.wrongful_measures import enter_narrowed
from tests.integration.compliance.case_bundles import EXPORTER
from tests.integration.compliance.conftest import CaseSteps

RANGE = MeasureWanted(MeasureKind.BLOCK_DESTINATIONS, Scope(destination_prefixes=("+371",)))

EVERYTHING = to_document(Restriction(MeasureKind.SUSPEND_ALL_ACCESS, Scope()))


def narrowed(steps: CaseSteps) -> None:
    """Suspend it, and decide a dispute so that one range is left."""
    steps.suspended()
    rita, cora = steps.who("rita"), steps.who("cora")
    with transaction(steps.engine) as session:
        dispute = open_dispute(Decision(session, rita, steps.tick()), steps.case_id, "You stopped all of it.")
        decision = Decision(session, cora, steps.tick())
        narrowing = narrow_by_dispute(
            decision, dispute.id, RANGE, steps.policy(), reasons="One range is enough."
        )
        enter_narrowed(decision, narrowing, None)
    at = steps.tick()
    enforce(replace(steps.enforcement(), clock=StandingClock(at)), steps.case_id)


def changed(records: Sequence[Record], table: str, **values: Any) -> list[Record]:
    """Return the records with other values in the rows of one table."""
    return [
        replace(record, fields={**record.fields, **values}) if record.table == table else record
        for record in records
    ]


def test_the_bundle_holds_and_a_forged_narrowing_does_not(case: CaseSteps) -> None:
    narrowed(case)
    keys = HeadKeys(case.folder / "keys")
    keys.make()
    for edition in Edition:
        file = case.folder / f"{edition}.zip"
        key = keys.private()
        made = export_evidence(
            case.engine, case.case_id, file, EXPORTER, case.tick(), key=key, edition=edition
        )
        assert made.faults == verify_file(Path(made.file)).faults == (), edition
    assert verify_log(case.engine).faults == ()

    with reading(case.engine) as session:
        records = records_of_case(session, case.case_id)
    assert list(gate_faults(case.case_id, records)) == []
    [row] = [record for record in records if record.table == "narrowings"]
    dispute = next(record for record in records if record.table == "disputes")
    forged = {
        "which is not narrower": changed(records, "narrowings", restricts=EVERYTHING),
        "and the decisions on record led to": changed(records, "measures", narrowed_to=None),
        "was not decided so, or not then": changed(records, "disputes", state="rejected"),
        "was narrowed from": changed(records, "narrowings", restricted=EVERYTHING),
        "had taken part in the case": changed(
            records, "participations", user_id=dispute.fields["decided_by"]
        ),
    }
    for said, rows in forged.items():
        faults = list(gate_faults(case.case_id, rows))
        assert any(said in fault for fault in faults), (said, faults)
    assert row.fields["confirmed_at"] is not None
