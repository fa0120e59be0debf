"""A bundle carries its signed head and the key: what that shows alone, with a key kept elsewhere, and in its home."""

from __future__ import annotations

import contextlib
import io
import json
import os
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from cjp_fraud.audit.head_keys import PrivateKey
from cjp_fraud.audit.signed_head import read_signed_head, sign_head
from cjp_fraud.cli import evidence
from cjp_fraud.compliance.archive import opened as unpacked
from cjp_fraud.compliance.archive import packed
from cjp_fraud.compliance.bundle import AUDIT, PUBLIC_KEY, SIGNED_HEAD
from cjp_fraud.compliance.manifest import MANIFEST, SIGNATURE, listed, read_manifest, written
from cjp_fraud.compliance.verification import verify
from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.evidence import export_case, verify_bundle
from tests.mail_servers import smtp_server
from tests.signed_heads import a_home, head_files, newest_head


@pytest.fixture
def home(tmp_path: Path, sqlite_url: str) -> Iterator[Deployment]:
    with smtp_server() as server:
        yield a_home(tmp_path, sqlite_url, server)


@pytest.fixture
def bundle(home: Deployment, tmp_path: Path) -> Path:
    out = tmp_path / "case.zip"
    assert export_case(home, None, home.now, "1", out).faults == ()
    return out


def changed(home: Deployment, bundle: Path, **files: bytes | None) -> bytes:
    """Return the bundle with ``signed_head`` or ``public_key`` replaced or left out, its manifest signed anew."""
    whole = dict(unpacked(bundle.read_bytes()).files)
    for name, content in files.items():
        file = {"signed_head": SIGNED_HEAD, "public_key": PUBLIC_KEY}[name]
        del whole[file]
        if content is not None:
            whole[file] = content
    old = read_manifest(whole.pop(MANIFEST))
    del whole[SIGNATURE]
    manifest = written(replace(old, files=listed(whole)))
    return packed(whole | {MANIFEST: manifest, SIGNATURE: home.head_keys.private().sign(manifest)})


def test_a_bundle_carries_its_signed_head_which_lies_in_the_second_place_too(
    home: Deployment, bundle: Path
) -> None:
    files = unpacked(bundle.read_bytes()).files
    assert files[SIGNED_HEAD] == head_files(home)[-1].read_bytes()
    assert files[PUBLIC_KEY] == home.head_keys.private().public.pem
    head = newest_head(home)
    chain = json.loads(files[MANIFEST])["chain"]
    assert (head.sequence, head.entry_sha256) == (chain["entries"], chain["head_sha256"])
    assert b"PRIVATE" not in bundle.read_bytes()
    report = verify_bundle(bundle, home=home)
    assert report.holds
    assert report.notes == ()
    assert report.key_id == home.head_keys.private().key_id


def test_elsewhere_the_key_in_the_bundle_is_named_until_one_that_was_kept_is_given(
    home: Deployment, bundle: Path, tmp_path: Path
) -> None:
    elsewhere = Deployment(load_settings(home=tmp_path / "elsewhere"))
    [note] = verify_bundle(bundle, home=elsewhere).notes
    assert home.head_keys.private().key_id in note
    kept, other = tmp_path / "kept.pem", tmp_path / "other.pem"
    kept.write_bytes(home.head_keys.private().public.pem)
    other.write_bytes(PrivateKey(Ed25519PrivateKey.generate()).public.pem)
    said = CliRunner().invoke(evidence.app, ["verify", str(bundle), "--public-key", str(kept)], obj=elsewhere)
    assert said.exit_code == 0
    assert "note" not in said.output
    said = CliRunner().invoke(
        evidence.app, ["verify", str(bundle), "--public-key", str(other)], obj=elsewhere
    )
    assert said.exit_code == 1
    assert "the key was replaced" in said.output


def test_a_signature_left_out_is_missed(home: Deployment, bundle: Path) -> None:
    for left_out in (
        changed(home, bundle, signed_head=None),
        changed(home, bundle, signed_head=None, public_key=None),
    ):
        faults = verify(left_out).faults
        assert sum("is missing: the head was signed with key" in fault for fault in faults) == 1, faults


def test_a_head_signed_with_another_key_is_not_the_one_that_the_export_recorded(
    home: Deployment, bundle: Path
) -> None:
    forger = PrivateKey(Ed25519PrivateKey.generate())
    head = read_signed_head(unpacked(bundle.read_bytes()).files[SIGNED_HEAD]).head
    forged = sign_head(
        *(forger, head.sequence, head.entry_sha256, head.recorded_at, head.signed_at),
        simulated_clock=head.simulated_clock,
    )
    both = verify(changed(home, bundle, signed_head=forged.content, public_key=forger.public.pem))
    assert sum("not the key that the log recorded" in fault for fault in both.faults) == 1
    assert any("the key was replaced" in fault for fault in both.faults), (
        "the manifest is signed with the other"
    )
    only_the_head = verify(changed(home, bundle, signed_head=forged.content))
    assert ["the key was replaced" in fault for fault in only_the_head.faults] == [True]
    unreadable = verify(changed(home, bundle, signed_head=b"{}"))
    assert ["cannot be read" in fault for fault in unreadable.faults] == [True]


def test_the_signed_head_of_another_export_does_not_fit(
    home: Deployment, bundle: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.zip"
    export_case(home, None, home.now, "1", again)
    later = unpacked(again.read_bytes()).files[SIGNED_HEAD]
    [fault] = verify(changed(home, bundle, signed_head=later)).faults
    assert "the log was written anew after it was signed" in fault


def test_a_home_without_a_key_exports_a_bundle_without_signature(
    home: Deployment, bundle: Path, tmp_path: Path
) -> None:
    home.head_keys.private_file.unlink()
    out = tmp_path / "unsigned.zip"
    exported = export_case(home, None, home.now, "1", out)
    assert exported.signed_head is None
    assert exported.faults == ()
    report = verify_bundle(out, home=home)
    assert report.holds
    assert "no signed head" in report.notes[0]
    assert verify(out.read_bytes(), [PrivateKey(Ed25519PrivateKey.generate()).public]).faults == (
        "the bundle has no signed head, so that no key can verify it",
    )


def test_a_bundle_is_verified_where_the_second_place_is_gone_and_it_is_said(
    home: Deployment, bundle: Path
) -> None:
    Path(home.settings.heads).rename(Path(home.settings.heads).with_name("away"))
    report = verify_bundle(bundle, home=home)
    assert report.holds
    assert "is not there" in report.notes[0]


def test_the_readme_tells_how_to_verify_the_signature(home: Deployment, bundle: Path, tmp_path: Path) -> None:
    files = unpacked(bundle.read_bytes()).files
    for name in (SIGNED_HEAD, PUBLIC_KEY, AUDIT):
        (tmp_path / name).write_bytes(files[name])
    text = files["README.txt"].decode().split('package "cryptography":\n')[1].split("It must print")[0]
    said, before = io.StringIO(), os.getcwd()
    os.chdir(tmp_path)
    try:
        with contextlib.redirect_stdout(said):
            exec(textwrap.dedent(text), {})
    finally:
        os.chdir(before)
    assert said.getvalue().split() == [home.head_keys.private().key_id, newest_head(home).entry_sha256]
