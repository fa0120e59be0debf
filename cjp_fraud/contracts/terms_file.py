"""Read the notice terms of a contract as counsel writes them: TOML or JSON, each key a field of ``ContractTerms``.

Times are written as TOML has them (09:00:00), or in quotes; what is not known as "not_stated" or "not_read". Terms
stand in the contract's own file, or in a file of their own, which contracts of one kind share.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cjp_fraud.contracts.contract_terms import ContractTerms, contract_terms_from
from cjp_fraud.contracts.entered_file import EnteredFile
from cjp_fraud.contracts.field_lines import Place
from cjp_fraud.contracts.holiday_list import require_known_holidays
from cjp_fraud.contracts.stated import stated
from cjp_fraud.documents import DocumentError, Fault, place_in_words
from cjp_fraud.errors import BadInputError


def terms_at(file: EnteredFile, place: Place, document: Any) -> ContractTerms:
    """Return the notice terms that stand at a place of a file; ``document``: what stands there.

    Raises
    ------
    BadInputError
        Naming file, line and field of each fault.
    """
    try:
        return contract_terms_from(document)
    except DocumentError as error:
        file.refuse(Fault((*place, *fault.place), fault.sentence) for fault in error.faults)


def subdivision_faults(terms: ContractTerms, place: Place) -> Iterator[Fault]:
    """Yield each subdivision of a place of notice terms whose public holidays are not known.

    Parameters
    ----------
    place : where the terms stand in the file.
    """
    for number, counted_in in enumerate(terms.places):
        country, subdivision = stated(counted_in.country), stated(counted_in.subdivision)
        if subdivision is None:
            continue
        where: Place = (*place, "places", number, "subdivision")
        if country is None:
            sentence = f"{subdivision!r} needs its country; write country beside it"
            yield Fault(where, f"{place_in_words(where)}: {sentence}")
            continue
        try:
            require_known_holidays(country, subdivision)
        except BadInputError as error:
            yield Fault(where, f"{place_in_words(where)}: {error}")


def include_terms(file: EnteredFile, place: Place, document: Any) -> Any:
    """Return notice terms as they stand at a place; where ``file:PATH`` stands there, what that file holds.

    Raises
    ------
    BadInputError
        If the file that is named cannot be read.
    """
    if isinstance(document, str) and document.startswith(_FILE):
        name = document.removeprefix(_FILE)
        try:
            return file.include(place, file.path.parent / name)
        except BadInputError as error:
            file.refuse([Fault(place, str(error))])
    return document


_FILE = "file:"
