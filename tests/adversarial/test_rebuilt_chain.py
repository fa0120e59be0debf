"""Somebody with the database writes the log anew, consistently from its first entry: a signed head tells.

The chain and the rows alone agree with each other in such a log; ``audit verify`` needs no flag to notice it.
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine
from typer.testing import CliRunner

from cjp_fraud.audit.head_keys import PrivateKey
from cjp_fraud.audit.home import HEAD_KEY_RECORDED
from cjp_fraud.audit.signed_head import read_signed_head, sign_head
from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.cli import audit, evidence
from cjp_fraud.compliance.log_verification import verify_log as verify_the_log
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.operations import due_run
from cjp_fraud.operations.audit_log import verify_log
from cjp_fraud.operations.evidence import export_case
from cjp_fraud.operations.head_keeping import sign_and_keep
from cjp_fraud.storage.database import reading
from tests.mail_servers import MailServerUnderTest
from tests.signed_heads import a_home, head_files, later, newest_head, opened_home, suspended
from tests.snapshots import brought_to
from tests.tampering import rebuild_chain

BESIDE = ("home", "counsel")
"""The folders beside the database: the home, and the second place of its heads."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the files that stand beside the database of a home, by kind of database."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(
    request: pytest.FixtureRequest, tmp_path: Path, server: MailServerUnderTest, kept: Path
) -> Deployment:
    """A home with a measure in force, and its heads in a second place; made once, then copied."""
    url = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")

    def take_steps() -> None:
        made = a_home(tmp_path, url, server)
        suspended(made)
        assert verify_log(made).holds
        made.engine.dispose()  # PostgreSQL copies no database that somebody is connected to
        for name in BESIDE:
            shutil.copytree(tmp_path / name, kept / request.param / name)

    made = opened_home(tmp_path, url, server)
    brought_to(made.engine, f"a measure in force in {kept}", take_steps)
    for name in BESIDE:
        shutil.copytree(kept / request.param / name, tmp_path / name, dirs_exist_ok=True)
    return made


def claim_dated_back(entry: AuditEntry) -> None:
    """Let the case have been claimed a minute earlier; no other row says when."""
    if entry.action == "case.claimed":
        entry.at -= timedelta(minutes=1)


def rewritten(opened: Deployment) -> None:
    """Write the log anew, so that nothing in the database contradicts it."""
    rebuild_chain(opened.engine, claim_dated_back)
    assert verify_the_log(opened.engine).faults == ()


def resign_all(opened: Deployment, key: PrivateKey) -> None:
    """Replace every head in the second place by one of the log as it is now, signed with ``key``."""
    with reading(opened.engine) as session:
        for file in head_files(opened):
            head = read_signed_head(file.read_bytes()).head
            entry = session.get_one(AuditEntry, head.sequence)
            signed = sign_head(
                *(key, entry.sequence, entry.entry_sha256, entry.recorded_at, head.signed_at),
                simulated_clock=True,
            )
            file.unlink()
            (file.parent / signed.name).write_bytes(signed.content)


def test_a_log_that_was_written_anew_is_noticed_without_a_flag(opened: Deployment) -> None:
    rewritten(opened)
    said = CliRunner().invoke(audit.app, ["verify"], obj=opened)
    assert said.exit_code == 1
    assert "the log was written anew" in said.output


def test_waiting_for_the_next_head_does_not_launder_it(opened: Deployment) -> None:
    rewritten(opened)
    before = head_files(opened)
    with pytest.raises(CjpFraudError, match=r"the head is not signed: entry .* was written anew"):
        sign_and_keep(opened, opened.now)
    with pytest.raises(CjpFraudError, match="not signed"):
        due_run.run_due(tomorrow := later(opened, days=1), tomorrow.now)
    assert head_files(opened) == before
    assert not verify_log(opened).holds


def test_a_head_forged_with_the_homes_own_key_is_contradicted_by_the_older_ones(opened: Deployment) -> None:
    """The second place takes files and gives none back: what was there first stays."""
    rewritten(opened)
    key = opened.head_keys.private()
    with reading(opened.engine) as session:
        entry = session.get_one(AuditEntry, verify_the_log(opened.engine).entries)
    forged = sign_head(
        *(key, entry.sequence, entry.entry_sha256, entry.recorded_at, opened.now), simulated_clock=True
    )
    opened.head_store.put(forged)
    assert any("was written anew" in fault for fault in verify_log(opened).faults)


def test_entries_removed_at_the_end_are_noticed(opened: Deployment) -> None:
    head = newest_head(opened)
    rebuild_chain(opened.engine, lambda entry: None, keep=head.sequence - 1)
    faults = verify_log(opened).faults
    assert any(
        f"ends with entry {head.sequence - 1}," in fault and "were removed at its end" in fault
        for fault in faults
    )


def test_heads_signed_with_another_key_are_noticed(opened: Deployment) -> None:
    rewritten(opened)
    resign_all(opened, PrivateKey(Ed25519PrivateKey.generate()))
    faults = verify_log(opened).faults
    assert sum("the key was replaced" in fault for fault in faults) == len(head_files(opened))
    assert any("there is no head of this home" in fault for fault in faults)


def test_a_key_replaced_in_the_home_is_noticed(opened: Deployment) -> None:
    rewritten(opened)
    shutil.rmtree(opened.head_keys.folder)
    opened.head_keys.make()
    resign_all(opened, opened.head_keys.private())
    [fault] = verify_log(opened).faults
    assert "no entry of the log names the key" in fault


def test_who_replaces_key_log_and_heads_together_is_told_by_the_key_that_counsel_keeps(
    opened: Deployment, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.pem"
    kept.write_bytes(opened.head_keys.private().public.pem)
    shutil.rmtree(opened.head_keys.folder)
    opened.head_keys.make()
    forged = opened.head_keys.private()

    def with_the_forged_key(entry: AuditEntry) -> None:
        claim_dated_back(entry)
        if entry.action == HEAD_KEY_RECORDED:
            entry.content = {"key_id": forged.key_id, "public_key": forged.public.text}

    rebuild_chain(opened.engine, with_the_forged_key)
    resign_all(opened, forged)
    assert verify_log(opened).holds  # nothing on this machine is left of the truth
    said = CliRunner().invoke(audit.app, ["verify", "--public-key", str(kept)], obj=opened)
    assert said.exit_code == 1
    assert "the key was replaced" in said.output


def test_where_the_newest_head_was_removed_the_older_one_is_used_and_said(opened: Deployment) -> None:
    sequence = newest_head(opened).sequence
    head_files(opened)[-1].unlink()
    older = newest_head(opened).sequence
    said = CliRunner().invoke(audit.app, ["verify"], obj=opened)
    assert said.exit_code == 0
    assert f"newest signed head: entry {older} of {sequence}" in said.output
    assert "no head was signed since the measure of entry" in said.output
    assert "newer heads were removed" in said.output
    rebuild_chain(opened.engine, lambda entry: None, keep=older - 1)
    assert any("were removed at its end" in fault for fault in verify_log(opened).faults)


def test_a_second_place_without_heads_is_noticed_and_not_begun_anew(opened: Deployment) -> None:
    rewritten(opened)
    for file in head_files(opened):
        file.unlink()
    [fault] = verify_log(opened).faults
    assert "there is no head of this home" in fault
    with pytest.raises(CjpFraudError, match="there is no head of this home"):
        due_run.run_due(opened, opened.now)
    assert head_files(opened) == []
    Path(opened.settings.heads).rmdir()
    [fault] = verify_log(opened).faults
    assert "is not there" in fault


def test_a_head_that_was_changed_is_noticed(opened: Deployment) -> None:
    file = head_files(opened)[-1]
    head = newest_head(opened)
    file.write_bytes(file.read_bytes().replace(head.entry_sha256.encode(), b"0" * 64))
    [fault] = verify_log(opened).faults
    assert "its signature does not fit" in fault
    assert file.name in fault


def test_a_bundle_of_a_log_written_anew_is_noticed_in_its_home(opened: Deployment, tmp_path: Path) -> None:
    rewritten(opened)
    bundle = tmp_path / "case.zip"
    assert export_case(opened, None, opened.now, "1", bundle).faults == ()
    said = CliRunner().invoke(evidence.app, ["verify", str(bundle)], obj=opened)
    assert said.exit_code == 1
    assert "was written anew" in said.output


@pytest.mark.both_databases
def test_a_guard_of_the_log_that_is_gone_or_off_is_noticed(engine: Engine) -> None:
    on_sqlite = engine.dialect.name == "sqlite"
    for guard in (
        ("audit_entries_no_delete", "audit_entries_no_replace") if on_sqlite else ("audit_entries_no_change",)
    ):
        assert not any(guard in fault for fault in verify_the_log(engine).faults)
        with engine.begin() as connection:
            how = (
                f"DROP TRIGGER {guard}" if on_sqlite else f"ALTER TABLE audit_entries DISABLE TRIGGER {guard}"
            )
            connection.exec_driver_sql(how)
        assert any(guard in fault for fault in verify_the_log(engine).faults)
