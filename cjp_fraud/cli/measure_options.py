"""Options that describe a measure on the command line."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.review.model import MeasureWanted

MeasureOption = Annotated[MeasureKind | None, typer.Option(help="The narrowest that helps.")]
Days = Annotated[int | None, typer.Option(min=1, max=366, help="How long; the review period if absent.")]
Hours = Annotated[int | None, typer.Option(min=1, max=8784, help="How long, in hours; adds to --days.")]
Channels = Annotated[list[str] | None, typer.Option(help="Only these channels; may be repeated.")]
Directions = Annotated[list[str] | None, typer.Option(help="Only inbound, or only outbound.")]
Applications = Annotated[list[str] | None, typer.Option(help="Only these applications or bots.")]
Principals = Annotated[list[str] | None, typer.Option(help="Only these users or credentials (keyed hashes).")]
Destinations = Annotated[list[str] | None, typer.Option(help="Only numbers that begin so, for example +371.")]
Origins = Annotated[
    list[str] | None,
    typer.Option(help="Only contacts from these ranges, networks, domains, addresses."),
]
Rate = Annotated[int | None, typer.Option(min=1, help="Contacts an hour that are still let through.")]


def measure_wanted(
    kind: MeasureKind | None, scope: Scope, *, days: int | None, hours: int | None
) -> MeasureWanted:
    """Return the measure that the options describe; without any of them, one that the finding decides.

    Raises
    ------
    typer.BadParameter
        If the scope is given without the kind.
    """
    if kind is None and scope != Scope():
        raise typer.BadParameter(f"say the kind of measure too: --measure {', '.join(MeasureKind)}")
    return MeasureWanted(kind, scope, timedelta(days=days or 0, hours=hours or 0) or None)
