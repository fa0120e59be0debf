"""Read a contract as counsel enters it: documents, notices of provisioning, addresses, notice terms (TOML or JSON)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from cjp_fraud.contracts.contract_documents import (
    Amendment,
    ContractDocument,
    DocumentKind,
    DocumentSet,
    Entry,
    Supplement,
)
from cjp_fraud.contracts.contract_terms import ContractTerms
from cjp_fraud.contracts.entered_file import EnteredFile, read_entered_file
from cjp_fraud.contracts.field_lines import Place
from cjp_fraud.contracts.methods import EMAIL, METHODS, require_method
from cjp_fraud.contracts.proof_file import proof_sha256
from cjp_fraud.contracts.provisioning import document_id_fault, part_fault
from cjp_fraud.contracts.provisioning_on_record import GivenNotice
from cjp_fraud.contracts.terms_file import include_terms, subdivision_faults, terms_at
from cjp_fraud.digests import digest
from cjp_fraud.documents import DocumentError, Fault, place_in_words
from cjp_fraud.errors import BadInputError

_NAMED: Final = ("documents", "amendments", "supplements")
"""Lists of the file whose entries have names."""


@dataclass(frozen=True, slots=True)
class EnteredNotice:
    """A notice of provisioning as counsel enters it.

    Parameters
    ----------
    given_on : the tenant's local day on which it was given.
    proof : ``file:PATH``, a document beside the contract's file, or ``dms:ID``.
    """

    given_on: date
    part: str
    how: str
    proof: str
    page: str | None = None


@dataclass(frozen=True, slots=True)
class EnteredAddress:
    """An address as counsel enters it.

    Parameters
    ----------
    from_day, to_day : the tenant's local days from which and until which it was true, the last day included; None: not
        said since when (then it holds from the loading on, the first one since ever), or it still is.
    verified_at : when it was verified that it reaches the customer, with an offset; ``verified_how`` says how.
    page : of the document that names it.
    """

    role: str
    address: str
    method: str = EMAIL
    from_day: date | None = None
    to_day: date | None = None
    verified_at: datetime | None = None
    verified_how: str | None = None
    page: str | None = None


@dataclass(frozen=True, slots=True)
class ContractFile:
    """What a contract's file says; a part that it does not have says nothing, and what is on record stays.

    Parameters
    ----------
    tenant : whose contract it is.
    sha256 : digest of the file, and of those whose notice terms it includes.
    lines : name of a document, an amendment or a supplement → file and line where it begins, in words.
    provisioning_lines, address_lines : file and line of each notice of provisioning and of each address, in words.
    """

    name: str
    sha256: str
    tenant: str
    documents: DocumentSet | None
    provisioning: tuple[GivenNotice, ...]
    addresses: tuple[EnteredAddress, ...]
    notice_terms: ContractTerms | None
    lines: Mapping[str, str]
    provisioning_lines: tuple[str, ...]
    address_lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entered:
    """The file's own fields; the notice terms are read by their own reader."""

    tenant: str
    contracting_entity: str | None = None
    precedence: tuple[DocumentKind, ...] = tuple(DocumentKind)
    documents: tuple[ContractDocument, ...] = ()
    amendments: tuple[Amendment, ...] = ()
    supplements: tuple[Supplement, ...] = ()
    provisioning: tuple[EnteredNotice, ...] = ()
    addresses: tuple[EnteredAddress, ...] = ()
    notice_terms: Any = None


def read_contract_file(path: Path) -> ContractFile:
    """Read a contract's file.

    Raises
    ------
    BadInputError
        If the file cannot be read, or naming file, line and field of every place of it that cannot be used.
    """
    try:
        file = read_entered_file(path)
        _include_terms(file)
        entered = file.read_as(_Entered, file.table)
        documents = _document_set(entered, file)
        terms = entered.notice_terms
        whole = terms_at(file, ("notice_terms",), terms) if terms is not None else None
        _refuse_if(file, chain(_faults_of_lists(entered, path), _faults_of_subdivisions(entered, whole)))
        return ContractFile(
            name=path.name[-150:],
            sha256=_digest(file),
            tenant=entered.tenant,
            documents=documents,
            provisioning=tuple(_given(notice, path) for notice in entered.provisioning),
            addresses=entered.addresses,
            notice_terms=whole,
            lines={entry.name: file.where(place) for place, entry in _named(entered)},
            provisioning_lines=tuple(
                file.where(("provisioning", number, "given_on"))
                for number in range(len(entered.provisioning))
            ),
            address_lines=tuple(
                file.where(("addresses", number)) for number in range(len(entered.addresses))
            ),
        )
    except BadInputError as error:
        raise BadInputError(f"{path.name} cannot be loaded (nothing was stored): {error}") from error


def read_contract_text(name: str, text: str) -> ContractFile:
    """Read a contract's file that was typed or sent here; it may name no other files.

    Parameters
    ----------
    name : as a file's; its end says what the text is.

    Raises
    ------
    BadInputError
        As :func:`read_contract_file`, and naming each place that names a file.
    """
    if "/" in name or "\\" in name or name.startswith(".") or not name.isprintable():
        raise BadInputError(f"{name!r} is no file's name; write it like acme.toml")
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_text(text, encoding="utf-8")
        file = read_entered_file(path)
        others = [place for place, value in _texts_in(file.table, ()) if value.startswith("file:")]
        _refuse_if(
            file,
            (
                Fault(
                    place,
                    f"{place_in_words(place)} names a file, which is not here: give a document's id (dms:ID) and write "
                    "notice terms out, or use cjp-fraud contracts load FILE where the files are",
                )
                for place in others
            ),
        )
        return read_contract_file(path)


def _texts_in(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts_in(inner, (*place, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts_in(inner, (*place, number))


def _include_terms(file: EnteredFile) -> None:
    """Put notice terms that stand in files of their own into the places that name those files."""
    table = file.table
    if "notice_terms" in table:
        table["notice_terms"] = _terms_entered(file, ("notice_terms",), table["notice_terms"])
    for kind in _NAMED:
        entries = table.get(kind)
        for number, entry in enumerate(entries if isinstance(entries, list) else []):
            says = entry.get("says") if isinstance(entry, dict) else None
            if isinstance(says, dict) and "notice_terms" in says:
                place = (kind, number, "says", "notice_terms")
                says["notice_terms"] = _terms_entered(file, place, says["notice_terms"])


def _terms_entered(file: EnteredFile, place: Place, document: Any) -> Any:
    """Return the notice terms at a place; empty ones are refused, since they would take the place of good ones."""
    terms = include_terms(file, place, document)
    if terms == {}:
        file.refuse(
            [
                Fault(
                    place,
                    f"{place_in_words(place)}: nothing is entered in it; enter what the contract says of notices, "
                    "or leave it out, and the terms on record stay",
                )
            ]
        )
    return terms


def _digest(file: EnteredFile) -> str:
    """Return the digest of a file, and of those that it includes."""
    if not file.included:
        return file.sha256
    return digest([file.sha256, *(other.sha256 for other in file.included.values())])


def _named(entered: _Entered) -> Iterator[tuple[Place, Entry]]:
    for kind in _NAMED:
        for number, entry in enumerate(getattr(entered, kind)):
            yield (kind, number), entry


def _document_set(entered: _Entered, file: EnteredFile) -> DocumentSet | None:
    changes = (*entered.amendments, *entered.supplements)
    if not entered.documents and not changes:
        return None
    try:
        return DocumentSet(
            entered.documents,
            entered.amendments,
            entered.supplements,
            entered.contracting_entity,
            entered.precedence,
        )
    except DocumentError as error:
        file.refuse(error.faults)


def _refuse_if(file: EnteredFile, faults: Iterator[Fault]) -> None:
    if found := tuple(faults):
        file.refuse(found)


def _faults_of_subdivisions(entered: _Entered, whole: ContractTerms | None) -> Iterator[Fault]:
    if whole is not None:
        yield from subdivision_faults(whole, ("notice_terms",))
    for place, entry in _named(entered):
        if isinstance(entry.says.notice_terms, ContractTerms):
            yield from subdivision_faults(entry.says.notice_terms, (*place, "says", "notice_terms"))


def _faults_of_lists(entered: _Entered, path: Path) -> Iterator[Fault]:
    if not entered.tenant.strip():
        yield Fault(("tenant",), "tenant is empty; write whose contract it is (tenants list)")
    for number, notice in enumerate(entered.provisioning):
        place: Place = ("provisioning", number)
        said = f"provisioning {number + 1}"
        yield from _length_faults(notice, place, {"part": 400, "how": 400, "proof": 400, "page": 400})
        if fault := part_fault(notice.part):
            yield Fault((*place, "part"), f"{said}, part: {fault}")
        if not notice.how.strip():
            yield Fault((*place, "how"), f"{said}, how is empty; say how the notice was given")
        if fault := _proof_fault(notice.proof, path):
            yield Fault((*place, "proof"), f"{said}, proof: {fault}")
    standing: set[tuple[str, str, str]] = set()
    for number, address in enumerate(entered.addresses):
        yield from _address_faults(address, ("addresses", number))
        key = (address.role, address.method, address.address)
        if address.to_day is None and key in standing:
            yield Fault(
                ("addresses", number), f"addresses {number + 1} stands there twice; leave one of the two out"
            )
        if address.to_day is None:
            standing.add(key)


def _length_faults(
    entry: EnteredNotice | EnteredAddress, place: Place, longest: Mapping[str, int]
) -> Iterator[Fault]:
    """Yield the fields that are longer than what is kept of them, in characters."""
    for name, length in longest.items():
        given = len(getattr(entry, name) or "")
        if given > length:
            yield Fault(
                (*place, name),
                f"{place_in_words((*place, name))} has {given} characters; write {length} at most",
            )


def _address_faults(entry: EnteredAddress, place: Place) -> Iterator[Fault]:
    said = place_in_words(place)
    try:
        METHODS[require_method(entry.method)](entry.address)
    except BadInputError as error:
        wrong = "method" if entry.method not in METHODS else "address"
        yield Fault((*place, wrong), f"{said}, {wrong}: {error}")
    yield from _length_faults(entry, place, {"role": 40, "verified_how": 400, "page": 400})
    if entry.from_day is not None and entry.to_day is not None and entry.to_day < entry.from_day:
        yield Fault(
            (*place, "to_day"), f"{said}: to_day {entry.to_day} lies before from_day {entry.from_day}"
        )
    if not entry.role.strip():
        yield Fault(
            (*place, "role"),
            f"{said}, role is empty; write what the contract calls it for, for example notice",
        )
    if entry.verified_at is not None and entry.verified_at.tzinfo is None:
        yield Fault(
            (*place, "verified_at"),
            f"{said}, verified_at has no offset; write it like 2026-01-31T09:00:00+01:00",
        )
    if (entry.verified_at is None) != (entry.verified_how is None):
        yield Fault(place, f"{said}: verified_at and verified_how belong together; write both or neither")


def _proof_fault(proof: str, path: Path) -> str | None:
    """Return why a proof proves nothing, and how to mend that; None: it does."""
    kind, _, what = proof.partition(":")
    if kind == "dms":
        return document_id_fault(what)
    if kind != "file" or not what:
        return "write file:PATH, a document beside this file, or dms:ID, its id in a document system"
    try:
        proof_sha256(what, path)
    except BadInputError as error:
        return str(error)
    return None


def _given(notice: EnteredNotice, path: Path) -> GivenNotice:
    proof = notice.proof
    if proof.startswith("file:"):
        proof = f"{proof} sha256:{proof_sha256(proof.removeprefix('file:'), path)}"
    return GivenNotice(notice.given_on.isoformat(), notice.part, notice.how, proof, notice.page)
