"""``cjp-fraud contracts consents`` and its like: what customers have signed about a cap of their own traffic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cjp_fraud.cli.determination import Because
from cjp_fraud.cli.frame import AsOption, JsonOption, deployment
from cjp_fraud.cli.printing import print_json, print_table, print_view

ConsentArgument = Annotated[
    str, typer.Argument(metavar="CONSENT", help="Its id, or how it begins (contracts consents TENANT).")
]
TenantArgument = Annotated[str, typer.Argument(metavar="TENANT", help="On record (tenants show).")]


def enter_consent(
    ctx: typer.Context,
    tenant: TenantArgument,
    file: Annotated[Path, typer.Argument(help="What the document says: .toml or .json (docs/contracts.md).")],
    as_user: AsOption,
    signed: Annotated[Path, typer.Option(metavar="FILE", help="The file that the customer signed.")],
    as_json: JsonOption = False,
) -> None:
    """Enter a customer's standing consent to a cap, as counsel; it counts once a second person has confirmed it."""
    from cjp_fraud.operations import consents as operations

    opened = deployment(ctx)
    view = operations.enter_file(opened, as_user, opened.now, tenant, file, signed)
    print_view(view, as_json=as_json, title="Standing consent entered")


def consents(ctx: typer.Context, tenant: TenantArgument, as_json: JsonOption = False) -> None:
    """List a customer's standing consents, the newest first."""
    from cjp_fraud.operations import consents as operations

    opened = deployment(ctx)
    found = operations.list_consents(opened, opened.now, tenant)
    if as_json:
        print_json(found)
        return
    rows = [
        {
            "id": each.id,
            "in force": each.in_force,
            "reference": each.says.reference,
            "blocks": " ".join(each.blocks),
            "cents an hour": each.says.cents_per_hour,
            "cap hours": each.says.cap_hours,
            "valid to": each.says.valid_to,
            "confirmed by": each.confirmed_by,
        }
        for each in found
    ]
    columns = (
        "id",
        "in force",
        "reference",
        "blocks",
        "cents an hour",
        "cap hours",
        "valid to",
        "confirmed by",
    )
    print_table(rows, columns, title=f"Standing consents of tenant {tenant}")


def confirm_consent(
    ctx: typer.Context, consent: ConsentArgument, as_user: AsOption, as_json: JsonOption = False
) -> None:
    """Confirm that a standing consent says what the customer signed, as a second person; a breach caps from then on."""
    from cjp_fraud.operations import consents as operations

    opened = deployment(ctx)
    view = operations.confirm(opened, as_user, opened.now, consent)
    print_view(view, as_json=as_json, title="Standing consent confirmed")


def end_consent(
    ctx: typer.Context,
    consent: ConsentArgument,
    as_user: AsOption,
    because: Because,
    as_json: JsonOption = False,
) -> None:
    """End a standing consent: the customer has revoked it, or it is wrong. No cap follows it any more."""
    from cjp_fraud.operations import consents as operations

    opened = deployment(ctx)
    view = operations.end(opened, as_user, opened.now, consent, reasons=because)
    print_view(view, as_json=as_json, title="Standing consent ended")
