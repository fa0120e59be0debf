"""What people ask detection: to detect, which flags there are, how unusual a tenant's intervals were."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cjp_fraud.cli.main import app
from tests.integration.detection.deployments import START, SmallDeployment, traffic

DAYS = 6
END = START + timedelta(days=DAYS)
BURST = 5 * 288 + 120


@pytest.fixture(scope="module")
def detected(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> SmallDeployment:
    """Six days of two tenants, of which one is attacked on the last; detected."""
    home = tmp_path_factory.mktemp("detected")
    zones = {"acme": "Etc/UTC", "zenith": "Etc/UTC"}
    made = SmallDeployment.new(home, sqlite_template, zones, buckets=1)
    made.ingest(
        traffic(DAYS, tenants=zones, burst=lambda tenant: [(BURST, 6, 900)] if tenant == "acme" else [])
    )
    made.detect(START, END, END + timedelta(days=1))
    return made


def said(home: Path, *words: str) -> Any:
    """What a command prints as JSON."""
    now = (END + timedelta(days=1)).isoformat()
    result = CliRunner().invoke(app, ["--home", str(home), *words, "--json"], env={"CJP_FRAUD_NOW": now})
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_window_without_traffic_is_said_to_have_none(detected: SmallDeployment) -> None:
    done = said(detected.home, "detect", "--from", "2027-01-01", "--to", "2027-01-02")
    assert done["intervals_scored"] == 0
    assert "no traffic from 2027-01-01" in done["note"]
    assert "from 2026-03-02 to 2026-03-08" in done["note"]
    assert said(detected.home, "detect", "--from", "2026-03-03", "--to", "2026-03-04")["note"] is None


def test_flags_are_listed_by_tenant_time_and_case(detected: SmallDeployment) -> None:
    flags = said(detected.home, "flags", "list")
    assert flags
    assert {flag["tenant_id"] for flag in flags} == {"acme"}
    assert all(flag["superseded_at"] is None and flag["why"] and flag["case"] for flag in flags)
    first = flags[0]
    assert said(detected.home, "flags", "list", "--tenant", "zenith") == []
    assert said(detected.home, "flags", "list", "--case", str(first["case"])) == flags
    with pytest.raises(AssertionError, match="no case '999' is on record"):
        said(detected.home, "flags", "list", "--case", "999")
    until = said(detected.home, "flags", "list", "--to", first["interval_start"])
    since = said(detected.home, "flags", "list", "--from", first["interval_start"])
    assert (until, since) == ([], flags)


def test_superseded_flags_are_listed_where_asked_for(detected: SmallDeployment, tmp_path: Path) -> None:
    small = detected.copy(tmp_path / "corrected")
    before = said(small.home, "flags", "list")
    rows = traffic(DAYS, tenants=small.zones)
    at = START + timedelta(minutes=5 * BURST)
    mine = rows[(rows["tenant_id"] == "acme") & (rows["interval_start"] >= at)].head(6)
    small.ingest(mine, "correction.parquet", now=END + timedelta(days=1))
    small.detect(START + timedelta(days=5), END, END + timedelta(days=1))
    assert said(small.home, "flags", "list", "--tenant", "acme") == []
    old = said(small.home, "flags", "list", "--superseded")
    assert {flag["id"] for flag in old} == {flag["id"] for flag in before}
    assert all(flag["superseded_at"] for flag in old)


def test_scores_of_a_tenant_are_shown_by_interval(detected: SmallDeployment) -> None:
    window = ["--from", "2026-03-07T10:00:00Z", "--to", "2026-03-07T11:00:00Z"]
    scores = said(detected.home, "scores", "show", "acme", *window)
    assert len(scores) == 12
    assert scores == sorted(scores, key=lambda row: row["interval_start"])
    flagged = [row for row in scores if row["flagged"]]
    assert flagged
    assert all(row["observed"] > 500 and row["score"] > row["threshold"] for row in flagged)


def test_scores_of_a_longer_clock_are_shown_by_the_span_that_ends_with_an_interval(
    detected: SmallDeployment,
) -> None:
    window = ["--from", "2026-03-07T10:00:00Z", "--to", "2026-03-07T12:00:00Z"]
    minutes = said(detected.home, "scores", "show", "acme", *window)
    hours = said(detected.home, "scores", "show", "acme", *window, "--clock", "hour")
    assert [row["observed"] for row in hours] == [
        sum(row["observed"] for row in minutes[first : first + 12]) for first in (0, 12)
    ]
    assert [row["interval_start"] for row in hours] == [minutes[last]["interval_start"] for last in (11, 23)]
    assert {(row["clock"], row["span_seconds"]) for row in hours} == {("hour", 3600)}
    assert all(row["unbarred"] is not None and row["score"] is None for row in hours), "not seven days yet"


def test_scores_of_nobody_and_of_no_time_are_refused(detected: SmallDeployment) -> None:
    home = ["--home", str(detected.home)]
    window = ["--from", "2026-03-07", "--to", "2026-03-08"]
    unknown = CliRunner().invoke(app, [*home, "scores", "show", "nobody", *window])
    assert unknown.exit_code == 1
    assert "nobody" in str(unknown.exception)
    backwards = CliRunner().invoke(
        app, [*home, "scores", "show", "acme", "--from", "2026-03-08", "--to", "2026-03-07"]
    )
    assert backwards.exit_code == 2
