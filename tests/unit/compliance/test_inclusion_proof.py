from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.audit.chain import GENESIS, Link, body_digest, entry_digest
from cjp_fraud.audit.row_digests import NamedRow
from cjp_fraud.compliance.inclusion_proof import proof_lines, read_proof
from cjp_fraud.digests import digest

START = datetime(2026, 1, 1, tzinfo=UTC)


ROWS = [
    [{"table": "cases", "id": "case-1", "sha256": "a" * 64}],
    [{"table": "flags", "id": f"flag-{number}", "sha256": f"{number}" * 64} for number in (1, 2)],
    [{"table": "cases", "id": "case-3", "sha256": "c" * 64}],
    [],
    [],
]
"""What each entry of the chain names: the second, of no case, rows of two cases."""


def a_chain(cases: list[str | None]) -> list[Link]:
    links: list[Link] = []
    previous = GENESIS
    for sequence, case_id in enumerate(cases, start=1):
        fields = (
            sequence,
            START + timedelta(minutes=sequence),
            START + timedelta(minutes=sequence, seconds=1),
            None,
            "system:test",
            "case.opened",
            "cases",
            f"subject-{sequence}",
            case_id,
            {"secret": f"tenant-{sequence}", "share": 0.25},
        )
        rows = ROWS[sequence - 1]
        unlinked = Link(*fields, rows, "", previous, "")
        body = body_digest(unlinked, [digest(row) for row in rows])
        links.append(replace(unlinked, body_sha256=body, entry_sha256=entry_digest(previous, body)))
        previous = links[-1].entry_sha256
    return links


CHAIN = a_chain(["mine", None, "other", "mine", "other"])
LINES = proof_lines(CHAIN, "mine", {("flags", "flag-2")})


def test_the_whole_chain_is_recomputed_from_one_cases_entries() -> None:
    proof = read_proof(LINES, "mine")
    assert proof.faults == ()
    assert (proof.count, proof.head_sha256) == (5, CHAIN[-1].entry_sha256)
    assert [entry.sequence for entry in proof.of_case("mine")] == [1, 4]


def test_of_other_entries_nothing_but_number_and_digest_is_shown() -> None:
    shown = [json.loads(line) for line in LINES.splitlines()]
    assert [sorted(shown[place]) for place in (2, 4)] == [["body_sha256", "sequence"]] * 2
    assert b"tenant-3" not in LINES


def test_an_entry_of_no_case_is_shown_with_the_rows_of_this_case_alone() -> None:
    [entry] = [entry for entry in read_proof(LINES, "mine").entries if entry.case_id is None]
    assert entry.rows == (NamedRow("flags", "flag-2", "2" * 64),)
    assert b"flag-1" not in LINES


def test_a_row_that_an_entry_does_not_name_cannot_be_put_beside_it() -> None:
    forged = LINES.replace(b'"id":"flag-2"', b'"id":"flag-9"')
    assert any("does not cover" in fault for fault in read_proof(forged, "mine").faults)


@given(st.permutations(range(5)).filter(lambda order: order != list(range(5))))
def test_entries_in_another_order_are_seen(order: list[int]) -> None:
    lines = LINES.splitlines(keepends=True)
    assert read_proof(b"".join(lines[place] for place in order), "mine").faults


@given(st.integers(0, 4))
def test_an_entry_that_was_taken_out_is_seen(place: int) -> None:
    lines = LINES.splitlines(keepends=True)
    proof = read_proof(b"".join(lines[:place] + lines[place + 1 :]), "mine")
    assert proof.faults or proof.count < len(CHAIN)
    assert proof.head_sha256 != CHAIN[-1].entry_sha256


@given(st.integers(0, len(LINES) - 1), st.integers(1, 255))
def test_no_byte_of_the_chain_can_change_unseen(place: int, change: int) -> None:
    changed = bytearray(LINES)
    changed[place] ^= change
    try:
        proof = read_proof(bytes(changed), "mine")
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    # A byte of white space between lines carries nothing; the digest of the file sees that one.
    same = (proof.count, proof.head_sha256) == (5, CHAIN[-1].entry_sha256)
    assert proof.faults or not same or chr(changed[place]).isspace()


def test_an_entry_of_another_case_that_is_shown_whole_is_a_fault() -> None:
    assert any(
        "another case" in fault for fault in read_proof(proof_lines(CHAIN, "other", set()), "mine").faults
    )


@pytest.mark.parametrize("line", [b"[]", b"{}", b"null", b'{"sequence":1,"body_sha256":"xyz"}', b"{"])
def test_what_is_no_entry_is_refused(line: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        read_proof(line, "mine")
