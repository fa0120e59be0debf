"""``cjp-fraud init``: make the database and the lake, or bring them to this version."""

from __future__ import annotations

import typer

from cjp_fraud.cli.frame import JsonOption, deployment, print_record
from cjp_fraud.deployment import LAKE_TABLES
from cjp_fraud.storage.database import make_engine
from cjp_fraud.storage.migration import migrate


def init(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Make the database (migrations) and the lake's tables; running it again is harmless."""
    opened = deployment(ctx)
    settings = opened.settings
    settings.home.mkdir(parents=True, exist_ok=True)
    engine = make_engine(settings.database)
    before, after = migrate(engine)
    opened.lake.create(LAKE_TABLES, buckets=settings.lake_buckets)
    print_record(
        {
            "database": settings.shown()["database_url"],
            "schema": after if before != after else f"{after} (unchanged)",
            "lake": settings.shown()["lake_url"],
            "buckets": opened.lake.buckets,
            "mode": settings.platform_mode,
        },
        as_json=as_json,
        title="Ready",
    )
