"""What is erased of a tenant, what stays, and that everything still verifies."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cjp_fraud.audit.row_digests import ERASABLE
from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.audit.texts import holds_erasable
from cjp_fraud.clock import utc_text
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.compliance.verification import verify_file
from cjp_fraud.contracts.contract_reader import recipients
from cjp_fraud.contracts.tables import Tenant
from cjp_fraud.contracts.tenant_import import load_tenants
from cjp_fraud.operations import privacy
from cjp_fraud.people.model import machine
from cjp_fraud.storage.base import Base
from cjp_fraud.storage.database import reading, transaction
from tests.integration.compliance.case_bundles import exported
from tests.integration.compliance.closed_cases import ADDRESS, erase, files_with, opened, rows
from tests.integration.compliance.conftest import CaseSteps

WORDS = (
    "Calls to premium numbers at night",
    "no agent was on duty",
    "It was our own campaign",
    "Until the court has decided",
    "The keys were changed",
    "The attack goes on",
    "Example Ltd",
)


"""What persons wrote in the case, and the tenant's name."""


def test_everything_verifies_after_an_erasure_and_bundles_of_before_and_after_do(closed: CaseSteps) -> None:
    before = exported(closed, "before.zip")
    assert (before.faults, verify_file(before.file).erased) == ((), ())

    erasure = erase(closed)
    erased_at = closed.now

    assert (erasure.nothing_left, erasure.name, erasure.addresses) == (False, True, 1)
    assert min(erasure.texts, erasure.letters, erasure.attempts, erasure.reports) >= 2
    assert verify_log(closed.engine).faults == ()
    assert verify_file(before.file).holds
    after = exported(closed, "after.zip")
    assert after.faults == ()
    said = verify_file(after.file).erased
    assert len(said) == erasure.texts + erasure.letters + 2 * erasure.attempts + erasure.reports
    assert all(f"was erased at {utc_text(erased_at)}" in sentence for sentence in said)
    assert verify_log(closed.engine).faults == ()


@pytest.mark.both_databases
def test_no_word_and_no_address_is_left_in_the_database(closed: CaseSteps) -> None:
    there = list(rows(closed.engine))
    assert all(any(text in row for row in there) for text in (*WORDS, ADDRESS))

    erase(closed)

    there = list(rows(closed.engine))
    assert [text for text in (*WORDS, ADDRESS) for row in there if text.lower() in row.lower()] == []
    assert any("The customer asked for it." in row for row in there), "why it was erased stays"
    with reading(closed.engine) as session:
        kinds = [m.class_ for m in Base.registry.mappers if m.class_.__tablename__ in ERASABLE]
        left = [row for kind in kinds for row in session.scalars(select(kind)) if holds_erasable(row)]
        assert [row.body for row in left] == ["The customer asked for it."]
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "privacy.erased")).one()
        assert (entry.subject_id, entry.content["reason_text_id"]) == ("acme", left[0].id)


def test_no_byte_of_an_address_or_a_word_is_left_in_the_files(closed_on_sqlite: CaseSteps) -> None:
    steps = closed_on_sqlite
    (steps.folder / "acme.csv").unlink()  # the tenants file is the provider's own
    assert files_with(steps.folder, ADDRESS)
    assert len(list((steps.folder / "home" / "mail").rglob("*.eml"))) == 2

    erasure = erase(steps)

    assert erasure.files == 2
    assert {text: files_with(steps.folder, text) for text in (*WORDS, ADDRESS)} == {
        text: [] for text in (*WORDS, ADDRESS)
    }
    assert list((steps.folder / "home" / "mail").rglob("*.eml")) == []


def test_files_that_are_about_somebody_else_stay(closed_on_sqlite: CaseSteps) -> None:
    other = opened(closed_on_sqlite).settings.home / "mail" / "unmatched" / "other.eml"
    other.write_bytes(b"Subject: hello\n\nwe are notices@elsewhere.example\n")
    erase(closed_on_sqlite)
    assert other.exists()


def test_a_second_erasure_does_nothing_and_says_so(closed: CaseSteps) -> None:
    erase(closed)
    head = verify_log(closed.engine).head_sha256
    again = erase(closed)
    assert again.nothing_left
    assert again.erased_before is not None
    assert verify_log(closed.engine).head_sha256 == head


def test_a_dry_run_says_what_would_be_erased_and_changes_nothing(closed: CaseSteps) -> None:
    head, there = verify_log(closed.engine).head_sha256, list(rows(closed.engine))
    planned = erase(closed, dry_run=True)
    assert verify_log(closed.engine).head_sha256 == head
    assert list(rows(closed.engine)) == there
    done = erase(closed)
    assert (planned.texts, planned.letters, planned.attempts, planned.reports, planned.files) == (
        done.texts,
        done.letters,
        done.attempts,
        done.reports,
        done.files,
    )


def test_a_tenant_without_a_case_loses_its_address_and_name(case: CaseSteps) -> None:
    case.flagged()
    other = case.folder / "other.csv"
    other.write_text((case.folder / "acme.csv").read_text().replace("acme", "calm"))
    with transaction(case.engine) as session:
        load_tenants(session, other, machine("tenants"), case.tick())
    erasure = privacy.erase(opened(case), "cora", case.tick(), "calm", reason="left")
    assert (erasure.texts, erasure.addresses, erasure.name) == (1, 1, True)
    with reading(case.engine) as session:
        assert session.get_one(Tenant, "calm").name is None
        assert session.get_one(Tenant, "acme").name == "Example Ltd"
        assert recipients(session, "calm", ["notice"], case.now) == ()
        assert len(recipients(session, "acme", ["notice"], case.now)) == 1
    assert verify_log(case.engine).faults == ()


def test_every_text_that_a_table_refers_to_is_erased_with_its_tenant() -> None:
    """A new table with texts of a tenant must be read by ``records_of_case`` or named here."""
    with_texts = {
        mapper.class_.__tablename__
        for mapper in Base.registry.mappers
        if any(column.key.endswith("text_id") for column in mapper.column_attrs)
    }
    assert with_texts == {
        "addresses",
        "attachments",
        "bulk_dismissals",
        "case_comments",
        "contract_entries",
        "determinations",
        "disputes",
        "emergency_orders",
        "known_events",  # with the tenant that is named; of all tenants: of none
        "legal_holds",
        "letter_orders",
        "measures",
        "model_promotions",  # of no tenant: why a person promoted a model version
        "need_statements",
        "quality_readings",
        "reaffirmations",
        "reinstatement_holds",
        "reinstatement_plans",
        "standing_consents",
        "stops",
        "threshold_settings",  # of no tenant: why an admin set a threshold
        "wrongful_measures",
    }
