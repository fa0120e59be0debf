"""The files of one edition of a bundle, made of the rows of the case; and a last look that nothing protected leaves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files as package_files
from typing import Any, Final

from sqlalchemy import Enum, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.head_keys import PrivateKey
from cjp_fraud.audit.row_digests import Record
from cjp_fraud.compliance.bundle import (
    CHARTS,
    CONTRACT,
    DISCLOSURE_KEY,
    EXPORTED,
    PERSONS,
    README,
    README_SOURCE,
    RECEIPTS,
    SUMMARY,
    SUMS,
    content_files,
    has_simulated_clock,
    names_of,
    persons,
)
from cjp_fraud.compliance.disclosure import Disclosure, Shown
from cjp_fraud.compliance.evidence_charts import EvidenceChart, evidence_charts
from cjp_fraud.compliance.inclusion_proof import Entry
from cjp_fraud.compliance.letter_text import letter_text, searchable_texts
from cjp_fraud.compliance.model import Edition
from cjp_fraud.compliance.protected_words import ProtectedWords
from cjp_fraud.compliance.readable_json import readable_json
from cjp_fraud.compliance.reasoning import contract_by_decision, receipts
from cjp_fraud.compliance.summary_facts import SummaryFacts
from cjp_fraud.compliance.summary_pdf import summary_pdf
from cjp_fraud.contracts.tables import Tenant
from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.people.tables import Identity, User
from cjp_fraud.storage.base import Base

_SALTS: Final = b"cjp-fraud disclosure salts 1\n"
_UNREADABLE: Final = (LookupError, TypeError, ValueError, AttributeError)
"""What rows raise that somebody edited behind the application; such a case is exported too, and says so."""

_OUR_OWN: Final = (README, SUMMARY, SUMS)
"""Files that hold nothing of the records, and the summary, of which what it is made of is looked through."""

_WORD: Final = re.compile(r"[^\W\d_]+")
_TAG: Final = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class _Made:
    """What both editions are made of."""

    edition: Edition
    rows: Sequence[Shown]
    entries: Sequence[Entry]
    names: Mapping[str, str]
    receipts: Any
    contracts: Any
    charts: Sequence[EvidenceChart]
    time_zone: str
    as_of: datetime

    def summary(self) -> dict[str, Any]:
        """Return what the summary says."""
        records = [row.record for row in self.rows]
        simulated = has_simulated_clock(records)
        facts = SummaryFacts(
            edition=self.edition,
            records=records,
            entries=self.entries,
            names=self.names,
            receipts=self.receipts,
            contracts=self.contracts,
            charts=self.charts,
            time_zone=self.time_zone,
            simulated_clock=simulated,
        )
        try:
            return facts.document()
        except _UNREADABLE as error:
            return {
                "title": "The records cannot be summed up",
                "edition": self.edition.value,
                "simulated": simulated,
                "customer": "?",
                "state": f"they do not have the form of a case's rows ({type(error).__name__}: {error})",
                "opened": "?",
                "zone": self.time_zone,
                "sections": [],
            }


def edition_files(
    session: Session,
    case_id: str,
    records: Sequence[Record],
    entries: Sequence[Entry],
    edition: Edition,
    key: PrivateKey | None,
) -> dict[str, bytes]:
    """Return the files of an edition that do not depend on the export's own entry.

    Parameters
    ----------
    records, entries : all rows of the case, and its entries of the log in order.
    key : from which the salts of what is withheld follow; None: an internal edition without them.

    Raises
    ------
    CjpFraudError
        If a disclosable edition would hold a protected word, or the summary a character that is in no font.
    """
    secret = sha256_hex(key.sign(_SALTS + case_id.encode())) if key is not None else None
    tenant = next((record for record in records if record.table == Tenant.__tablename__), None)
    tenant_id = tenant.id if tenant is not None else ""
    zone = str(tenant.fields["time_zone"]) if tenant is not None else "Etc/UTC"
    # An export is no fact of the case: two of them that follow each other say the same.
    as_of = datetime.fromisoformat(next(entry.at for entry in reversed(entries) if entry.action != EXPORTED))
    rows: list[Shown] = [Shown(record) for record in records]
    reasons: list[Any] = [receipts(records, as_of), contract_by_decision(records, tenant_id)]
    disclosure = None
    if edition is Edition.DISCLOSABLE and secret is not None:
        disclosure = disclosure_of(session, records, tenant_id, bytes.fromhex(secret))
        rows = [disclosure.shown(record) for record in records]
        reasons = [
            disclosure.document(reason, name)
            for reason, name in zip(reasons, (RECEIPTS, CONTRACT), strict=True)
        ]
    made = _Made(
        edition=edition,
        rows=rows,
        entries=entries,
        names=names_of(edition, entries, records),
        receipts=reasons[0],
        contracts=reasons[1],
        charts=_charts(records, zone),
        time_zone=zone,
        as_of=as_of,
    )
    derived, summary = _derived(made)
    if secret is not None and edition is Edition.INTERNAL:
        derived[DISCLOSURE_KEY] = readable_json({"secret": secret})
    files = content_files(rows, entries, made.names, derived)
    if disclosure is not None:
        summed_up = [
            summary["customer"],
            *([section["rows"], section["steps"]] for section in summary["sections"]),
        ]
        _refuse_protected(files | {"summary.json": readable_json(summed_up)}, entries, disclosure.protected)
    return files


def disclosure_of(session: Session, records: Sequence[Record], tenant_id: str, secret: bytes) -> Disclosure:
    """Return how a case is disclosed: what is protected in this home, and which texts are the customer's own."""
    own_texts = {
        str(record.fields["text_id"]) for record in records if record.table in ("addresses", "disputes")
    }
    texts = {
        record.id: str(record.fields["body"])
        for record in records
        if record.table == "personal_texts" and record.fields.get("body")
    }
    users = session.execute(select(User.name, User.display_name)).all()
    addresses = {
        texts[str(record.fields["text_id"])]
        for record in records
        if record.table == "addresses" and record.fields["text_id"] in texts
    }
    names = {
        str(record.fields["name"])
        for record in records
        if record.table == "tenants" and record.fields["name"]
    }
    protected = ProtectedWords(
        names=frozenset(name for row in users for name in row if name)
        | frozenset(session.scalars(select(Identity.value))),
        tenants=frozenset(session.scalars(select(Tenant.id).where(Tenant.id != tenant_id))),
        texts=frozenset(body for text_id, body in texts.items() if text_id not in own_texts),
        own=frozenset({tenant_id, *names, *addresses}),
        vocabulary=_vocabulary(),
    )
    return Disclosure(secret, protected, frozenset(own_texts))


def _derived(made: _Made) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return the files that are made of the rows for reading, and what the summary says."""
    records = [row.record for row in made.rows]
    summary = made.summary()
    charts = {chart.name: chart.svg for chart in made.charts}
    files = {
        RECEIPTS: readable_json(made.receipts),
        CONTRACT: readable_json(made.contracts),
        SUMMARY: summary_pdf(summary, charts, made.as_of),
        **{f"{CHARTS}/{name}": content for name, content in charts.items()},
    }
    if any(record.table == User.__tablename__ for record in records):
        files[PERSONS] = persons(made.edition, made.entries, records)
    return files, summary


def _charts(records: Sequence[Record], zone: str) -> tuple[EvidenceChart, ...]:
    try:
        return evidence_charts(records, zone)
    except _UNREADABLE:
        return ()  # the frozen document is in the bundle, and its fault is found where the bundle is verified


def _refuse_protected(
    files: Mapping[str, bytes], entries: Sequence[Entry], protected: ProtectedWords
) -> None:
    """Refuse to let anything out that holds a protected word, in whatever file and by whatever mistake.

    Raises
    ------
    CjpFraudError
        Names each file and the word.
    """
    texts = {name: _searched(name, content) for name, content in files.items() if name not in _OUR_OWN}
    texts |= {f"entry {entry.sequence} of the log": "\n".join(_strings(entry.content)) for entry in entries}
    word_of_file = {
        name: word for name, text in texts.items() if (word := protected.found_in(text)) is not None
    }
    if word_of_file:
        places = "; ".join(f"{name} holds {word!r}" for name, word in sorted(word_of_file.items()))
        raise CjpFraudError(
            f"the disclosable edition is not written, because something protected would leave: {places}. "
            "Hand nothing over, export the internal edition, and report this"
        )


def _searched(name: str, content: bytes) -> str:
    """Return what of a file comes from the records: of JSON the values, of a drawing its text, of a letter all."""
    if name.endswith(".eml"):
        return letter_text(content)
    if name.endswith(".pdf"):
        return "\n".join(searchable_texts(content))
    text = content.decode("utf-8", "replace")
    if name.endswith(".json"):
        return "\n".join(_strings(json.loads(text)))
    return _TAG.sub("\n", text) if name.endswith(".svg") else text


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


def _vocabulary() -> frozenset[str]:
    """Return the words, in lower case, that bundles are written in whatever the case: they tell nothing.

    Values of enumerations, names of tables and columns, the words of the bundle's own explanation and of the letters'
    fixed parts. Somebody who is called by such a word cannot be found by it.
    """
    words = set[str]()
    for table in Base.metadata.tables.values():
        words |= {table.name, *(column.name for column in table.columns)}
        for column in table.columns:
            if isinstance(column.type, Enum):
                words |= {str(value).lower() for value in column.type.enums}
    words |= {piece for word in words for piece in word.split("_")}
    templates = package_files("cjp_fraud.notices").joinpath("templates")
    letters = templates.iterdir() if templates.is_dir() else ()
    for fixed in (package_files("cjp_fraud.compliance").joinpath(README_SOURCE), *letters):
        if fixed.is_file():
            words |= set(_WORD.findall(fixed.read_bytes().decode("utf-8", "replace").lower()))
    return frozenset(words)
