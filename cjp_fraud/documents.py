"""JSON documents of typed values: what is stored and hashed is exactly what the type says."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, PlainSerializer, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, to_json

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


def from_document(kind: type[T], document: object) -> T:
    """Read a value of ``kind`` back from its JSON; nothing is guessed or converted.

    Parameters
    ----------
    kind : a dataclass.
    document : parsed JSON.

    Raises
    ------
    BadInputError
        Names every place that cannot be used, why, and what may stand there. A field that the type does
        not have is a fault.
    """
    try:
        value: T = _adapter(kind).validate_json(to_json(document), strict=True, extra="forbid")
    except ValidationError as error:
        name = re.sub(r"(?<!^)(?=[A-Z])", " ", kind.__name__).lower()
        faults = "; ".join(_sentence(fault) for fault in error.errors(include_url=False))
        raise BadInputError(f"the {name} cannot be read: {faults}") from error
    return value


def _sentence(fault: ErrorDetails) -> str:
    """Say where a fault is, what is wrong there and how to correct it."""
    where = _place(fault["loc"])
    given = repr(fault["input"])
    match fault["type"]:
        case "missing":
            return f"{where} missing"
        case "unexpected_keyword_argument" | "extra_forbidden":
            return f"{where} not known; leave it out"
        case "value_error":
            return f"{where}: {fault['ctx']['error']}"
        case "dataclass_type":
            return f"{where}: expected named fields, not {given}"
        case "tuple_type" | "list_type":
            return f"{where}: expected a list, not {given}"
        case "int_type" | "int_from_float":
            return f"{where}: {given} is not a whole number"
        case "string_type":
            return f"{where}: {given} must be text, in quotes"
        case "enum" | "literal_error":
            return f"{where}: {given} is not served; write {fault['ctx']['expected']}"
        case _:
            return f"{where}: {given} cannot be used: {fault['msg']}"


_BRANCHES = frozenset({"stated", "unstated"})
"""Names of the branches of a value that may be not stated (:mod:`cjp_fraud.contracts.stated`); no field has them."""


def _place(loc: Sequence[int | str]) -> str:
    """Name a place by its fields, entries of a list counted from 1: ``steps 1, wait, unit``."""
    place = ""
    for part in loc:
        if part in _BRANCHES:
            continue
        place += f" {part + 1}" if isinstance(part, int) else f", {part}" if place else part
    return place.strip() or "the whole"
