"""Attached files in bundles, in the log and after an erasure: bytes inside, a digest outside."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from sqlalchemy import select, text

from cjp_fraud.audit.head_keys import HeadKeys
from cjp_fraud.compliance.archive import packed
from cjp_fraud.compliance.comparison import compare
from cjp_fraud.compliance.export import export_evidence
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.compliance.model import Edition
from cjp_fraud.compliance.verification import verify, verify_file
from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import NotFoundError, Refused
from cjp_fraud.operations import attachments, privacy
from cjp_fraud.operations.attachments import Upload
from cjp_fraud.review.cases import lock_case
from cjp_fraud.review.tables import Attachment
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.gate_facts import row_faults
from tests.integration.compliance.case_bundles import exported
from tests.integration.compliance.closed_cases import erase, files_with, opened
from tests.integration.compliance.conftest import CaseSteps

CONTENT = b'{"note": "The caller named Zaphod", "threshold": 3}'
"""JSON, of which a disclosable bundle would show what is not withheld if it were a document of ours."""

NAME = "zaphod-beeblebrox.json"


def attached(steps: CaseSteps) -> str:
    """Attach the file; return its digest."""
    made = attachments.attach(opened(steps), "rita", steps.tick(), steps.case_id, Upload(NAME, CONTENT))
    return made.attachment.sha256


def editions_of(steps: CaseSteps) -> dict[Edition, Path]:
    keys = HeadKeys(steps.folder / "keys")
    keys.make()
    made = {}
    for edition in Edition:
        made[edition] = steps.folder / f"{edition}.zip"
        done = export_evidence(
            steps.engine,
            steps.case_id,
            made[edition],
            steps.who("cora"),
            steps.tick(),
            key=keys.private(),
            edition=edition,
        )
        assert done.faults == ()
    return made


def contents_of(bundle: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.both_databases
def test_the_internal_edition_holds_the_file_and_the_disclosable_one_its_digest(steps: CaseSteps) -> None:
    steps.flagged()
    sha256 = attached(steps)
    made = editions_of(steps)

    inside = contents_of(made[Edition.INTERNAL])
    assert [inside[name] for name in inside if name.startswith("attachment_contents/")] == [CONTENT]
    outside = contents_of(made[Edition.DISCLOSABLE])
    assert [name for name in outside if name.startswith("attachment_contents/")] == []
    assert not any(b"aphod" in content for content in outside.values())
    assert sha256.encode() in outside["records/attachment_contents.json"]
    compared = compare(made[Edition.INTERNAL].read_bytes(), made[Edition.DISCLOSABLE].read_bytes())
    assert compared.faults == ()


def test_a_bundle_with_another_file_in_its_place_does_not_verify(case: CaseSteps) -> None:
    case.flagged()
    attached(case)
    bundle = exported(case).file
    assert verify_file(bundle).faults == ()
    files = contents_of(bundle)
    [name] = [name for name in files if name.startswith("attachment_contents/")]
    faults = verify(packed(files | {name: CONTENT.replace(b"Zaphod", b"Arthur")})).faults
    assert any("its content does not match its sha256" in fault for fault in faults)


def test_bytes_that_were_changed_behind_the_application_are_found_and_the_gate_reads_none(
    case: CaseSteps,
) -> None:
    case.flagged()
    attached(case)
    assert verify_log(case.engine).faults == ()
    with transaction(case.engine) as session:
        assert row_faults(session, lock_case(session, case.case_id)) == ()
    with case.engine.begin() as connection:
        connection.execute(text("UPDATE attachment_contents SET content = x'41'"))
    assert any("its content does not match" in fault for fault in verify_log(case.engine).faults)
    with case.engine.begin() as connection:
        connection.execute(text("UPDATE attachment_contents SET size_bytes = 7"))
    with transaction(case.engine) as session:
        [fault] = row_faults(session, lock_case(session, case.case_id))
    assert "it was changed since" in fault


def test_a_file_is_erased_with_its_name_and_all_verifies(closed_on_sqlite: CaseSteps) -> None:
    case = closed_on_sqlite
    attached(case)
    assert files_with(case.folder, "Zaphod")
    deployment = opened(case)
    hold = privacy.hold(deployment, "cora", case.tick(), "acme", reason="a court asked for it")
    with pytest.raises(Refused, match="legal hold"):
        erase(case)
    privacy.release_hold(deployment, "cora", case.tick(), hold.id, reason="the court has decided")

    erasure = erase(case)

    assert erasure.attachments == 1
    assert {word: files_with(case.folder, word) for word in ("Zaphod", NAME)} == {"Zaphod": [], NAME: []}
    assert verify_log(case.engine).faults == ()
    after = exported(case)
    assert (after.faults, verify_file(after.file).faults) == ((), ())
    assert any(sha256_hex(CONTENT) in sentence for sentence in verify_file(after.file).erased)
    with pytest.raises(NotFoundError, match="was erased"):
        attachments.download(deployment, "cora", case.tick(), case.case_id, attachment_id(case))


def attachment_id(case: CaseSteps) -> str:
    with reading(case.engine) as session:
        return session.scalars(select(Attachment.id)).one()
