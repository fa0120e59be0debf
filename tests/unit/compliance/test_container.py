from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.compliance.archive import opened, packed
from cjp_fraud.errors import BadInputError

FILES = {
    "README.txt": b"read me\n",
    "records/cases.json": b"[]\n",
    "notices/1.eml": b"Subject: x\r\n\r\nbody",
}


def a_zip(members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def test_the_same_files_give_the_same_bytes_in_any_order() -> None:
    assert packed(FILES) == packed(dict(reversed(FILES.items())))


def test_what_was_packed_is_read_back_without_fault() -> None:
    unpacked = opened(packed(FILES))
    assert unpacked.faults == ()
    assert unpacked.files == FILES


@given(st.integers(0, len(packed(FILES)) - 1), st.integers(1, 255))
def test_no_byte_of_the_archive_can_change_unseen(place: int, change: int) -> None:
    changed = bytearray(packed(FILES))
    changed[place] ^= change
    unpacked = opened(bytes(changed))
    assert unpacked.faults or unpacked.files != FILES
    assert unpacked.faults or packed(unpacked.files) == bytes(changed), "a changed file is left to its digest"


@given(st.integers(0, len(packed(FILES)) - 1))
def test_an_archive_that_was_cut_off_is_no_bundle(length: int) -> None:
    assert opened(packed(FILES)[:length]).faults


@pytest.mark.parametrize(
    "container",
    [
        b"",
        b"no zip at all",
        b"junk" + packed(FILES),
        packed(FILES) + b"junk",
        a_zip([("../evil.txt", b"x")]),
        a_zip([("/etc/passwd", b"x")]),
        a_zip([("folder\\file", b"x")]),
        a_zip([("a/../b", b"x")]),
        a_zip([("bomb.json", b"0" * 10_000_000)], zipfile.ZIP_DEFLATED),
        a_zip(list(FILES.items())),
    ],
    ids=[
        "empty",
        "text",
        "prefixed",
        "suffixed",
        "up",
        "absolute",
        "backslash",
        "inside up",
        "bomb",
        "zipped anew",
    ],
)
def test_another_form_of_archive_is_refused_in_words(container: bytes) -> None:
    assert opened(container).faults


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_stands_in_the_archive_twice_is_refused() -> None:
    assert "more than once" in opened(a_zip([("a.txt", b"1"), ("a.txt", b"2")])).faults[0]


def test_an_archive_that_claims_to_be_huge_is_read_as_far_as_it_goes_and_named() -> None:
    container = bytearray(packed({"a.txt": b"1"}))
    for directory in (container.index(b"PK\x01\x02") + 20, container.index(b"PK\x03\x04") + 18):
        container[directory : directory + 8] = b"\xff\xff\xff\x7f" * 2
    unpacked = opened(bytes(container))
    assert unpacked.files == {}
    assert "a.txt" in unpacked.faults[0]
    assert "nothing was read" in unpacked.faults[0]


def test_a_name_that_could_not_be_verified_is_never_packed() -> None:
    with pytest.raises(BadInputError, match="names"):
        packed({"../evil": b""})
