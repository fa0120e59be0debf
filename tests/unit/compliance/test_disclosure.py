from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.audit.row_digests import Record, record_digest
from cjp_fraud.compliance.disclosure import WITHHELD, Disclosure, differences, row_differences
from cjp_fraud.compliance.protected_words import ProtectedWords
from cjp_fraud.digests import canonical_json

PROTECTED = ProtectedWords(
    names=frozenset({"rita", "Rita Smith", "rita@provider.example", "voice"}),
    tenants=frozenset({"globex", "globex-2", "eu"}),
    texts=frozenset({"Calls to premium numbers.", "ok"}),
    own=frozenset({"acme-eu", "rita@acme-eu.example"}),
    vocabulary=frozenset({"voice"}),
)
DISCLOSURE = Disclosure(b"s" * 32, PROTECTED)

WORDS = st.sampled_from(["rita", "ask RITA.", "globex", "file globex-2.csv", "plain", "voice", "acme-eu"])
LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | WORDS
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "threshold", "p_value", "reasons"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_names_are_found_as_words_of_their_own_in_any_case() -> None:
    for text in ("rita", "by Rita, today", "entered-by-rita.csv", "RITA’s", "mail rita@provider.example"):
        assert PROTECTED.found_in(text) is not None, text
    for text in ("merita", "margaritas", "ritalin", "voice", "to rita@acme-eu.example", "acme-eu", "ok"):
        assert PROTECTED.found_in(text) is None, text


def test_other_tenants_are_found_whole_and_inside_file_names_and_not_inside_words() -> None:
    for text in ("globex", "globex.csv line 3", "see globex-2", "x/globex-2.json"):
        assert PROTECTED.found_in(text) is not None, text
    assert PROTECTED.found_in("globexian") is None


@given(st.dictionaries(st.sampled_from(["x", "y", "threshold"]), DOCUMENTS, max_size=4))
def test_nothing_protected_is_left_and_both_say_the_same(document: dict[str, Any]) -> None:
    shown = DISCLOSURE.document(document, "place")
    text = json.dumps(shown)
    assert "globex" not in text
    assert "rita" not in text.lower()
    assert not any("threshold" in inner for inner in _mappings(shown))
    assert list(differences(document, shown, "place", b"s" * 32)) == []


@given(st.integers(0, 99), st.integers(0, 99))
def test_another_value_behind_a_digest_is_found(one: int, other: int) -> None:
    shown = DISCLOSURE.document({"threshold": one, "open": 1}, "place")
    found = list(differences({"threshold": other, "open": 1}, shown, "place", b"s" * 32))
    assert (found == []) == (one == other)


def test_the_same_value_has_another_digest_at_another_place_and_with_another_secret() -> None:
    here = DISCLOSURE.document({"threshold": 2.4}, "here")
    digests = {
        here[WITHHELD]["sha256"],
        DISCLOSURE.document({"threshold": 2.4}, "there")[WITHHELD]["sha256"],
        Disclosure(b"t" * 32, PROTECTED).document({"threshold": 2.4}, "here")[WITHHELD]["sha256"],
    }
    assert len(digests) == 3


def test_a_row_keeps_the_digest_that_the_log_names_and_its_documents_are_cut() -> None:
    frozen = canonical_json({"flags": [{"p_value": 0.1, "threshold": 2.4, "observed": 3}]})
    row = Record("evidence_sets", "1", {"id": "1", "occasion": "by rita"}, {"document": frozen})
    shown = DISCLOSURE.shown(row)
    assert shown.digest == record_digest(row)
    assert shown.record.fields == {"id": "1"}
    assert json.loads(shown.record.documents["document"])["flags"][0]["observed"] == 3
    assert b"2.4" not in shown.record.documents["document"]
    assert list(row_differences(row, shown, b"s" * 32)) == []
    other = Record("evidence_sets", "1", {"id": "1", "occasion": "by cora"}, {"document": frozen})
    assert list(row_differences(other, shown, b"s" * 32))


def test_a_text_is_withheld_with_its_salt_and_its_row_can_still_be_computed() -> None:
    fields = {"id": "7", "body": "words", "salt": "ab" * 16, "sha256": "00" * 32, "erased_at": None}
    shown = DISCLOSURE.shown(Record("personal_texts", "7", fields))
    assert set(shown.record.fields) == {"id", "sha256", "erased_at"}
    assert record_digest(shown.record) == record_digest(Record("personal_texts", "7", fields))
    own = Disclosure(b"s" * 32, PROTECTED, frozenset({"7"})).shown(Record("personal_texts", "7", fields))
    assert own.withheld is None


def test_bytes_that_are_no_json_and_hold_a_name_are_not_shown_at_all() -> None:
    row = Record("notices", "1", {"id": "1"}, {"message": b"Subject: x\r\n\r\nAsk Rita.\r\n"})
    assert DISCLOSURE.shown(row).record.documents == {}
    plain = Record("notices", "1", {"id": "1"}, {"message": b"Subject: x\r\n\r\nAsk us.\r\n"})
    assert DISCLOSURE.shown(plain).withheld is None


def _mappings(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value, *(inner for item in value.values() for inner in _mappings(item))]
    return [inner for item in value for inner in _mappings(item)] if isinstance(value, list) else []
