"""JSON documents of typed values: what is stored and hashed is exactly what the type says."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Final, TypeVar, get_args, get_type_hints

from pydantic import AfterValidator, PlainSerializer, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticSerializationError, to_json

from cjp_fraud.clock import aware, utc_text
from cjp_fraud.errors import BadInputError

T = TypeVar("T")

UtcMoment = Annotated[datetime, AfterValidator(aware), PlainSerializer(utc_text, when_used="json")]
"""An aware moment, in a document as ``2026-01-31T09:00:00.000000Z``."""

_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def to_document(value: Any) -> dict[str, Any]:
    """Return a dataclass as JSON (plain lists, numbers and text); :func:`from_document` reads it back."""
    document: dict[str, Any] = _adapter(type(value)).dump_python(value, mode="json")
    return document


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at one place of a document.

    Parameters
    ----------
    place : names of fields and positions in lists (from 0), from the outside in.
    sentence : names the place, what is wrong there and how to mend it.
    """

    place: tuple[str | int, ...]
    sentence: str


class DocumentError(BadInputError):
    """A document cannot be read as what it should be.

    Parameters
    ----------
    what : what it should be, in words.
    faults : all of them, in the order of the document's fields.
    """

    def __init__(self, what: str, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        super().__init__(f"the {what} cannot be read: {'; '.join(fault.sentence for fault in faults)}")


def from_document(kind: type[T], document: object) -> T:
    """Read a value of ``kind`` back from its JSON; nothing is guessed or converted.

    Parameters
    ----------
    kind : a dataclass.
    document : parsed JSON.

    Raises
    ------
    DocumentError
        Names every place that cannot be used, why, and what may stand there. A field that the type does
        not have is a fault.
    """
    try:
        value: T = _adapter(kind).validate_json(_as_json(document), strict=True, extra="forbid")
    except ValidationError as error:
        name = re.sub(r"(?<!^)(?=[A-Z])", " ", kind.__name__.lstrip("_")).lower()
        raise DocumentError(
            name, tuple(_fault(fault, kind) for fault in error.errors(include_url=False))
        ) from error
    return value


def _fault(fault: ErrorDetails, kind: type) -> Fault:
    place = tuple(part for part in fault["loc"] if part not in _BRANCHES)
    return Fault(place, _sentence(fault, place, kind))


def _as_json(document: object) -> bytes:
    try:
        return to_json(document)
    except PydanticSerializationError as error:  # JSON can name half of a character: U+D800
        raise BadInputError(f"it holds text that is no Unicode: {error}") from error


def _sentence(fault: ErrorDetails, place: tuple[str | int, ...], kind: type) -> str:
    """Say where a fault is, what is wrong there and how to correct it."""
    where = place_in_words(place)
    given = _cut(repr(fault["input"]))
    match fault["type"]:
        case "missing":
            return f"{where} missing; enter it"
        case "unexpected_keyword_argument" | "extra_forbidden":
            near = get_close_matches(str(place[-1]), _fields_at(kind, place[:-1]), n=1)
            return f"{where} not known; {f'did you mean {near[0]}?' if near else 'leave it out'}"
        case "value_error":
            return f"{where}: {fault['ctx']['error']}"
        case "dataclass_type":
            return f"{where}: expected named fields, not {given}"
        case "tuple_type" | "list_type":
            return f"{where}: expected a list, not {given}"
        case "int_type" | "int_from_float":
            return f"{where}: {given} is not a whole number"
        case "bool_type":
            return f"{where}: {given} is neither true nor false, without quotes"
        case "string_type":
            return f"{where}: {given} must be text, in quotes"
        case "enum" | "literal_error":
            return f"{where}: {given} is not served; write {fault['ctx']['expected']}"
        case "date_parsing" | "date_from_datetime_parsing" | "date_type":
            return f"{where}: {given} is no date; write it like 2026-01-31"
        case _:
            return f"{where}: {given} cannot be used: {fault['msg']}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_GIVEN else f"{text[:_LONGEST_GIVEN]} ..."


def _fields_at(kind: Any, place: Sequence[str | int]) -> tuple[str, ...]:
    """Return the fields that a document of ``kind`` may have at a place; empty: it is not known which."""
    kinds = [kind]
    for part in place:
        inner = [argument for each in kinds for argument in _dataclasses_of(each)]
        kinds = (
            inner
            if isinstance(part, int)
            else [get_type_hints(each)[part] for each in inner if part in get_type_hints(each)]
        )
    names_of_kind = {
        each.__qualname__: [field.name for field in fields(each)]
        for one in kinds
        for each in _dataclasses_of(one)
    }
    return tuple(dict.fromkeys(name for names in names_of_kind.values() for name in names))


def _dataclasses_of(kind: Any) -> list[type]:
    """Return the dataclasses that an annotation speaks of, whatever stands around them."""
    if isinstance(kind, type) and is_dataclass(kind):
        return [kind]
    return [kind_inside for argument in get_args(kind) for kind_inside in _dataclasses_of(argument)]


_LONGEST_GIVEN: Final = 160
"""How much of what was given a sentence quotes, characters."""

_BRANCHES = frozenset({"stated", "unstated"})
"""Names of the branches of a value that may be not stated (:mod:`cjp_fraud.contracts.stated`); no field has them."""


def place_in_words(parts: Sequence[int | str]) -> str:
    """Name a place by its fields, entries of a list counted from 1: ``steps 1, wait, unit``."""
    place = ""
    for part in parts:
        place += f" {part + 1}" if isinstance(part, int) else f", {part}" if place else part
    return place.strip() or "the whole"
