"""``cjp-fraud traffic`` and ``backtest``: wrong usage of their options, and what they do without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cjp_fraud.cli.main import app
from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError
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


@pytest.mark.parametrize("over", ["traffic.csv", "tenants.csv", "link.csv", "../files/traffic.csv"])
def test_a_backtest_overwrites_none_of_its_inputs(tmp_path: Path, over: str) -> None:
    files = tmp_path / "files"
    files.mkdir()
    traffic, tenants = files / "traffic.csv", files / "tenants.csv"
    tenants.write_text("tenant_id,time_zone\nacme,Etc/UTC\n")
    traffic.write_text("tenant_id,interval_start,interval_seconds,channel,direction,contacts_offered\n")
    (files / "link.csv").hardlink_to(traffic)
    before = {path.name: path.read_bytes() for path in files.iterdir()}
    words = ["backtest", "--traffic", str(traffic), "--tenants", str(tenants), "--out", str(files / over)]
    ended = CliRunner().invoke(app, words)
    assert isinstance(ended.exception, BadInputError)
    assert "would overwrite" in str(ended.exception)
    assert {path.name: path.read_bytes() for path in files.iterdir()} == before


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
