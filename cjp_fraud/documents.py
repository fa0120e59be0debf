"""JSON documents of typed values: what is stored and hashed is exactly what the type says."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from cjp_fraud.errors import BadInputError

T = TypeVar("T")


def to_document(value: Any) -> dict[str, Any]:
    """Return a dataclass as JSON (plain lists, numbers and text); :func:`from_document` reads it back."""
    document: dict[str, Any] = TypeAdapter(type(value)).dump_python(value, mode="json")
    return document


def from_document(kind: type[T], document: object) -> T:
    """Read a value of ``kind`` back from its JSON.

    Parameters
    ----------
    kind : a pydantic dataclass; with ``extra="forbid"`` in its pydantic configuration an unknown field is a fault.
    document : parsed JSON.

    Raises
    ------
    BadInputError
        Names every field that cannot be used, and why.
    """
    try:
        value: T = TypeAdapter(kind).validate_python(document)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in row['loc']) or 'the document'}: {row['msg']}"
            for row in error.errors(include_url=False)
        )
        raise BadInputError(f"the {kind.__name__.lower()} cannot be read: {faults}") from error
    return value
