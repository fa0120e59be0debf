from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from cjp_fraud.audit.row_digests import Record
from cjp_fraud.audit.texts import salted_digest
from cjp_fraud.compliance.story import Entry, Moves, Parts, Story
from cjp_fraud.digests import sha256_hex

BYTES = b'{"measure":"suspend_channel"}'
TEXT_DIGEST = salted_digest("salt", "Premium numbers at night.")


def an_entry(sequence: int, action: str, content: Mapping[str, Any], **changes: Any) -> Entry:
    made = Entry(sequence, "2026-01-01T00:00:00.000000Z", "u1", action, "cases", "c1", "c1", content)
    return replace(made, **changes)


ENTRIES = (
    an_entry(1, "case.opened", {"state": "open"}, actor="system:detect"),
    an_entry(2, "case.commented", {"text_id": "t1", "text_sha256": TEXT_DIGEST}),
    an_entry(
        3,
        "case.determined",
        {
            "from": "open",
            "to": "determined",
            "determination_id": "d1",
            "finding": "fraudulent",
            "reasons_sha256": TEXT_DIGEST,
            "proposal_id": "p1",
            "proposal_sha256": sha256_hex(BYTES),
        },
    ),
)

CASE = Record("cases", "c1", {"id": "c1", "state": "determined"})
COMMENT = Record("case_comments", "m1", {"by_user_id": "u1", "text_id": "t1"})
DETERMINATION = Record(
    "determinations", "d1", {"finding": "fraudulent", "by_user_id": "u1", "reasons_text_id": "t1"}
)
PROPOSAL = Record(
    "proposals", "p1", {"sha256": sha256_hex(BYTES), "determined_by": "u1"}, {"document": BYTES}
)
TEXT = Record(
    "personal_texts", "t1", {"body": "Premium numbers at night.", "salt": "salt", "sha256": TEXT_DIGEST}
)
RECORDS = (CASE, COMMENT, DETERMINATION, PROPOSAL, TEXT)


def faults(records: tuple[Record, ...] = RECORDS, entries: tuple[Entry, ...] = ENTRIES) -> list[str]:
    story = Story()
    for entry in entries:
        story.add(entry)
    return list(story.faults(records))


def changed(record: Record, **fields: Any) -> tuple[Record, ...]:
    return tuple(replace(row, fields={**row.fields, **fields}) if row is record else row for row in RECORDS)


def test_records_that_the_log_tells_of_have_no_fault() -> None:
    assert faults() == []


@pytest.mark.parametrize("gone", RECORDS, ids=lambda record: record.table)
def test_a_row_that_was_removed_is_missed(gone: Record) -> None:
    assert any("removed" in fault for fault in faults(tuple(row for row in RECORDS if row is not gone)))


@pytest.mark.parametrize("missing", [2, 3])
def test_a_row_whose_entry_was_removed_at_the_tail_is_seen(missing: int) -> None:
    assert any("has no entry" in fault for fault in faults(entries=ENTRIES[: missing - 1]))


def test_a_state_that_no_entry_gave_is_seen() -> None:
    assert any(
        "'suspended'" in fault and "'determined'" in fault
        for fault in faults(changed(CASE, state="suspended"))
    )


def test_a_finding_other_than_the_logs_is_seen() -> None:
    assert any("finding" in fault for fault in faults(changed(DETERMINATION, finding="not_fraudulent")))


def test_another_author_than_the_logs_is_seen() -> None:
    assert any("u2 made it" in fault for fault in faults(changed(DETERMINATION, by_user_id="u2")))


def test_changed_bytes_are_seen_even_with_their_digest_made_new() -> None:
    other = replace(
        PROPOSAL, fields={**PROPOSAL.fields, "sha256": sha256_hex(b"{}")}, documents={"document": b"{}"}
    )
    assert any("no entry" in fault for fault in faults((CASE, COMMENT, DETERMINATION, other, TEXT)))


def test_changed_words_are_seen() -> None:
    assert any("does not match" in fault for fault in faults(changed(TEXT, body="Nothing to see.")))


def test_an_erased_text_keeps_the_story_whole() -> None:
    assert faults(changed(TEXT, body=None, salt=None)) == []


def test_words_that_were_exchanged_for_others_on_record_are_seen() -> None:
    other = Record("personal_texts", "t2", {"body": "b", "salt": "s", "sha256": salted_digest("s", "b")})
    elsewhere = an_entry(4, "case.commented", {"text_id": "t2", "text_sha256": other.fields["sha256"]})
    found = faults((*changed(DETERMINATION, reasons_text_id="t2"), other), (*ENTRIES, elsewhere))
    assert any("exchanged" in fault for fault in found)


def test_a_case_that_moves_from_where_it_did_not_stand_is_seen() -> None:
    moves = Moves()
    for entry in (*ENTRIES, an_entry(4, "case.suspended", {"from": "suspending", "to": "suspended"})):
        moves.add(entry)
    assert len(moves.faults) == 1
    assert "suspending" in moves.faults[0]


def test_who_took_part_must_be_on_record_and_nobody_else() -> None:
    parts = Parts()
    for entry in ENTRIES:
        parts.add(entry)
    took = Record("participations", "x", {"user_id": "u1", "tenant_id": "acme", "case_id": "c1"})
    stranger = Record("participations", "y", {"user_id": "u9", "tenant_id": "acme", "case_id": "c1"})
    assert list(parts.faults([took])) == []
    assert len(list(parts.faults([]))) == 1
    assert len(list(parts.faults([took, stranger]))) == 1


def test_what_the_platform_has_on_its_own_need_not_be_on_record() -> None:
    entry = an_entry(
        4, "platform.disagrees", {"kind": "not_on_record"}, subject_type="measures", subject_id="unknown"
    )
    assert faults(entries=(*ENTRIES, entry)) == []
