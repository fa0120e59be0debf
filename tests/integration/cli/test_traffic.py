"""``cjp-fraud traffic`` and ``backtest``: wrong usage of their options, and what they do without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cjp_fraud.cli.main import app
from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.traffic import QuarantinePurged, purge_quarantine


@pytest.mark.parametrize("wrong", ["calls", "calls=nonsense", "=contacts_offered"])
@pytest.mark.parametrize(
    "command",
    [
        ["traffic", "ingest", "traffic.csv"],
        ["backtest", "--traffic", "traffic.csv", "--tenants", "tenants.csv", "--out", "scores.parquet"],
    ],
)
def test_a_mapping_that_is_none_is_wrong_usage(command: list[str], wrong: str, tmp_path: Path) -> None:
    home = ["--home", str(tmp_path / "home")]
    assert CliRunner().invoke(app, [*home, "init"]).exit_code == 0
    result = CliRunner().invoke(app, [*home, *command, "--map", wrong])
    assert result.exit_code == 2
    assert "--map" in result.output


def test_a_backtest_needs_no_home(tmp_path: Path) -> None:
    traffic, tenants, out = tmp_path / "traffic.csv", tmp_path / "tenants.csv", tmp_path / "scores.parquet"
    tenants.write_text("tenant_id,time_zone\nacme,Etc/UTC\n")
    traffic.write_text(
        "tenant_id,interval_start,interval_seconds,channel,direction,contacts_offered\n"
        "acme,2026-03-02T09:00:00Z,300,voice,inbound,7\n"
    )
    home = tmp_path / "none"
    words = ["backtest", "--traffic", str(traffic), "--tenants", str(tenants), "--out", str(out)]
    ended = CliRunner().invoke(app, ["--home", str(home), *words])
    assert ended.exit_code == 0, ended.output
    assert out.exists()
    assert not home.exists()


def test_what_a_purge_erased_is_a_view_with_the_fields_that_json_prints(tmp_path: Path) -> None:
    home = ["--home", str(tmp_path)]
    rows = tmp_path / "traffic.csv"
    rows.write_text(
        "tenant_id,interval_start,interval_seconds,channel,direction,contacts_offered\n"
        "who,2026-03-02T09:00:00Z,300,voice,inbound,7\n"
    )
    for words in (["init"], ["traffic", "ingest", str(rows)]):
        assert CliRunner().invoke(app, [*home, *words]).exit_code == 0
    printed = CliRunner().invoke(
        app, [*home, "traffic", "quarantine", "--purge", "--tenant", "who", "--json"]
    )
    assert json.loads(printed.stdout) == {"tenant_id": "who", "erased": 1}
    again = purge_quarantine(Deployment(load_settings(home=tmp_path)), "who")
    assert again == QuarantinePurged("who", 0)
