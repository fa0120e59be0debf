"""`cjp-fraud measures reinstate --stage`, `stages`, `hold-stages`, `resume-stages`: a measure lifted in stages."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment
from cjp_fraud.cli.printing import Column, print_json, print_table, stamp
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.review.model import RestoreCheck
from cjp_fraud.review.requests import MeasureWanted

if TYPE_CHECKING:
    from cjp_fraud.deployment import Deployment
    from cjp_fraud.operations.staged_reinstatement import AskedStages, StagedResult
    from cjp_fraud.suspension.stage_views import StagesView

Case = Annotated[str, typer.Argument(metavar="CASE", help="Number or id (cases list).")]
Because = Annotated[str, typer.Option("--because", metavar="TEXT", help="The reasons; kept with it.")]
Stages = Annotated[
    list[str] | None,
    typer.Option(
        "--stage",
        metavar="STAGE",
        help="Lift it in stages; once for each, in order: what stays restricted, and from the second on from when, "
        "as in 'limit_rate rate=300' and 'block_destinations destination=+371,+372 from 4h'. What there is to "
        "choose from: disputes narrower CASE.",
    ),
]
Lift = Annotated[
    str | None,
    typer.Option(
        "--lift",
        metavar="WHEN",
        help="With --stage: when all of it is lifted, at the earliest: 4h, 'tomorrow 09:00' or "
        "'2026-01-31 09:00' in the customer's time zone.",
    ),
]
_FIELDS: Final = {
    "channel": "channels",
    "direction": "directions",
    "application": "application_ids",
    "principal": "principal_ids",
    "destination": "destination_prefixes",
    "origin": "origins",
}
"""Name in a stage → field of the scope."""

_COLUMNS: Final = (
    Column("number", "stage"),
    Column("words", "restricts", wraps=True),
    Column("earliest_at", "earliest"),
    Column("standing", "is"),
    Column("confirmed_at", "in force since"),
)


def reinstate_in_stages(
    opened: Deployment,
    case: str,
    as_user: str,
    because: str,
    checks: Collection[RestoreCheck],
    *,
    stages: Sequence[str],
    lift: str | None,
) -> None:
    """Order the stages as the options say them, and print how they stand."""
    from cjp_fraud.operations import staged_reinstatement

    done = staged_reinstatement.reinstate_in_stages(
        opened, as_user, opened.now, case, asked=asked_stages(stages, lift), reasons=because, checks=checks
    )
    _report(done)


def stages(ctx: typer.Context, case: Case, as_json: JsonOption = False) -> None:
    """Show how far the reinstatement of a case in stages is, and what comes next."""
    from cjp_fraud.operations import staged_reinstatement

    opened = deployment(ctx)
    view = staged_reinstatement.show_stages(opened, opened.now, case)
    if as_json:
        print_json(view)
    else:
        _print(view)


def hold_stages(ctx: typer.Context, case: Case, as_user: AsOption, because: Because) -> None:
    """Hold a reinstatement in stages, as an approver: no further stage comes until somebody lets it go on."""
    from cjp_fraud.operations import staged_reinstatement

    opened = deployment(ctx)
    _report(staged_reinstatement.hold_stages(opened, as_user, opened.now, case, reasons=because))


def resume_stages(ctx: typer.Context, case: Case, as_user: AsOption, because: Because) -> None:
    """Let a held reinstatement go on, as an approver: what is due by then comes at once."""
    from cjp_fraud.operations import staged_reinstatement

    opened = deployment(ctx)
    _report(staged_reinstatement.resume_stages(opened, as_user, opened.now, case, reasons=because))


def asked_stages(said: Sequence[str], lift: str | None) -> AskedStages:
    """Return the stages that the options describe.

    Raises
    ------
    typer.BadParameter
        Says what cannot be read, or is missing.
    """
    from cjp_fraud.operations.staged_reinstatement import AskedStage, AskedStages

    if not lift:
        raise typer.BadParameter("say when all of it is lifted, at the earliest: --lift WHEN")
    read = [_stage(text) for text in said]
    if read[0][1] is not None:
        raise typer.BadParameter("the first stage begins at once; leave out its 'from'")
    late = [text for text, (_, when) in zip(said[1:], read[1:], strict=True) if when is None]
    if late:
        raise typer.BadParameter(f"say from when on, at the earliest: --stage '{late[0]} from 4h'")
    later = [AskedStage(wanted, when) for wanted, when in read[1:] if when is not None]
    return AskedStages(read[0][0], later, lift)


def _stage(text: str) -> tuple[MeasureWanted, str | None]:
    """Return what stays restricted, and from when on; None: it is not said."""
    what, _, when = text.partition(" from ")
    kind, *named = what.split()
    if kind not in list(MeasureKind):
        raise typer.BadParameter(f"{kind!r} is no kind of measure; they are {', '.join(MeasureKind)}")
    scope: dict[str, Any] = {}
    for each in named:
        name, _, value = each.partition("=")
        if name == "rate" and value.isascii() and value.isdigit():
            scope["contacts_per_hour"] = int(value)
        elif name in _FIELDS and value:
            scope[_FIELDS[name]] = tuple(value.split(","))
        else:
            raise typer.BadParameter(
                f"{each!r} is no part of a scope; write {', '.join(_FIELDS)} or rate=300"
            )
    return MeasureWanted(MeasureKind(kind), Scope(**scope)), when.strip() or None


def _report(done: StagedResult) -> None:
    """Print how the stages stand; exit code 1 where the platform or the customer is still to be told."""
    _print(done.stages)
    for sentence in done.enforcement.waiting_for:
        typer.echo(f"  {sentence}")
    if done.enforcement.waiting_for:
        raise typer.Exit(1)


def _print(view: StagesView) -> None:
    print_table(view.stages, _COLUMNS, as_json=False, title=f"Case {view.case}: lifted in stages")
    if view.held is not None:
        typer.echo(
            f"held since {stamp(view.held.held_at)} by {view.held.held_by} ({view.held.cause}); it goes on by: "
            f"cjp-fraud measures resume-stages {view.case}; all is lifted at once by: cjp-fraud measures reinstate "
            f"{view.case}"
        )
    elif view.next_at is not None:
        typer.echo(f"next: stage {view.next_number}, at the earliest at {stamp(view.next_at)}")
