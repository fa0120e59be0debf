from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.audit.chain import GENESIS, Link, body_digest, entry_digest, faults
from cjp_fraud.digests import digest

START = datetime(2026, 1, 1, tzinfo=UTC)


def digested(link: Link) -> Link:
    """Return a link with the digests that its fields and the link before it give."""
    body = body_digest(link, [digest(row) for row in link.rows])
    return replace(link, body_sha256=body, entry_sha256=entry_digest(link.previous_sha256, body))


def a_chain(length: int) -> list[Link]:
    links: list[Link] = []
    previous = GENESIS
    for sequence in range(1, length + 1):
        fields = (
            sequence,
            START + timedelta(minutes=sequence),
            START + timedelta(minutes=sequence, seconds=1),
            None,
            "system:test",
            "case.opened",
            "cases",
            f"case-{sequence}",
            None,
            {"n": sequence},
        )
        rows = [{"table": "cases", "id": f"case-{sequence}", "sha256": "a" * 64}]
        links.append(digested(Link(*fields, rows, "", previous, "")))
        previous = links[-1].entry_sha256
    return links


CHANGES = st.sampled_from(
    [
        {"at": START},
        {"recorded_at": START + timedelta(days=1)},
        {"machine_at": START},
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
    links[place] = digested(forged)
    assert any(f"entry {place + 2}" in fault for fault in faults(links))


@given(st.integers(2, 12), st.data())
def test_an_entry_recorded_before_the_one_that_it_follows_is_found(length: int, data: st.DataObject) -> None:
    links = a_chain(length)
    place = data.draw(st.integers(1, length - 1))
    backdated = digested(replace(links[place], at=START, recorded_at=START))
    later = [replace(link) for link in links[place + 1 :]]
    links[place:] = [backdated]
    for link in later:
        links.append(digested(replace(link, previous_sha256=links[-1].entry_sha256)))
    assert faults(links) == [f"entry {place + 1}: was recorded before the entry that it follows"]


@given(st.integers(1, 12), st.data())
def test_an_entry_dated_after_its_recording_is_found(length: int, data: st.DataObject) -> None:
    links = a_chain(length)
    place = length - 1
    later = data.draw(st.integers(6, 10**6))
    links[place] = digested(replace(links[place], at=links[place].recorded_at + timedelta(seconds=later)))
    assert faults(links) == [f"entry {length}: is dated after it was recorded"]
