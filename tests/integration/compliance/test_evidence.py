from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import textwrap
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cjp_fraud.compliance.archive import packed
from cjp_fraud.compliance.bundle import AUDIT, SUMS, sums
from cjp_fraud.compliance.inclusion_proof import read_proof
from cjp_fraud.compliance.log_verification import chain_holds_head, verify_log
from cjp_fraud.compliance.manifest import FORMAT, MANIFEST, Manifest, listed, written
from cjp_fraud.compliance.verification import verify, verify_file
from cjp_fraud.digests import canonical_json, digest, sha256_hex
from cjp_fraud.errors import BadInputError
from tests.integration.compliance.case_bundles import exported, files_of
from tests.integration.compliance.conftest import CaseSteps
from tests.thoroughness import examples

FORMAT_1 = Path(__file__).parent / "bundle_format_1.zip"
FORMAT_2 = Path(__file__).parent / "bundle_format_2.zip"
"""A case that went the whole way, exported by the last version that wrote these formats."""


def _packed_with_manifest(contents: dict[str, bytes], audit: bytes, case_id: str) -> bytes:
    chain = read_proof(audit, case_id)
    whole = contents | {AUDIT: audit}
    manifest = Manifest(
        format=FORMAT,
        case_id=case_id,
        entries=chain.count,
        head_sha256=chain.head_sha256,
        files=listed(whole),
        simulated_clock=True,
    )
    return packed(whole | {MANIFEST: written(manifest)})


def forged(files: dict[str, bytes]) -> bytes:
    """Pack changed files with digests made new, as a forger without the log would."""
    contents = {name: content for name, content in files.items() if name not in (MANIFEST, SUMS, AUDIT)}
    case_id = json.loads(files[MANIFEST])["case_id"]
    return _packed_with_manifest(contents | {SUMS: sums(contents)}, files[AUDIT], case_id)


def forged_with_log(files: dict[str, bytes]) -> bytes:
    """Pack changed files with digests and the export's entry made new, chain and all."""
    contents = {name: content for name, content in files.items() if name not in (MANIFEST, SUMS, AUDIT)}
    whole = contents | {SUMS: sums(contents)}
    case_id = json.loads(files[MANIFEST])["case_id"]
    lines = files[AUDIT].splitlines()
    last = json.loads(lines[-1])
    last["entry"]["content"]["sha256sums_sha256"] = sha256_hex(whole[SUMS])
    lines[-1] = canonical_json(last | {"body_sha256": digest(last["entry"])})
    return _packed_with_manifest(whole, b"\n".join(lines) + b"\n", case_id)


def test_a_bundle_of_a_case_that_went_the_whole_way_holds(steps: CaseSteps) -> None:
    steps.suspended()
    steps.kept_and_disputed()
    steps.reinstated()
    made = exported(steps)
    found = verify_file(made.file)
    assert found.faults == made.faults == ()
    assert (found.entries, found.head_sha256) == (made.entries, made.head_sha256)
    assert verify_log(steps.engine, expect_head=made.head_sha256).holds
    assert chain_holds_head(steps.engine, made.entries, made.head_sha256) == []


def test_the_bundle_holds_every_part_of_the_proof(bundle: dict[str, bytes]) -> None:
    tables = {
        *(
            "cases",
            "flags",
            "episodes",
            "determinations",
            "determination_flags",
            "evidence_sets",
            "proposals",
        ),
        *("approvals", "notice_plans", "notices", "notice_attempts", "delivery_events", "measures"),
        *("platform_commands", "reaffirmations", "disputes", "stops", "case_comments", "personal_texts"),
        *(
            "governing_documents",
            "notice_terms",
            "subscription_terms",
            "addresses",
            "participations",
            "users",
        ),
    }
    assert {f"records/{table}.json" for table in tables} <= set(bundle)
    letters = [name for name in bundle if name.endswith(".eml")]
    # the notice, the continuation, the reinstatement, and the answer to the dispute
    assert Counter(name.split("/")[0] for name in letters) == {"notices": 4, "notice_attempts": 4}
    assert all(b"Message-ID" in bundle[name] for name in letters)
    assert all(name.removesuffix(".eml") + ".txt" in bundle for name in letters)
    dialogues = [
        bundle[name] for name in bundle if name.startswith("notice_attempts/") and name.endswith(".txt")
    ]
    assert all(b"S: 250" in dialogue for dialogue in dialogues)
    assert b'"read_back"' in bundle["records/platform_commands.json"]
    words = [entry["did"] for entry in json.loads(bundle["timeline.json"])]
    assert words[:3] == ["case.opened", "case.claimed", "case.commented"]


@pytest.mark.thorough
@settings(
    max_examples=examples(8, 60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_no_byte_of_any_file_can_change_unseen(bundle: dict[str, bytes], data: st.DataObject) -> None:
    container = packed(bundle)
    place = data.draw(st.integers(0, len(container) - 1))
    changed = bytearray(container)
    changed[place] ^= data.draw(st.integers(1, 255))
    assert not verify(bytes(changed)).holds


@pytest.mark.thorough
@settings(
    max_examples=examples(12, 100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_no_byte_of_a_proof_can_change_unseen_though_all_digests_are_made_new(
    bundle: dict[str, bytes], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(set(bundle) - {MANIFEST, SUMS})))
    place = data.draw(st.integers(0, len(bundle[name]) - 1))
    changed = bytearray(bundle[name])
    changed[place] ^= data.draw(st.integers(1, 255))
    try:
        container = forged(bundle | {name: bytes(changed)})
    except (ValueError, KeyError, TypeError, AttributeError):
        return  # not even the forger can read that log any more
    assert not verify(container).holds


BOUND = ["evidence_sets", "proposals", "notices", "platform_commands"]


@pytest.mark.parametrize("folder", BOUND)
def test_documents_are_bound_by_their_own_entries_not_by_the_exports_alone(
    bundle: dict[str, bytes], folder: str
) -> None:
    name = next(name for name in bundle if name.startswith(f"{folder}/") and not name.endswith(".txt"))
    other = bundle[name].replace(b"1", b"2")
    rows = f"records/{folder}.json"
    old, new = sha256_hex(bundle[name]).encode(), sha256_hex(other).encode()
    changed = bundle | {name: other, rows: bundle[rows].replace(old, new)}
    faults = verify(forged_with_log(changed)).faults
    assert any("was changed since" in fault for fault in faults), faults


def a_change(bundle: dict[str, bytes], name: str, change: Callable[[list[dict[str, object]]], None]) -> bytes:
    rows = json.loads(bundle[name])
    change(rows)
    return forged_with_log(bundle | {name: json.dumps(rows).encode()})


def set_field(column: str, value: object) -> Callable[[list[dict[str, object]]], None]:
    def change(rows: list[dict[str, object]]) -> None:
        fields = rows[0]["fields"]
        assert isinstance(fields, dict)
        fields[column] = value

    return change


@pytest.mark.parametrize(
    ("name", "column", "value", "words"),
    [
        ("cases", "state", "suspended", "(case.reinstated), the newest that names it"),
        ("flags", "observed", 15, "was changed since"),
        ("determinations", "at", "2026-03-10T00:00:00.000000Z", "was changed since"),
        ("approvals", "at", "2026-03-10T00:00:00.000000Z", "was changed since"),
        ("measures", "ordered_at", "2026-03-10T00:00:00.000000Z", "no approver's approval is on record"),
        ("measures", "kind", "suspend_all_access", "than what was approved"),
        ("approvals", "proposal_sha256", "0" * 64, "another version of the proposal"),
        ("personal_texts", "body", "Nothing happened.", "do not match its sha256"),
        ("notice_attempts", "evidence", "250 OK", "does not match its evidence_sha256"),
    ],
)
def test_records_that_contradict_the_log_or_each_other_are_faults(
    bundle: dict[str, bytes], name: str, column: str, value: object, words: str
) -> None:
    faults = verify(a_change(bundle, f"records/{name}.json", set_field(column, value))).faults
    assert any(words in fault for fault in faults), faults


def test_an_approver_who_took_part_is_a_fault(bundle: dict[str, bytes]) -> None:
    rita = next(
        row["id"] for row in json.loads(bundle["records/users.json"]) if row["fields"]["name"] == "rita"
    )
    faults = verify(a_change(bundle, "records/approvals.json", set_field("by_user_id", rita))).faults
    assert any("took part" in fault for fault in faults), faults
    assert any("rita determined the fraud" in fault for fault in faults), faults


def test_an_approver_who_had_lately_edited_the_contract_is_a_fault(bundle: dict[str, bytes]) -> None:
    approver = json.loads(bundle["records/approvals.json"])[0]["fields"]["by_user_id"]

    def edited(rows: list[dict[str, object]]) -> None:
        part = {"user_id": approver, "part": "edited_contract", "tenant_id": "acme", "case_id": None}
        when = {"at": "2026-03-01T00:00:00.000000Z", "recorded_at": "2026-03-01T00:00:00.000000Z"}
        rows.append({"id": "x", "fields": part | when, "documents": {}})

    faults = verify(a_change(bundle, "records/participations.json", edited)).faults
    assert any("edited the tenant's addresses or terms" in fault for fault in faults), faults


def test_a_file_removed_or_added_is_a_fault_by_name(bundle: dict[str, bytes]) -> None:
    without = {name: content for name, content in bundle.items() if name != "records/approvals.json"}
    assert any("records/approvals.json" in fault for fault in verify(packed(without)).faults)
    faults = verify(packed(bundle | {"records/extra.json": b"[]"})).faults
    assert any("records/extra.json: not listed" in fault for fault in faults)
    assert verify(forged(without)).faults
    assert verify(forged(bundle | {"records/extra.json": b"[]"})).faults


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b"[1]", b'[{"id":1}]', b"{", b"[" * 100_000, b"\xff"]
)
@pytest.mark.parametrize(
    "name", ["records/proposals.json", "records/cases.json", MANIFEST, AUDIT, "timeline.json"]
)
def test_a_file_of_another_form_is_a_fault_and_never_a_traceback(
    bundle: dict[str, bytes], name: str, content: bytes
) -> None:
    assert verify(packed(bundle | {name: content})).faults
    if name not in (MANIFEST, AUDIT):
        assert verify(forged_with_log(bundle | {name: content})).faults


def test_the_readme_tells_how_to_verify_with_nothing_of_ours(
    bundle: dict[str, bytes], tmp_path: Path
) -> None:
    for name, content in bundle.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    checked = subprocess.run(
        ["sha256sum", "-c", SUMS], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert checked.stdout.count(": OK") == len(bundle) - 3
    program = textwrap.dedent(
        bundle["README.txt"].decode().split("In Python:\n")[1].split("2. The files and the log")[0]
    )
    said = io.StringIO()
    before = os.getcwd()
    os.chdir(tmp_path)
    try:
        with contextlib.redirect_stdout(said):
            exec(program, {})
    finally:
        os.chdir(before)
    assert said.getvalue().strip() == json.loads(bundle[MANIFEST])["chain"]["head_sha256"]
    last = json.loads(bundle[AUDIT].splitlines()[-1])
    assert last["entry"]["content"]["sha256sums_sha256"] == sha256_hex(bundle[SUMS])


def test_what_is_no_bundle_is_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "x.zip"
    with pytest.raises(BadInputError, match="cannot be read"):
        verify_file(file)
    file.write_bytes(b"PK")
    assert "zip" in verify_file(file).faults[0]
    file.write_bytes(packed({"a.txt": b"x"}))
    assert any("missing" in fault for fault in verify_file(file).faults)


def test_a_bundle_of_the_second_format_still_verifies_and_says_what_it_cannot_show() -> None:
    files = files_of(FORMAT_2)
    found = verify_file(FORMAT_2)
    assert found.faults == ()
    assert found.key_id is not None
    assert ["its manifest is not signed" in note for note in found.notes] == [True]
    for name in sorted(files)[::6]:
        assert not verify(packed(files | {name: files[name][:-2] + b"x\n"})).holds, name


def test_a_bundle_of_the_first_format_still_verifies_and_no_change_in_it_goes_unseen() -> None:
    files = files_of(FORMAT_1)
    assert verify_file(FORMAT_1).faults == ()
    for name in files:
        assert not verify(packed(files | {name: files[name][:-2] + b"x\n"})).holds, name
    texts = files["records/personal_texts.json"].replace(b"Premium", b"Ordinary")
    assert any(
        "do not match its sha256" in fault
        for fault in verify(packed(files | {"records/personal_texts.json": texts})).faults
    )
