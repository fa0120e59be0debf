"""Digests of rows are put together from parts: they are those of the whole document, whatever the row holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.audit.row_digests import ERASABLE, NamedRow, row_digest
from cjp_fraud.digests import digest, sha256_hex

NAMES = st.text(max_size=8)
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | NAMES
FIELDS = st.dictionaries(NAMES | st.sampled_from(["message", "body"]), VALUES, max_size=4)
DOCUMENTS = st.dictionaries(st.sampled_from(["message", "document", "évidence"]), st.binary(max_size=4))


@given(st.sampled_from(["notices", "personal_texts", "tenants", 'a"b']), NAMES, FIELDS, DOCUMENTS)
def test_the_digest_of_a_row_is_that_of_its_document(
    table: str, key: str, fields: dict[str, object], documents: dict[str, bytes]
) -> None:
    erasable = ERASABLE.get(table, {})
    document = {
        "table": table,
        "id": key,
        "fields": {
            name: value for name, value in fields.items() if value is not None and name not in erasable
        },
        "documents": {
            name: sha256_hex(content) for name, content in documents.items() if name not in erasable
        },
    }
    assert row_digest(table, key, fields, documents) == digest(document)


@given(NAMES, NAMES, NAMES)
def test_what_stands_for_a_row_in_an_entry_is_the_digest_of_how_the_entry_names_it(
    table: str, key: str, sha256: str
) -> None:
    row = NamedRow(table, key, sha256)
    assert row.leaf_sha256 == digest(row.document)
