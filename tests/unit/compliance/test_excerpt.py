from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.audit.chain import GENESIS, Link, body_digest, entry_digest
from cjp_fraud.compliance.inclusion_proof import excerpt_lines, read_excerpt

START = datetime(2026, 1, 1, tzinfo=UTC)


def a_chain(cases: list[str | None]) -> list[Link]:
    links: list[Link] = []
    previous = GENESIS
    for sequence, case_id in enumerate(cases, start=1):
        fields = (
            sequence,
            START + timedelta(minutes=sequence),
            "system:test",
            "case.opened",
            "cases",
            f"subject-{sequence}",
            case_id,
            {"secret": f"tenant-{sequence}", "share": 0.25},
        )
        body = body_digest(*fields, [])
        links.append(Link(*fields, [], body, previous, entry_digest(previous, body)))
        previous = links[-1].entry_sha256
    return links


CHAIN = a_chain(["mine", None, "other", "mine", "other"])
LINES = excerpt_lines(CHAIN, "mine")


def test_the_whole_chain_is_recomputed_from_one_cases_entries() -> None:
    excerpt = read_excerpt(LINES, "mine")
    assert excerpt.faults == ()
    assert (excerpt.count, excerpt.head_sha256) == (5, CHAIN[-1].entry_sha256)
    assert [entry.sequence for entry in excerpt.entries] == [1, 4]


def test_of_other_entries_nothing_but_number_and_digest_is_shown() -> None:
    shown = [json.loads(line) for line in LINES.splitlines()]
    assert [sorted(line) for line in shown if line["sequence"] in (2, 3, 5)] == [
        ["body_sha256", "sequence"]
    ] * 3
    assert b"tenant-3" not in LINES


@given(st.permutations(range(5)).filter(lambda order: order != list(range(5))))
def test_entries_in_another_order_are_seen(order: list[int]) -> None:
    lines = LINES.splitlines(keepends=True)
    assert read_excerpt(b"".join(lines[place] for place in order), "mine").faults


@given(st.integers(0, 4))
def test_an_entry_that_was_taken_out_is_seen(place: int) -> None:
    lines = LINES.splitlines(keepends=True)
    excerpt = read_excerpt(b"".join(lines[:place] + lines[place + 1 :]), "mine")
    assert excerpt.faults or excerpt.count < len(CHAIN)
    assert excerpt.head_sha256 != CHAIN[-1].entry_sha256


@given(st.integers(0, len(LINES) - 1), st.integers(1, 255))
def test_no_byte_of_the_chain_can_change_unseen(place: int, change: int) -> None:
    changed = bytearray(LINES)
    changed[place] ^= change
    try:
        excerpt = read_excerpt(bytes(changed), "mine")
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    # A byte of white space between lines carries nothing; the digest of the file sees that one.
    same = (excerpt.count, excerpt.head_sha256) == (5, CHAIN[-1].entry_sha256)
    assert excerpt.faults or not same or chr(changed[place]).isspace()


def test_an_entry_of_another_case_that_is_shown_whole_is_a_fault() -> None:
    assert any(
        "another case" in fault for fault in read_excerpt(excerpt_lines(CHAIN, "other"), "mine").faults
    )


@pytest.mark.parametrize("line", [b"[]", b"{}", b"null", b'{"sequence":1,"body_sha256":"xyz"}', b"{"])
def test_what_is_no_entry_is_refused(line: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        read_excerpt(line, "mine")
