"""Whatever is changed in a signed bundle is reported: which file, and what differs."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cjp_fraud.audit.head_keys import PrivateKey
from cjp_fraud.compliance.archive import opened, packed
from cjp_fraud.compliance.manifest import FORMAT_2, MANIFEST, SIGNATURE
from cjp_fraud.compliance.verification import verify
from tests.integration.compliance.two_editions import TwoEditions
from tests.thoroughness import examples


@pytest.fixture(scope="module")
def bundle(editions: TwoEditions) -> bytes:
    return editions.disclosable.read_bytes()


def starts(bundle: bytes) -> list[tuple[int, str]]:
    """Return where each member's header begins."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return [(member.header_offset, member.filename) for member in archive.infolist()]


@pytest.mark.thorough
@settings(
    max_examples=examples(4, 80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_every_changed_byte_is_reported_with_its_file(
    bundle: bytes, editions: TwoEditions, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(bundle) - 1))
    changed = bytearray(bundle)
    changed[place] ^= data.draw(st.integers(1, 255))
    faults = verify(bytes(changed), [editions.key]).faults
    assert faults
    of_members = [name for start, name in starts(bundle) if start <= place]
    directory = bundle.rindex(b"PK\x01\x02", 0, bundle.index(b"PK\x05\x06"))
    if place < bundle.index(b"PK\x01\x02"):
        assert any(of_members[-1] in fault or f"byte {place}" in fault for fault in faults), (
            place,
            faults[:4],
        )
    elif place < directory:
        assert faults[0], place


def test_the_form_of_the_archive_leaves_no_byte_free(bundle: bytes) -> None:
    for place in range(0, len(bundle), 4001):
        changed = bytearray(bundle)
        changed[place] ^= 0x10
        assert opened(bytes(changed)).faults, place


@pytest.mark.parametrize("name", ["records/flags.json", "summary.pdf", MANIFEST, SIGNATURE, "public_key.pem"])
def test_of_one_changed_byte_it_is_said_which_and_what_it_was(
    bundle: bytes, editions: TwoEditions, name: str
) -> None:
    files = opened(bundle).files
    place = len(files[name]) // 2
    at = bundle.index(files[name]) + place
    changed = bytearray(bundle)
    changed[at] ^= 0x04
    faults = verify(bytes(changed), [editions.key]).faults
    was, now = files[name][place], files[name][place] ^ 0x04
    found = [fault for fault in faults if fault.startswith(f"{name}: byte {place} (in line ")]
    assert len(found) == 1, faults
    assert f"0x{now:02x}" in found[0]
    assert f"was 0x{was:02x}" in found[0]


def with_second_directory(bundle: bytes) -> bytes:
    end = bundle.index(b"PK\x05\x06")
    directory = bundle[bundle.index(b"PK\x01\x02") : end]
    return bundle[:end] + directory + bundle[end:]


def with_extra_field(bundle: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive, zipfile.ZipFile(out, "w") as other:
        for member in archive.infolist():
            copy = zipfile.ZipInfo(member.filename, member.date_time)
            copy.external_attr, copy.create_system = member.external_attr, member.create_system
            copy.extra = b"\xfe\xca\x04\x00\x01\x02\x03\x04" if member.filename == "README.txt" else b""
            other.writestr(copy, archive.read(member))
    return out.getvalue()


def with_comment(bundle: bytes) -> bytes:
    return bundle[:-2] + (5).to_bytes(2, "little") + b"hello"


def reordered(bundle: bytes) -> bytes:
    files = list(opened(bundle).files.items())
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as other:
        for name, content in [files[1], files[0], *files[2:]]:
            copy = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            copy.external_attr, copy.create_system = 0o100644 << 16, 3
            other.writestr(copy, content)
    return out.getvalue()


def without(bundle: bytes) -> bytes:
    return packed(
        {name: content for name, content in opened(bundle).files.items() if name != "contract.json"}
    )


def added(bundle: bytes) -> bytes:
    return packed({**opened(bundle).files, "records/zz.json": b"[]\n"})


def renamed(bundle: bytes) -> bytes:
    files = dict(opened(bundle).files)
    files["receipts2.json"] = files.pop("receipts.json")
    return packed(files)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (with_second_directory, "too long"),
        (with_extra_field, "too long"),
        (with_comment, "length of the comment at its end"),
        (reordered, "in another order"),
        (without, "contract.json: listed in the manifest, but not there; it was removed"),
        (added, "records/zz.json: not listed in the manifest; it was added"),
        (renamed, "receipts.json: is now called receipts2.json; it was renamed"),
        (lambda bundle: bundle + b"\n", "bytes stand behind its end"),
        (lambda bundle: b"\n" + bundle, "bytes stand before its beginning"),
        (lambda bundle: bundle[:-1], "too short"),
    ],
    ids=[
        *("second directory", "extra field", "comment", "reordered", "removed", "added", "renamed"),
        *("trailing", "leading", "cut off"),
    ],
)
def test_every_other_change_is_named(
    bundle: bytes, editions: TwoEditions, change: Callable[[bytes], bytes], words: str
) -> None:
    faults = verify(change(bundle), [editions.key]).faults
    assert any(words in fault for fault in faults), faults


def test_a_manifest_made_new_is_not_signed_by_the_key_that_was_kept(
    bundle: bytes, editions: TwoEditions
) -> None:
    files = dict(opened(bundle).files)
    forger = PrivateKey(Ed25519PrivateKey.generate())
    manifest = json.loads(files[MANIFEST])
    manifest["signed_with"] = forger.key_id
    content = json.dumps(manifest).encode()
    forged = packed(files | {MANIFEST: content, SIGNATURE: forger.sign(content)})
    assert any("the key that counts is" in fault for fault in verify(forged, [editions.key]).faults)
    kept = packed(files | {MANIFEST: content, SIGNATURE: files[SIGNATURE]})
    assert any("the key that counts is" in fault for fault in verify(kept, [editions.key]).faults)


def test_a_missing_signature_is_missed(bundle: bytes, editions: TwoEditions) -> None:
    unsigned = {name: content for name, content in opened(bundle).files.items() if name != SIGNATURE}
    assert any(
        f"{SIGNATURE}: is missing" in fault for fault in verify(packed(unsigned), [editions.key]).faults
    )


def test_a_bundle_that_says_it_is_of_an_older_format_is_told_by_the_log(
    bundle: bytes, editions: TwoEditions
) -> None:
    files = {name: content for name, content in opened(bundle).files.items() if name != SIGNATURE}
    manifest = json.loads(files[MANIFEST]) | {"format": FORMAT_2, "signed_with": None}
    faults = verify(packed(files | {MANIFEST: json.dumps(manifest).encode()}), [editions.key]).faults
    assert any("and the log recorded cjp-fraud-evidence-3" in fault for fault in faults), faults
