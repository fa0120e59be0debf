"""Read a contract as counsel enters it: documents, notices of provisioning, addresses, notice terms (TOML or JSON)."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from cjp_fraud.clock import aware
from cjp_fraud.contracts.contract_documents import (
    Amendment,
    ContractDocument,
    DocumentKind,
    DocumentSet,
    Supplement,
)
from cjp_fraud.contracts.contract_terms import ContractTerms
from cjp_fraud.contracts.methods import EMAIL, METHODS, require_method
from cjp_fraud.contracts.provisioning import document_id_fault, part_fault
from cjp_fraud.contracts.provisioning_on_record import GivenNotice
from cjp_fraud.contracts.terms_file import plain_values, terms_of_table
from cjp_fraud.digests import sha256_hex
from cjp_fraud.documents import from_document
from cjp_fraud.errors import BadInputError

LARGEST_BYTES: Final = 16 * 2**20
"""Larger files are refused: they are read whole."""


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
    verified_at : when it was verified that it reaches the customer, with an offset; ``verified_how`` says how.
    page : of the document that names it.
    """

    role: str
    address: str
    method: str = EMAIL
    verified_at: datetime | None = None
    verified_how: str | None = None
    page: str | None = None


@dataclass(frozen=True, slots=True)
class ContractFile:
    """What a contract's file says; a part that it does not have says nothing, and what is on record stays.

    Parameters
    ----------
    tenant : whose contract it is.
    sha256 : digest of the file.
    """

    name: str
    sha256: str
    tenant: str
    documents: DocumentSet | None
    provisioning: tuple[GivenNotice, ...]
    addresses: tuple[EnteredAddress, ...]
    notice_terms: ContractTerms | None


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


def read_contract_file(file: Path) -> ContractFile:
    """Read a contract's file.

    Raises
    ------
    BadInputError
        If the file cannot be read, or naming every place of it that cannot be used.
    """
    content = _content(file)
    try:
        table = _parsed(file, content)
        terms = table.pop("notice_terms", None)
        entered = from_document(_Entered, table)
        return ContractFile(
            name=file.name[-150:],
            sha256=sha256_hex(content),
            tenant=entered.tenant,
            documents=_document_set(entered),
            provisioning=tuple(_given(notice, file) for notice in entered.provisioning),
            addresses=tuple(_checked(address) for address in entered.addresses),
            notice_terms=terms_of_table(terms) if terms is not None else None,
        )
    except BadInputError as error:
        raise BadInputError(f"{file.name} cannot be loaded (nothing was stored): {error}") from error


def _content(file: Path) -> bytes:
    try:
        if file.stat().st_size > LARGEST_BYTES:
            raise BadInputError(
                f"{file.name} is larger than {LARGEST_BYTES // 2**20} MiB; it is no contract's file"
            )
        return file.read_bytes()
    except OSError as error:
        raise BadInputError(f"{file} cannot be read ({error.strerror})") from error


def _parsed(file: Path, content: bytes) -> dict[str, Any]:
    suffix = file.suffix.lower()
    if suffix not in (".toml", ".json"):
        raise BadInputError("it is neither .toml nor .json; name the file by what it holds")
    try:
        text = content.decode("utf-8-sig")
        table = tomllib.loads(text) if suffix == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as error:  # TOML's, JSON's and UTF-8's faults are ValueErrors
        raise BadInputError(f"it is no {suffix[1:].upper()}: {error}") from error
    if not isinstance(table, dict):
        raise BadInputError("it holds no named fields; write tenant = ..., [[documents]] ...")
    plain: dict[str, Any] = plain_values(table)
    return plain


def _document_set(entered: _Entered) -> DocumentSet | None:
    changes = (*entered.amendments, *entered.supplements)
    if not entered.documents and not changes:
        return None
    return DocumentSet(
        entered.documents,
        entered.amendments,
        entered.supplements,
        entered.contracting_entity,
        entered.precedence,
    )


def _given(notice: EnteredNotice, file: Path) -> GivenNotice:
    if fault := part_fault(notice.part):
        raise BadInputError(f"provisioning of {notice.given_on}: part: {fault}")
    if not notice.how.strip():
        raise BadInputError(f"provisioning of {notice.given_on}: say how the notice was given")
    return GivenNotice(
        notice.given_on.isoformat(), notice.part, notice.how, _stored_proof(notice, file), notice.page
    )


def _stored_proof(notice: EnteredNotice, file: Path) -> str:
    kind, _, what = notice.proof.partition(":")
    if kind == "dms":
        if fault := document_id_fault(what):
            raise BadInputError(f"provisioning of {notice.given_on}: proof: {fault}")
        return notice.proof
    if kind != "file" or not what:
        raise BadInputError(
            f"provisioning of {notice.given_on}: proof: write file:PATH, a document beside this file, "
            "or dms:ID, its id in a document system"
        )
    try:
        content = (file.parent / what).read_bytes()
        own = (file.parent / what).samefile(file) or content == file.read_bytes()
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"provisioning of {notice.given_on}: the proof {what} cannot be read ({error}); name a file that is there"
        ) from None
    if own or not content.strip():
        why = (
            "is this file, which cannot prove what it says itself"
            if own
            else "is empty, which proves nothing"
        )
        raise BadInputError(f"provisioning of {notice.given_on}: the proof {what} {why}")
    return f"{notice.proof} sha256:{sha256_hex(content)}"


def _checked(entry: EnteredAddress) -> EnteredAddress:
    METHODS[require_method(entry.method)](entry.address)
    if not entry.role.strip():
        raise BadInputError(
            "an address has no role; write what the contract calls it for, for example notice"
        )
    if entry.verified_at is not None:
        aware(entry.verified_at)
    if (entry.verified_at is None) != (entry.verified_how is None):
        raise BadInputError(f"the {entry.role} address: verified_at and verified_how belong together")
    return entry
