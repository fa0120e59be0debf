"""Options that describe a measure on the command line."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cjp_fraud.cli.printing import Column, print_table
from cjp_fraud.contracts.restriction import CallsInProgress, MeasureKind, Scope, in_words
from cjp_fraud.review.requests import MeasureWanted

if TYPE_CHECKING:
    from cjp_fraud.operations.measure_choice import OfferedMeasure

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


Calls = Annotated[
    CallsInProgress | None,
    typer.Option(
        help="Calls in progress: keep them, cut those to flagged destinations (the default), or cut all. "
        "Emergency calls always go on.",
    ),
]
WhyWider = Annotated[
    str | None,
    typer.Option(
        "--because-wider",
        metavar="TEXT",
        help="Why no narrower measure is enough, where one is (cases measures CASE).",
    ),
]


def scope_of(
    channels: Collection[str] | None,
    directions: Collection[str] | None,
    applications: Collection[str] | None,
    principals: Collection[str] | None,
    destinations: Collection[str] | None,
    origins: Collection[str] | None,
    rate: int | None,
    calls: CallsInProgress | None = None,
) -> Scope:
    """Return what the options say that a measure restricts."""
    return Scope(
        channels=tuple(channels or ()),
        directions=tuple(directions or ()),
        application_ids=tuple(applications or ()),
        principal_ids=tuple(principals or ()),
        destination_prefixes=tuple(destinations or ()),
        origins=tuple(origins or ()),
        contacts_per_hour=rate,
        calls_in_progress=calls,
    )


def measure_wanted(
    kind: MeasureKind | None,
    scope: Scope,
    *,
    days: int | None,
    hours: int | None,
    why_wider: str | None = None,
) -> MeasureWanted:
    """Return the measure that the options describe; without any of them, one that the finding decides.

    Raises
    ------
    typer.BadParameter
        If the scope is given without the kind.
    """
    if kind is None and replace(scope, calls_in_progress=None) != Scope():
        raise typer.BadParameter(f"say the kind of measure too: --measure {', '.join(MeasureKind)}")
    return MeasureWanted(kind, scope, timedelta(days=days or 0, hours=hours or 0) or None, why_wider)


def print_offered(offered: Sequence[OfferedMeasure], *, as_json: bool, title: str) -> None:
    """Print measures that a person can choose from, or all that is known of them as a JSON list."""
    shown = [
        {
            "measure": each.kind,
            "restricts": in_words(each.scope),
            "replayed": each.words,
            "reason": "say why" if each.wider_than_needed else "",
        }
        for each in offered
    ]
    columns = (
        Column("measure", full=True),
        Column("restricts", wraps=True),
        Column("replayed", wraps=True),
        Column("reason", "wider than\nneeded"),
    )
    print_table(offered if as_json else shown, columns, as_json=as_json, title=title)
