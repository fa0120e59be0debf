from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.compliance.changed_byte import changed_byte


@given(st.binary(min_size=1, max_size=400), st.data())
def test_a_single_changed_byte_is_found_with_what_it_was(original: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(original) - 1))
    changed = bytearray(original)
    changed[place] ^= data.draw(st.integers(1, 255))
    found = changed_byte(bytes(changed), zlib.crc32(original), lambda content: content == original)
    assert found is not None
    assert (found.place, found.was, found.found) == (place, original[place], changed[place])
    assert found.line == bytes(changed[:place]).count(b"\n") + 1


@given(st.binary(min_size=2, max_size=100))
def test_more_than_one_changed_byte_is_never_taken_for_one(original: bytes) -> None:
    changed = bytes([original[0] ^ 1, original[1] ^ 1]) + original[2:]
    assert changed_byte(changed, zlib.crc32(original), lambda content: content == original) is None


def test_what_was_not_changed_is_no_change() -> None:
    assert changed_byte(b"abc", zlib.crc32(b"abc"), None) is None


def test_without_a_digest_one_answer_alone_counts() -> None:
    found = changed_byte(b"abX", zlib.crc32(b"abc"), None)
    assert found is not None
    assert found.words == "byte 2 (in line 1) is 0x58 'X' and was 0x63 'c'"
