"""Views as JSON: the one form in which ``--json`` prints them and the API answers them."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_jsonable_python


def plain_json(view: Any) -> Any:
    """Return views (frozen dataclasses, pydantic models), moments, enums and numbers as JSON has them; NaN as null.

    Raises
    ------
    TypeError
        If something in it has no JSON form.
    """
    return to_jsonable_python(view, inf_nan_mode="null", fallback=_plain_number)


def _plain_number(value: Any) -> Any:
    """Return a numpy scalar as Python's own number; refuses what has no JSON form."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no JSON form")
