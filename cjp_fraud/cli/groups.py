"""Which groups of commands there are; each stands in a file of its own."""

from __future__ import annotations

import typer

from cjp_fraud.cli import (
    audit,
    baseline,
    cases,
    config,
    demo,
    detection,
    disputes,
    evidence,
    measures,
    model_versions,
    notices,
    set_up,
    tenants,
    traffic,
    users,
)

GROUPS = {
    "config": config.app,
    "users": users.app,
    "tenants": tenants.app,
    "traffic": traffic.app,
    "baseline": baseline.app,
    "models": model_versions.app,
    "cases": cases.app,
    "notices": notices.app,
    "measures": measures.app,
    "disputes": disputes.app,
    "audit": audit.app,
    "evidence": evidence.app,
}


def add_groups(app: typer.Typer) -> None:
    """Hang every group and the single commands on ``app``."""
    app.command("init")(set_up.init)
    app.command("demo")(demo.demo)
    app.command("train")(detection.train)
    app.command("detect")(detection.detect)
    app.command("backtest")(detection.backtest)
    for name, group in GROUPS.items():
        app.add_typer(group, name=name)
