"""The rule of signed heads: what a signature binds, and how a chain contradicts heads."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.audit.head_keys import PrivateKey, read_public_key
from cjp_fraud.audit.signed_head import (
    SignedHead,
    head_faults,
    is_head_name,
    newest,
    read_signed_head,
    sign_head,
    signature_fault,
)
from cjp_fraud.errors import BadInputError

AT = datetime(2026, 3, 10, 3, 20, tzinfo=UTC)
KEY = PrivateKey(Ed25519PrivateKey.generate())
OTHER = PrivateKey(Ed25519PrivateKey.generate())


def entry(number: int) -> str:
    """Return a digest for an entry."""
    return f"{number:064x}"


def a_head(number: int = 7, *, at: datetime = AT, key: PrivateKey = KEY, digest: str = "") -> SignedHead:
    return sign_head(key, number, digest or entry(number), at, at, simulated_clock=False)


def a_chain(count: int) -> dict[int, str]:
    return {number: entry(number) for number in range(1, count + 1)}


def test_a_head_is_read_back_from_its_file_and_its_signature_fits() -> None:
    signed = read_signed_head(a_head().content)
    assert signed == a_head()
    assert signature_fault(signed, [OTHER.public, KEY.public]) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sequence", 8),
        ("entry_sha256", entry(8)),
        ("recorded_at", AT + timedelta(microseconds=1)),
        ("signed_at", AT + timedelta(microseconds=1)),
        ("simulated_clock", True),
    ],
)
def test_the_signature_binds_every_field(field: str, value: Any) -> None:
    signed = a_head()
    changed = replace(signed, head=replace(signed.head, **{field: value}))
    assert "was changed after it was signed" in (signature_fault(changed, [KEY.public]) or "")


def test_another_key_does_not_sign_in_the_name_of_ours() -> None:
    theirs = a_head(key=OTHER)
    assert "the key was replaced" in (signature_fault(theirs, [KEY.public]) or "")
    named_ours = replace(theirs, head=replace(theirs.head, key_id=KEY.key_id))
    assert "does not fit" in (signature_fault(named_ours, [KEY.public]) or "")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b"\xff\xfe",
        json.dumps({"head": {}, "signature": "00"}).encode(),
        a_head().content.replace(b'"sequence":7', b'"sequence":0'),
        a_head().content.replace(b"signed-head-1", b"signed-head-9"),
        a_head().content.replace(b'"signature"', b'"more":1,"signature"'),
    ],
)
def test_what_is_no_signed_head_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(BadInputError):
        read_signed_head(content)


def test_a_public_key_is_read_back_from_its_file_and_anything_else_is_refused() -> None:
    assert read_public_key(KEY.public.pem) == KEY.public
    for content in (b"", b"x", KEY.public.pem.replace(b"MCow", b"MCox")):
        with pytest.raises(BadInputError):
            read_public_key(content)


def test_names_sort_as_heads_follow_and_are_their_own() -> None:
    heads = [a_head(9), a_head(10), a_head(10, at=AT + timedelta(days=1)), a_head(1_000_000)]
    names = [signed.name for signed in heads]
    assert names == sorted(names)
    assert all(map(is_head_name, names))
    assert len(set(names)) == len(names)
    assert not is_head_name(f".{names[0]}.1234.part")
    assert newest(heads[:3]) == heads[2]
    assert newest([]) is None


def test_a_chain_that_goes_on_contradicts_no_head() -> None:
    assert head_faults([a_head(3), a_head(7), a_head(9)], a_chain(9), 9) == []
    assert head_faults([], {}, 0) == []


@given(st.sets(st.integers(1, 30), min_size=1), st.integers(1, 30), st.integers(1, 40))
def test_heads_at_or_after_a_rewritten_entry_contradict_the_chain_and_no_others(
    signed: set[int], rewritten: int, count: int
) -> None:
    chain = {
        number: digest if number < rewritten else entry(1000 + number)
        for number, digest in a_chain(count).items()
    }
    faults = head_faults([a_head(number) for number in signed], chain, count)
    other = sorted(number for number in signed if rewritten <= number <= count)
    assert any("was written anew" in fault for fault in faults) == bool(other)
    if other:
        assert faults[0].startswith(f"entry {other[0]} has")
        assert (f"({len(other) - 1} later heads contradict it too)" in faults[0]) == (len(other) > 1)
    assert any("removed at its end" in fault for fault in faults) == (max(signed) > count)
