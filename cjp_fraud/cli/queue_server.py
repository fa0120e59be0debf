"""``cjp-fraud serve``: the review queue, and the customers' notice page beside it."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cjp_fraud.cli.frame import deployment, settings
from cjp_fraud.clock import machine_now
from cjp_fraud.errors import BadInputError

if TYPE_CHECKING:
    from cjp_fraud.operations.demo_queue import DemoSignIn

LOOPBACK: Final = "127.0.0.1"
PORT: Final = 8471
"""Where the review queue is served unless told otherwise."""


def serve(
    ctx: typer.Context,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = LOOPBACK,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = PORT,
    run_due: Annotated[
        bool,
        typer.Option(
            "--run-due/--no-run-due", help="Do what is due every minute too; not where a schedule does."
        ),
    ] = True,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo",
            help="Serve a queue of a simulated cloud, made anew in HOME/serve-demo, and print as whom to sign in.",
        ),
    ] = False,
) -> None:
    """Serve the review queue and the customers' notice page until interrupted.

    It listens on this machine alone unless told otherwise. People sign in with a password and a second factor:
    cjp-fraud users invite NAME prints a link with which they choose both.
    """
    from cjp_fraud.web.application import serve_queue

    if demo:
        _serve_demo(settings(ctx).home / "serve-demo", host, port, runs_due=run_due)
        return
    opened = deployment(ctx)
    _say_where(host, port)
    serve_queue(opened, host, port, runs_due=run_due)


def _serve_demo(home: Path, host: str, port: int, *, runs_due: bool) -> None:
    """Make the demo's queue, say as whom one may sign in, and serve it, its mail server running on loopback."""
    from cjp_fraud.operations.demo_queue import make_demo_queue
    from cjp_fraud.simulation.demo import demo_settings, prepare_home
    from cjp_fraud.simulation.mail_sink import running_mail_sink
    from cjp_fraud.web.application import serve_queue

    # Before an earlier demo is replaced: it may be the one that is served there now.
    _require_free(host, port)
    prepare_home(home)
    with running_mail_sink() as sink, demo_settings(sink.port):
        queue = make_demo_queue(home, lambda step: typer.echo(f"{step} ...", err=True))
        _say_who_may_sign_in(queue.sign_ins)
        _say_where(host, port)
        serve_queue(queue.deployment, host, port, runs_due=runs_due)


def _require_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BadInputError(
                f"cannot listen on {host}:{port} ({error.strerror}); choose another --port"
            ) from error


def _say_who_may_sign_in(sign_ins: tuple[DemoSignIn, ...]) -> None:
    """Print name, password and second factor of each person, and the codes of the next minutes."""
    typer.echo(
        "Traffic, customers and people are simulated, the clock too, and no letter leaves this machine."
    )
    typer.echo("Sign in, each in a browser (or private window) of their own, as:")
    for person in sign_ins:
        typer.echo(f"  {person.name} ({', '.join(person.roles)})")
        typer.echo(f"    password  {person.password}")
        typer.echo(f"    secret    {person.secret}   (for an authenticator, or oathtool --totp -b SECRET)")
        codes = "  ".join(f"{at:%H:%M:%S} {code}" for at, code in person.codes(machine_now()))
        typer.echo(f"    codes     {codes}")
    typer.echo(
        "Each code is good from the half minute (UTC) beside it for about a minute, once. All of this is the"
    )
    typer.echo("demo's alone, and new each time.")


def _say_where(host: str, port: int) -> None:
    typer.echo(f"review queue on http://{host}:{port}", err=True)
    if not _is_this_machine(host):
        typer.echo(
            "WARNING: other machines reach it, and it speaks http alone: passwords and sessions would pass in the "
            "clear. Put a server in front of it that speaks https, and let only that one reach it",
            err=True,
        )


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
