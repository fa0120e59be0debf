"""Fields of what callers send, each with what may stand in it."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Path
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, StringConstraints

_NUMBER = re.compile(r"[-+.0-9eE]+")


def _written_out(value: Any) -> Any:
    """Refuse a bare number, which would be read as seconds since 1970."""
    if isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        raise ValueError("write a moment with its zone: 2026-01-31T12:00:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
"""A moment as RFC 3339 writes it, with its zone."""

Text = Annotated[
    str, StringConstraints(min_length=1, max_length=20_000, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")
]
"""What a person writes: not empty, without NUL."""

Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""One line of text."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9._-]{2,64}$")]
"""A user's name."""

Sha = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

CasePath = Annotated[
    str,
    Path(pattern=r"^[0-9a-f-]{1,36}$", description="Number or id of the case.", examples=["12"]),
]

IdPath = Annotated[
    str, Path(pattern=r"^[0-9a-f-]{8,36}$", description="Id, or how it begins (8 digits or more).")
]

NamePath = Annotated[
    str, Path(pattern=r"^[a-z0-9._-]{2,64}$", description="Name of the user.", examples=["rita"])
]

Tenant = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""Id of a tenant."""

TenantPath = Annotated[
    str,
    Path(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f/]+$",
        description="Id of the tenant.",
        examples=["acme"],
    ),
]


class Body(BaseModel):
    """What a caller sends; a field that it does not have is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def said(self) -> dict[str, Any]:
        """Return what was sent, as JSON has it."""
        return self.model_dump(mode="json")
