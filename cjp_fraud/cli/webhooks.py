"""``cjp-fraud webhooks``: other systems that are told of cases, measures and billing."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment
from cjp_fraud.cli.printing import Column, print_table
from cjp_fraud.webhooks.model import DeliveryState

app = typer.Typer(no_args_is_help=True)

EndpointArgument = Annotated[
    str, typer.Argument(metavar="ENDPOINT", help="Id, or its first 8 digits or more.")
]


@app.command()
def create(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(help="https://..., or http:// on this machine.")],
    as_user: AsOption,
    event: Annotated[
        list[str] | None, typer.Option("--event", help="*, measure.*, case.approved; may be repeated.")
    ] = None,
) -> None:
    """Tell another system of events from now on, and print the secret that signs them, once."""
    from cjp_fraud.operations import webhooks

    opened = deployment(ctx)
    made = webhooks.create_endpoint(opened, as_user, opened.now, url, event or ["*"])
    typer.echo(made.secret)
    typer.echo(f"endpoint {made.endpoint.id}: {', '.join(made.endpoint.events)}", err=True)


@app.command("rotate-secret")
def rotate_secret(ctx: typer.Context, endpoint: EndpointArgument, as_user: AsOption) -> None:
    """Print a further secret; those before it sign beside it for 24 hours more."""
    from cjp_fraud.operations import webhooks

    opened = deployment(ctx)
    made = webhooks.rotate_secret(opened, as_user, opened.now, endpoint)
    typer.echo(made.secret)


@app.command()
def disable(ctx: typer.Context, endpoint: EndpointArgument, as_user: AsOption) -> None:
    """Tell an endpoint nothing more."""
    from cjp_fraud.operations import webhooks

    opened = deployment(ctx)
    ended = webhooks.disable_endpoint(opened, as_user, opened.now, endpoint)
    typer.echo(f"endpoint {ended.id}: disabled; {ended.waiting} event(s) are not sent")


@app.command("list")
def list_endpoints(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the endpoints, the newest first, with how many events wait, were delivered, were given up."""
    from cjp_fraud.operations import webhooks

    opened = deployment(ctx)
    columns: list[str | Column] = [
        "id",
        Column("url", full=True),
        "events",
        "secrets",
        "waiting",
        "delivered",
        "dead",
        Column("disabled_at", spare=True),
    ]
    print_table(webhooks.list_endpoints(opened, opened.now), columns, as_json=as_json, title="Webhooks")


@app.command()
def deliveries(
    ctx: typer.Context,
    endpoint: Annotated[str | None, typer.Option(help="Only this one's.")] = None,
    state: Annotated[DeliveryState | None, typer.Option(help="Only those.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most that are listed.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List what was or will be sent, the newest first."""
    from cjp_fraud.operations import webhooks

    listed = webhooks.list_deliveries(deployment(ctx), endpoint=endpoint, state=state, limit=limit)
    columns: list[str | Column] = [
        "id",
        Column("type", full=True),
        "at",
        "state",
        "attempts",
        "next_at",
        "last_status",
        Column("last_fault", spare=True, wraps=True),
    ]
    print_table(listed, columns, as_json=as_json, title="Deliveries")


@app.command("send-again")
def send_again(
    ctx: typer.Context,
    delivery: Annotated[str, typer.Argument(help="Id, or its first 8 digits or more.")],
    as_user: AsOption,
) -> None:
    """Send an event once more, with its attempts counted anew; run-due sends it."""
    from cjp_fraud.operations import webhooks

    opened = deployment(ctx)
    again = webhooks.send_again(opened, as_user, opened.now, delivery)
    typer.echo(f"{again.type} {again.event_id}: {again.state}")
