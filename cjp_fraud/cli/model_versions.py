"""``cjp-fraud models``: registered model versions."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import select

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment, person, print_record, print_rows
from cjp_fraud.detection.tables import ModelPromotion, ModelVersion
from cjp_fraud.errors import refuse_unless
from cjp_fraud.people.model import Role
from cjp_fraud.storage.database import reading, transaction

app = typer.Typer(no_args_is_help=True, help="Model versions: one a Monday, fitted by cjp-fraud train.")
VersionArgument = Annotated[
    str, typer.Argument(metavar="VERSION", help="Id, the beginning of one, or the Monday's date.")
]


@app.command("list")
def list_versions(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the versions, the newest first, with the moments from which they count."""
    with reading(deployment(ctx).engine) as session:
        valid: dict[str, list[str]] = {}
        for promotion in session.scalars(select(ModelPromotion).order_by(ModelPromotion.valid_from)):
            valid.setdefault(promotion.model_version_id, []).append(f"{promotion.valid_from:%Y-%m-%d %H:%M}Z")
        rows = [
            {
                "id": row.id,
                "monday": f"{row.monday:%Y-%m-%d}",
                "valid_from": valid.get(row.id, []),
                "threshold": row.threshold,
                "series_with_history": row.metrics.get("series_with_history"),
                "days": row.metrics.get("days"),
                "episodes": row.metrics.get("episodes"),
                "sha256": row.sha256[:16],
            }
            for row in session.scalars(select(ModelVersion).order_by(ModelVersion.monday.desc()))
        ]
    print_rows(rows, as_json=as_json, title="Model versions")


@app.command()
def show(ctx: typer.Context, version: VersionArgument, as_json: JsonOption = False) -> None:
    """Show a version's card: window, parameters, features, libraries, metrics, hash."""
    from cjp_fraud.detection.registry import find_version  # inside: see cli/detection.py

    with reading(deployment(ctx).engine) as session:
        row = find_version(session, version)
        card = {column.name: getattr(row, column.name) for column in ModelVersion.__table__.columns}
        card["parameters"] = {key: value for key, value in row.parameters.items() if key != "histograms"}
        card["valid_from"] = [
            promotion.valid_from
            for promotion in session.scalars(
                select(ModelPromotion)
                .where(ModelPromotion.model_version_id == row.id)
                .order_by(ModelPromotion.valid_from)
            )
        ]
    print_record(card, as_json=as_json, title=f"Model version {row.id}")


@app.command()
def promote(ctx: typer.Context, version: VersionArgument, as_user: AsOption) -> None:
    """Let a version count from the next UTC midnight on (to go back to an earlier one, for example)."""
    from cjp_fraud.detection.registry import find_version  # inside: see cli/detection.py
    from cjp_fraud.detection.registry import promote as promote_version

    opened = deployment(ctx)
    with transaction(opened.engine) as session:
        by = person(session, as_user)
        refuse_unless(
            (by.may(Role.ADMIN, Role.ANALYST), f"{by} is neither analyst nor admin"),
            action="promote a version",
        )
        promoted = promote_version(session, find_version(session, version).id, by, opened.now)
    typer.echo(f"version {promoted.model_version_id} counts from {promoted.valid_from:%Y-%m-%d %H:%M}Z")
