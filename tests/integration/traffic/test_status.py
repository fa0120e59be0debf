"""What is loaded: by tenant, and series by series with gaps."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cjp_fraud.cli.main import app
from cjp_fraud.errors import NotFoundError
from cjp_fraud.operations.traffic import traffic_status
from cjp_fraud.traffic.series_identity import series_id
from cjp_fraud.traffic.status import Gap, TenantStatus, status_of
from tests.integration.traffic.conftest import NOW, Desk
from tests.integration.traffic.test_inbox import Inbox


def at(hour: int, minute: int) -> datetime:
    return datetime(2026, 3, 2, hour, minute, tzinfo=UTC)


def test_each_tenant_has_its_series_span_missing_partial_late_and_rejected_intervals(desk: Desk) -> None:
    desk.ingest(desk.minutes(*[1] * 10, *[None] * 10, *[1] * 7))
    desk.ingest(desk.minutes(*[1] * 5, direction="inbound", start="2026-03-02T08:00:00Z", name="in.csv"))
    desk.ingest(desk.file({"channel": "fax"}, {"interval_start": "2026-02-28T11:58:00Z"}, name="late.csv"))
    acme, beta = status_of(desk.lake, ["acme", "beta"]).tenants
    from_february_28_to_march_2 = 547
    assert acme == TenantStatus(
        tenant_id="acme",
        series=2,
        first=datetime(2026, 2, 28, 11, 55, tzinfo=UTC),
        newest=at(9, 25),
        intervals=6,
        missing=from_february_28_to_march_2 - 5,
        partial=2,
        late=1,
        quarantined=1,
    )
    assert beta == TenantStatus("beta", 0, None, None, 0, 0, 0, 0, 0)


def test_one_tenants_series_say_where_their_gaps_are(desk: Desk) -> None:
    desk.ingest(desk.minutes(*[1] * 10, *[None] * 10, *[1] * 5, *[None] * 5, *[1] * 5))
    desk.ingest(desk.minutes(1, tenant_id="beta", name="beta.csv"))
    status = status_of(desk.lake, ["acme"], "acme")
    (series,) = status.series
    name = series_id("acme", "voice", "outbound", None, 300)
    assert (series.series_id, series.channel, series.direction) == (name, "voice", "outbound")
    assert (series.first, series.newest, series.intervals, series.missing) == (at(9, 0), at(9, 30), 4, 3)
    assert series.gaps == (Gap(name, at(9, 10), at(9, 20), 2), Gap(name, at(9, 25), at(9, 30), 1))


def test_an_empty_lake_has_nothing_loaded(desk: Desk) -> None:
    status = status_of(desk.lake, ["acme"], "acme")
    assert (status.series, status.tenants[0].newest) == ((), None)


def test_a_tenant_that_is_not_on_record_is_named(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "home")
    with pytest.raises(NotFoundError, match="'who' is not on record"):
        traffic_status(inbox.deployment, "who")


def test_the_command_prints_a_table_or_all_of_it_as_json(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "home")
    rows = [f"acme,{NOW + timedelta(minutes=5 * n):%Y-%m-%dT%H:%M:%SZ},300,voice,inbound,1" for n in (-9, -7)]
    header = "tenant_id,interval_start,interval_seconds,channel,direction,contacts_offered"
    inbox.put("a.csv", "\n".join([header, *rows]).encode())
    inbox.run()
    command = ["--home", str(inbox.folder.parent), "traffic", "status"]
    table = CliRunner().invoke(app, command).output
    assert all(word in table for word in ("acme", "missing", "partial", "late", "rejected"))
    in_full = CliRunner().invoke(app, [*command, "--tenant", "acme"]).output
    assert "Gaps" in in_full
    document = json.loads(CliRunner().invoke(app, [*command, "--tenant", "acme", "--json"]).stdout)
    assert document["tenants"][0]["missing"] == document["series"][0]["gaps"][0]["intervals"] == 1
