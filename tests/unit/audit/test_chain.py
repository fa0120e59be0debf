from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.audit.chain import GENESIS, Link, body_digest, entry_digest, faults
from cjp_fraud.digests import digest

START = datetime(2026, 1, 1, tzinfo=UTC)


def a_chain(length: int) -> list[Link]:
    links: list[Link] = []
    previous = GENESIS
    for sequence in range(1, length + 1):
        fields = (
            sequence,
            START + timedelta(minutes=sequence),
            "system:test",
            "case.opened",
            "cases",
            f"case-{sequence}",
            None,
            {"n": sequence},
        )
        rows = [{"table": "cases", "id": f"case-{sequence}", "sha256": "a" * 64}]
        body = body_digest(*fields, [digest(row) for row in rows])
        links.append(Link(*fields, rows, body, previous, entry_digest(previous, body)))
        previous = links[-1].entry_sha256
    return links


CHANGES = st.sampled_from(
    [
        {"at": START},
        {"actor": "somebody"},
        {"action": "case.closed"},
        {"subject_type": "flags"},
        {"subject_id": "another"},
        {"case_id": "x"},
        {"content": {"n": -1}},
        {"rows": []},
        {"rows": [{"table": "cases", "id": "case-1", "sha256": "b" * 64}]},
        {"previous_sha256": "f" * 64},
        {"body_sha256": "f" * 64},
        {"entry_sha256": "f" * 64},
    ]
)


@given(st.integers(1, 12))
def test_an_untouched_chain_holds(length: int) -> None:
    assert faults(a_chain(length)) == []


@given(st.integers(1, 12), st.data(), CHANGES)
def test_any_change_of_any_field_of_any_entry_is_found(
    length: int, data: st.DataObject, change: dict[str, object]
) -> None:
    links = a_chain(length)
    place = data.draw(st.integers(0, length - 1))
    links[place] = replace(links[place], **change)  # type: ignore[arg-type]
    assert faults(links)


@given(st.integers(2, 12), st.data())
def test_an_entry_taken_out_of_the_middle_is_found(length: int, data: st.DataObject) -> None:
    links = a_chain(length)
    del links[data.draw(st.integers(0, length - 2))]
    assert faults(links)


@given(st.integers(2, 12), st.data())
def test_a_changed_entry_with_its_own_digests_made_right_again_is_found(
    length: int, data: st.DataObject
) -> None:
    links = a_chain(length)
    place = data.draw(st.integers(0, length - 2))
    forged = replace(links[place], actor="forger")
    body = body_digest(
        forged.sequence,
        forged.at,
        forged.actor,
        forged.action,
        forged.subject_type,
        forged.subject_id,
        None,
        forged.content,
        [digest(row) for row in forged.rows],
    )
    links[place] = replace(forged, body_sha256=body, entry_sha256=entry_digest(forged.previous_sha256, body))
    assert any(f"entry {place + 2}" in fault for fault in faults(links))
