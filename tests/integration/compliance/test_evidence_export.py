"""Exports of evidence: in any state of a case, on record, whole or not there at all."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import Engine, select, text

from cjp_fraud.audit.head_keys import HeadKeys
from cjp_fraud.audit.log import append
from cjp_fraud.audit.named_rows import ERASED
from cjp_fraud.audit.tables import AuditEntry, PersonalText
from cjp_fraud.audit.texts import erase_contents
from cjp_fraud.compliance import export
from cjp_fraud.compliance.archive import packed
from cjp_fraud.compliance.bundle import SUMS
from cjp_fraud.compliance.export import export_evidence
from cjp_fraud.compliance.log_verification import chain_holds_head, verify_log
from cjp_fraud.compliance.model import Edition
from cjp_fraud.compliance.summary_pdf import summary_pdf
from cjp_fraud.compliance.verification import verify, verify_file
from cjp_fraud.config import PlatformMode
from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import BadInputError, CjpFraudError, NotFoundError
from cjp_fraud.people.model import Decision, Role, machine
from cjp_fraud.review.claim import claim
from cjp_fraud.review.determination import dismiss
from cjp_fraud.storage.database import make_engine, reading, transaction
from cjp_fraud.suspension.enforcement import resume_all
from tests import processes
from tests.integration.compliance.case_bundles import EXPORTER, exported, files_of
from tests.integration.compliance.conftest import CaseSteps
from tests.people_builders import a_user
from tests.processes import die

EMPTY_SUMMARY = {
    "title": "x",
    "edition": "internal",
    "simulated": True,
    "customer": "x",
    "state": "open",
    "opened": "x",
    "zone": "Etc/UTC",
    "sections": [],
}


@pytest.mark.both_databases
def test_a_bundle_shows_nothing_of_another_tenants_case(steps: CaseSteps) -> None:
    steps.flagged()
    other = CaseSteps(steps.engine, steps.folder, steps.mail_port, tenant="globex", now=steps.now)
    other.flagged()
    steps.now = other.now
    steps.determined()
    made = exported(steps)
    whole = b"".join(files_of(made.file).values())
    assert b"globex" not in whole
    assert other.case_id.encode() not in whole
    assert verify_file(made.file).holds


def test_a_case_in_any_state_can_be_exported(case: CaseSteps) -> None:
    case.flagged()
    assert exported(case, "open.zip").faults == ()
    rita = case.who("rita")
    with transaction(case.engine) as session:
        claim(Decision(session, rita, case.tick()), case.case_id)
        dismiss(Decision(session, rita, case.tick()), case.case_id, reasons="A campaign.")
    assert exported(case, "dismissed.zip").faults == ()


def test_what_was_only_observed_is_exported_as_such(steps: CaseSteps) -> None:
    steps.mode = PlatformMode.OBSERVE
    steps.flagged()
    steps.determined()
    steps.approved()
    steps.carried_out()
    made = exported(steps)
    assert made.faults == ()
    assert b'"state": "observed"' in files_of(made.file)["records/measures.json"]
    assert verify_log(steps.engine).faults == ()


def test_a_lapsed_measure_is_exported_with_its_end(case: CaseSteps) -> None:
    case.suspended()
    case.now += timedelta(days=4)
    resume_all(case.enforcement())
    made = exported(case)
    assert made.faults == ()
    assert b'"ending": "lapsed"' in files_of(made.file)["records/measures.json"]
    assert verify_log(case.engine).faults == ()


def test_erased_words_leave_the_bundle_whole_and_are_not_in_it(case: CaseSteps) -> None:
    case.suspended()
    with transaction(case.engine) as session:
        for row in session.scalars(select(PersonalText)):
            erase_contents(row, case.tick())
        append(Decision(session, machine("test"), case.tick()), ERASED, "tenants", case.tenant, {})
    made = exported(case)
    assert made.faults == ()
    assert b"Premium numbers" not in b"".join(files_of(made.file).values())


def test_each_export_is_on_record_with_who_made_it(case: CaseSteps) -> None:
    case.flagged()
    cora = case.who("cora")
    made = export_evidence(case.engine, "1", case.folder / "one.zip", cora, case.tick())
    with reading(case.engine) as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.sequence.desc()).limit(1)).one()
        assert (entry.action, entry.actor, entry.case_id) == (
            "evidence.exported",
            cora.user_id,
            case.case_id,
        )
        assert entry.entry_sha256 == made.head_sha256
    assert entry.content["sha256sums_sha256"] == sha256_hex(files_of(made.file)[SUMS])
    assert exported(case, "two.zip").faults == ()


def test_an_existing_file_is_kept_unless_forced(case: CaseSteps) -> None:
    case.flagged()
    out = case.folder / "bundle.zip"
    out.write_bytes(b"mine")
    before = verify_log(case.engine).entries
    with pytest.raises(BadInputError, match="--force"):
        exported(case)
    assert out.read_bytes() == b"mine"
    assert verify_log(case.engine).entries == before, "a refused export is no export"
    export_evidence(case.engine, "1", out, EXPORTER, case.tick(), force=True)
    assert verify_file(out).holds
    with pytest.raises(BadInputError, match="folder"):
        export_evidence(case.engine, "1", case.folder, EXPORTER, case.tick())
    with pytest.raises(BadInputError, match="does not exist"):
        export_evidence(case.engine, "1", case.folder / "no" / "x.zip", EXPORTER, case.tick())
    with pytest.raises(NotFoundError, match="no case"):
        export_evidence(case.engine, "99", case.folder / "x.zip", EXPORTER, case.tick())
    assert not list(case.folder.glob(".*.part"))


def export_killed_at(step: str, url: str, out: Path) -> None:
    """Export case 1, killed where it would call ``step``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export.os if step == "fsync" else export, step, die)
        export_evidence(make_engine(url), "1", out, EXPORTER, datetime(2026, 3, 10, 7, tzinfo=UTC))


@pytest.mark.parametrize("step", ["fsync", "_put"])
def test_a_kill_in_the_middle_of_an_export_leaves_no_bundle_and_a_rerun_completes(
    sqlite_engine: Engine, tmp_path: Path, smtp_port: int, step: str
) -> None:
    steps = CaseSteps(sqlite_engine, tmp_path, smtp_port)
    steps.people()
    steps.flagged()
    out = tmp_path / "bundle.zip"
    url = sqlite_engine.url.render_as_string()
    processes.killed(export_killed_at, step, url, out)
    assert not out.exists()
    assert verify_log(sqlite_engine).holds
    steps.tick()
    assert exported(steps).faults == ()
    assert verify_file(out).holds
    assert verify_log(sqlite_engine).holds


def test_a_bundle_of_a_database_that_was_tampered_with_is_written_and_says_so(case: CaseSteps) -> None:
    case.flagged()
    case.determined()
    with case.engine.begin() as connection:
        connection.execute(text("UPDATE determinations SET finding = 'not_fraudulent'"))
    made = exported(case)
    assert made.file.exists()
    assert any(fault.startswith("determinations") and "was changed since" in fault for fault in made.faults)


def test_a_log_that_was_written_anew_is_seen_against_the_database_or_a_kept_head(
    case: CaseSteps, bundle: dict[str, bytes]
) -> None:
    case.flagged()
    foreign = verify(packed(bundle))
    assert foreign.holds
    assert chain_holds_head(case.engine, foreign.entries, foreign.head_sha256)
    assert not verify_log(case.engine, expect_head=foreign.head_sha256).holds


def test_a_name_in_the_log_itself_keeps_the_disclosable_edition_from_being_written(case: CaseSteps) -> None:
    """No act of ours writes a name there; if one ever did, nothing leaves and nothing is on record as exported."""
    case.flagged()
    keys = HeadKeys(case.folder / "keys")
    keys.make()
    out = case.folder / "disclosable.zip"
    with transaction(case.engine) as session:
        a_user(session, "may", [Role.ANALYST], case.tick())  # a name that is an ordinary word is no obstacle
    kept = {"key": keys.private(), "edition": Edition.DISCLOSABLE}
    assert export_evidence(case.engine, "1", out, EXPORTER, case.tick(), **kept).faults == ()
    with transaction(case.engine) as session:
        by = Decision(session, machine("test"), case.tick())
        append(by, "case.noted", "cases", case.case_id, {"by": "Rita"}, case_id=case.case_id)
    before = verify_log(case.engine).entries
    with pytest.raises(CjpFraudError, match="of the log holds 'Rita'"):
        export_evidence(case.engine, "1", case.folder / "other.zip", EXPORTER, case.tick(), **kept)
    assert not (case.folder / "other.zip").exists()
    assert verify_log(case.engine).entries == before


def test_a_disclosable_edition_needs_the_key_that_its_salts_follow_from(case: CaseSteps) -> None:
    case.flagged()
    with pytest.raises(BadInputError, match="needs the key"):
        export_evidence(
            case.engine, "1", case.folder / "x.zip", EXPORTER, case.tick(), edition=Edition.DISCLOSABLE
        )


def test_a_disclosable_edition_of_a_case_whose_texts_were_erased_holds(case: CaseSteps) -> None:
    case.suspended()
    with transaction(case.engine) as session:
        for row in session.scalars(select(PersonalText)):
            erase_contents(row, case.tick())
        append(Decision(session, machine("test"), case.tick()), ERASED, "tenants", case.tenant, {})
    keys = HeadKeys(case.folder / "keys")
    keys.make()
    made = export_evidence(
        *(case.engine, "1", case.folder / "x.zip", EXPORTER, case.tick()),
        key=keys.private(),
        edition=Edition.DISCLOSABLE,
    )
    assert made.faults == ()


def test_a_sign_that_no_font_has_is_shown_by_its_number_and_said_so_at_the_head(case: CaseSteps) -> None:
    def text_of(customer: str) -> str:
        pdf = summary_pdf({**EMPTY_SUMMARY, "customer": customer}, {}, case.now)
        return PdfReader(BytesIO(pdf)).pages[0].extract_text()

    head = "shown by their numbers"
    assert head not in text_of("Acme Łódź ΑΒΓ")
    shown = text_of("Acme \U000af486 \x15 \x9f end \x15")
    assert "Acme [U+AF486] [U+0015] [U+009F] end [U+0015]" in shown
    assert "[U+0015] [U+009F] [U+AF486]" in shown[shown.index(head) :]


def test_no_character_keeps_a_summary_from_being_made(case: CaseSteps) -> None:
    signs = [
        chr(point)
        for point in range(0x110000)
        if unicodedata.category(chr(point)) in ("Cc", "Cf", "Zl", "Zp")
    ]
    some_of_each_plane = [chr(point) for point in range(0xA0, 0x110000, 997) if not 0xD800 <= point < 0xE000]
    words = " ".join(f"a{sign}b" for sign in signs + some_of_each_plane)
    assert summary_pdf({**EMPTY_SUMMARY, "customer": words}, {}, case.now).startswith(b"%PDF")
