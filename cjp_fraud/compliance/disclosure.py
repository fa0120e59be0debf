"""The disclosable edition: what is withheld in it, what stands in its place, and whether both editions say the same.

In the place of what is withheld stands a digest, SHA-256 of a salt and the canonical JSON of the values. The salts
follow from one secret, which the internal edition holds: with it anybody sees that the two are of the same facts, and
any single value can be opened without the others.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cjp_fraud.audit.row_digests import ERASABLE, Record, record_digest
from cjp_fraud.compliance.letter_text import is_pdf, letter_text, searchable_texts
from cjp_fraud.compliance.protected_words import ProtectedWords
from cjp_fraud.digests import canonical_json, sha256_hex

WITHHELD: Final = "withheld"
"""Name under which a document says what is withheld at this place: ``fields``, and the ``sha256`` of their values."""

_WHOLE_ROWS: Final = frozenset(
    {"model_versions", "model_promotions", "threshold_settings", "shadow_runs", "joint_spikes"}
)
"""Tables of which a disclosable bundle shows nothing but ids."""

_COLUMNS: Final[Mapping[str, frozenset[str]]] = {
    "users": frozenset({"name", "display_name", "salt"}),
    "identities": frozenset({"value"}),
    "reason_profiles": frozenset({"source"}),  # counsel's opinion is between counsel and the provider
}

_NEVER_SHOWN: Final = frozenset({"attachment_contents"})
"""Tables of which a disclosable bundle shows no bytes: files that staff attached. Their digests are shown."""

_OF_A_FLAG: Final = frozenset({"threshold", "model_version", "reasons"})
"""How the detector is set and weighs; the numbers that it found (observed, usual, odds) are shown."""

_SETTINGS: Final = frozenset({"threshold", "thresholds", "clock_thresholds", "parameters", "recipe_version"})
"""Names under which a detector's settings stand wherever they are."""

_SCORE_TABLES: Final = frozenset({"scores", "clock_scores"})
_OPEN_OF_A_SCORE: Final = frozenset(
    {
        *("table", "series_id", "channel", "direction", "application_id", "clock", "lake_version"),
        *("interval_start", "interval_seconds", "span_seconds"),
        *("observed", "baseline", "excess", "span_observed", "span_baseline", "p_value", "flagged"),
    }
)
"""Of a frozen row of scores; the steps of the computation in between are withheld."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A row as a bundle shows it.

    Parameters
    ----------
    record : what is shown of it.
    withheld : what the bundle says of the rest; None: it is shown whole.
    row_sha256 : digest of the whole row, as the log names it; None as above.
    """

    record: Record
    withheld: Mapping[str, Any] | None = None
    row_sha256: str | None = None

    @property
    def digest(self) -> str:
        """The digest of the row: computed where that can be, else as it is stated.

        The digest of a row leaves out what may be erased, so that it can be computed where nothing else is withheld.
        """
        if self.row_sha256 is None or self.record.withheld <= set(ERASABLE.get(self.record.table, ())):
            return record_digest(self.record)
        return self.row_sha256


@dataclass(frozen=True, slots=True)
class Disclosure:
    """How one case is disclosed.

    Parameters
    ----------
    secret : from which the salts follow; the same for each export of a case with the same key.
    open_texts : ids of the texts that are the customer's own words and addresses.
    """

    secret: bytes
    protected: ProtectedWords
    open_texts: frozenset[str] = field(default_factory=frozenset)

    def shown(self, record: Record) -> Shown:
        """Return what is shown of a row."""
        place = f"{record.table}/{record.id}"
        fields = self._document(record.fields, place, self._columns_withheld(record))
        documents, of_documents = dict[str, bytes](), dict[str, str]()
        for column, content in record.documents.items():
            disclosed = self._bytes(record, column, content)
            if disclosed is not None:
                documents[column] = disclosed
            if disclosed != content:
                of_documents[column] = sha256_hex(content)
        note = fields.pop(WITHHELD, None)
        partly = frozenset(name for name, value in fields.items() if value != record.fields[name])
        if note is None and not partly and not of_documents:
            return Shown(record)
        withheld: dict[str, Any] = dict(note or {})
        if of_documents:
            withheld["documents"] = of_documents
        hidden = frozenset(withheld.get("fields", ())) | partly | frozenset(of_documents)
        shown = Record(record.table, record.id, fields, documents, hidden)
        return Shown(shown, withheld, record_digest(record))

    def document(self, document: Any, place: str) -> Any:
        """Return a document that is no row, with what must not be read in it withheld.

        Parameters
        ----------
        place : name of its file; the salts follow from it.
        """
        return self._document(document, place, frozenset())

    def _columns_withheld(self, record: Record) -> frozenset[str]:
        if record.table in _WHOLE_ROWS:
            return frozenset(record.fields) - {"id"}
        if record.table == "personal_texts" and record.id not in self.open_texts:
            return frozenset({"body", "salt"}) if record.fields.get("body") is not None else frozenset()
        return _COLUMNS.get(record.table, frozenset())

    def _bytes(self, record: Record, column: str, content: bytes) -> bytes | None:
        """Return what is shown of bytes; None: nothing."""
        if record.table in _NEVER_SHOWN:
            return None
        place = f"{record.table}/{record.id}/{column}"
        try:
            document = json.loads(content)
        except ValueError:
            return content if self._may_be_read(column, content) else None
        disclosed = self.document(document, place)
        return content if disclosed == document else canonical_json(disclosed)

    def _may_be_read(self, column: str, content: bytes) -> bool:
        """Whether bytes that are no document hold nothing that is protected, as far as they can be searched."""
        if is_pdf(content):
            texts = searchable_texts(content)
            return bool(texts) and all(self.protected.found_in(text) is None for text in texts)
        text = letter_text(content) if column == "message" else ""
        return self.protected.found_in(f"{text}\n{content.decode('utf-8', 'replace')}") is None

    def _document(self, value: Any, place: str, named: frozenset[str]) -> Any:
        if isinstance(value, list):
            return [
                self._document(item, f"{place}/{number}", frozenset()) for number, item in enumerate(value)
            ]
        if not isinstance(value, Mapping):
            return value
        hidden = {
            name for name in value if name in named or name in _detectors(value) or self._tells(value[name])
        }
        shown = {
            name: self._document(item, f"{place}/{name}", frozenset())
            for name, item in value.items()
            if name not in hidden
        }
        if hidden:
            shown[WITHHELD] = _digest_of({name: value[name] for name in hidden}, place, self.secret)
        return shown

    def _tells(self, value: Any) -> bool:
        """Whether a value is a text, or a list that holds one, in which something protected can be read."""
        if isinstance(value, list):
            return any(map(self._tells, value))
        return isinstance(value, str) and self.protected.found_in(value) is not None


def without_notes(record: Record) -> Record:
    """Return a row without what is said of what is withheld, so that it can be read like any other row."""
    if not record.withheld:
        return record
    documents = {
        column: canonical_json(_bare(json.loads(content))) if column in record.withheld else content
        for column, content in record.documents.items()
    }
    return replace(record, fields=_bare(record.fields), documents=documents)


def _bare(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _bare(item) for name, item in value.items() if name != WITHHELD}
    return [_bare(item) for item in value] if isinstance(value, list) else value


def differences(full: Any, disclosed: Any, place: str, secret: bytes) -> Iterator[str]:
    """Yield where a disclosed document does not say the same as the full one, what is withheld in it included.

    Parameters
    ----------
    place : of the document; the salts follow from it.
    secret : of the internal edition.
    """
    if isinstance(disclosed, Mapping) and isinstance(full, Mapping):
        note = disclosed.get(WITHHELD, {})
        hidden = set(note.get("fields", ()))
        if set(full) != hidden | (set(disclosed) - {WITHHELD}) or hidden & set(disclosed):
            yield f"{place}: the editions do not hold the same fields"
            return
        values = {name: full[name] for name in hidden}
        if hidden and _digest_of(values, place, secret)["sha256"] != note.get("sha256"):
            yield f"{place}: what is withheld ({', '.join(sorted(hidden))}) is not what the internal edition holds"
        for name in disclosed:
            if name != WITHHELD:
                yield from differences(full[name], disclosed[name], f"{place}/{name}", secret)
    elif isinstance(disclosed, list) and isinstance(full, list) and len(disclosed) == len(full):
        for number, (one, other) in enumerate(zip(full, disclosed, strict=True)):
            yield from differences(one, other, f"{place}/{number}", secret)
    elif full != disclosed:
        yield f"{place}: is another in the two editions"


def row_differences(full: Record, shown: Shown, secret: bytes) -> Iterator[str]:
    """Yield where a row as it is disclosed does not say the same as the whole row."""
    place = f"{full.table}/{full.id}"
    if shown.digest != record_digest(full):
        yield f"{place}: is another row, or was changed between the two exports"
        return
    note = shown.withheld or {}
    fields: dict[str, Any] = dict(shown.record.fields)
    if note.get("fields"):
        fields[WITHHELD] = {"fields": note["fields"], "sha256": note["sha256"]}
    yield from differences(full.fields, fields, place, secret)
    for column, content in full.documents.items():
        disclosed = shown.record.documents.get(column)
        if disclosed == content:
            continue
        if note.get("documents", {}).get(column) != sha256_hex(content):
            yield f"{place}/{column}: is another document in the two editions"
        elif disclosed is not None:
            yield from document_differences(content, disclosed, f"{place}/{column}", secret)


def document_differences(
    full: bytes | None, disclosed: bytes | None, place: str, secret: bytes
) -> Iterator[str]:
    """Yield where two JSON documents do not say the same, or that one of them is not there, or is none any more."""
    try:
        said, shown = json.loads(full or b""), json.loads(disclosed or b"")
    except ValueError as error:  # bytes that are no JSON, or no UTF-8
        yield f"{place}: cannot be read ({error}); a document is missing or was changed: cjp-fraud evidence verify"
        return
    yield from differences(said, shown, place, secret)


def _digest_of(values: Mapping[str, Any], place: str, secret: bytes) -> dict[str, Any]:
    salt = salt_of(place, secret)
    return {"fields": sorted(values), "sha256": sha256_hex(salt.encode() + canonical_json(values))}


def salt_of(place: str, secret: bytes) -> str:
    """Return the salt of what is withheld at a place: 64 hex digits (HMAC-SHA-256 of the place)."""
    return hmac.new(secret, place.encode(), hashlib.sha256).hexdigest()


def _detectors(value: Mapping[str, Any]) -> frozenset[str]:
    """Return which fields of a document say how the detector is set, or how it reckons."""
    if value.get("table") in _SCORE_TABLES:
        return frozenset(value) - _OPEN_OF_A_SCORE
    if "p_value" in value and "threshold" in value:
        return _OF_A_FLAG & frozenset(value)
    return _SETTINGS & frozenset(value)
