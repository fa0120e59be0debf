"""``cjp-fraud serve-notices``: the customers' notice page."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.frame import deployment


def serve_notices(
    ctx: typer.Context,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = 8470,
) -> None:
    """Serve the customers' notice page, and nothing else, until interrupted.

    It listens on this machine alone unless told otherwise: put a server in front of it that speaks https and is
    reached at CJP_FRAUD_PUBLIC_URL. Without that setting letters name no page.
    """
    from cjp_fraud.web.application import serve_notices as serve

    opened = deployment(ctx)
    public_url = opened.settings.public_url
    reached = f"customers reach it at {public_url}" if public_url else "CJP_FRAUD_PUBLIC_URL is not set"
    typer.echo(f"notice page on http://{host}:{port}; {reached}", err=True)
    serve(opened, host, port)
