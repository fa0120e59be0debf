"""``cjp-fraud traffic`` and ``backtest``: what is wrong usage of their options."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cjp_fraud.cli.main import app


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
