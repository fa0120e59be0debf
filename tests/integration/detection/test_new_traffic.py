"""New traffic without a scheduler: a file in the inbox becomes a flag, a case and a page in one call."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from cjp_fraud.cli.main import app
from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.operations import traffic
from cjp_fraud.operations.new_traffic import NewTraffic, take_up_new_traffic
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.traffic.tables import TrafficChange
from cjp_fraud.web import due_work
from features.columns import INTERVAL_START
from tests.integration.detection.cloud import ATTACKED, TENANTS, cloud_traffic
from tests.integration.detection.deployments import SmallDeployment
from tests.simulated_clocks import show_clock

HOUR = ATTACKED.replace(minute=0)
NOW = ATTACKED + timedelta(minutes=6)


@pytest.fixture(scope="module")
def scored(eve: SmallDeployment, tmp_path_factory: pytest.TempPathFactory) -> SmallDeployment:
    """A home in which all is scored up to the hour of acme's burst, and the rows from there on have yet to come."""
    small = eve.copy(tmp_path_factory.mktemp("scored") / "home")
    small.run_stages(HOUR + timedelta(minutes=10))
    with transaction(small.engine) as session:
        session.execute(update(TrafficChange).values(scored_at=HOUR, scored_open_at=HOUR))
    return small


@pytest.fixture
def small(scored: SmallDeployment, tmp_path: Path) -> SmallDeployment:
    """A copy that a test may change."""
    return scored.copy(tmp_path / "home")


def opened(small: SmallDeployment) -> Deployment:
    return Deployment(load_settings(home=small.home))


def arrives(small: SmallDeployment, at: datetime = ATTACKED, name: str = "interval.csv") -> Path:
    """Put the interval of all tenants into the inbox, one contact more each, so that it says something new."""
    rows = cloud_traffic()
    rows = rows[rows[INTERVAL_START] == at]
    inbox = small.home / "inbox"
    inbox.mkdir(exist_ok=True)
    rows.assign(contacts_offered=rows["contacts_offered"] + 1).to_csv(inbox / name, index=False)
    return inbox / name


def tenants_with_cases(small: SmallDeployment) -> set[str]:
    with reading(small.engine) as session:
        return set(session.scalars(select(Case.tenant_id)))


def test_a_file_in_the_inbox_is_scored_and_flagged_at_once(small: SmallDeployment) -> None:
    assert "acme" not in tenants_with_cases(small)
    file = arrives(small)
    done = take_up_new_traffic(opened(small), NOW)
    assert (done.rows_stored, done.hours_scored, done.cases_opened) == (len(TENANTS), 1, 1)
    assert not file.exists()
    assert "acme" in tenants_with_cases(small)
    [flag] = [flag for flag in small.flags() if flag.interval_start == ATTACKED and flag.tenant_id == "acme"]
    assert flag.q_value is None


def test_again_changes_nothing_and_where_nothing_waits_the_lake_is_not_opened(
    small: SmallDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrives(small)
    take_up_new_traffic(opened(small), NOW)
    before = small.flag_keys()
    assert take_up_new_traffic(opened(small), NOW) == NewTraffic()
    assert small.flag_keys() == before
    closing = take_up_new_traffic(opened(small), HOUR + timedelta(minutes=70))
    assert closing.hours_scored == 1
    shutil.rmtree(small.home / "lake")
    assert take_up_new_traffic(opened(small), HOUR + timedelta(minutes=70)) == NewTraffic()


def test_history_that_was_never_scored_is_left_to_the_command(small: SmallDeployment) -> None:
    with transaction(small.engine) as session:
        session.execute(
            update(TrafficChange)
            .where(TrafficChange.last_interval < HOUR - timedelta(days=2))
            .values(scored_at=None)
        )
    assert take_up_new_traffic(opened(small), NOW) == NewTraffic()


def test_a_file_that_cannot_be_read_is_refused_and_told(small: SmallDeployment) -> None:
    arrives(small, name="bad.csv").write_text("no traffic\n")
    done = take_up_new_traffic(opened(small), NOW)
    [(name, reason)] = done.refused
    assert name == "bad.csv"
    assert reason


def test_what_was_stored_before_a_failure_is_flagged_all_the_same(
    small: SmallDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrives(small)
    arrives(small, ATTACKED + timedelta(minutes=5), name="later.csv")
    stored = traffic.traffic_ingest.ingest_source

    def full(source: object, into: object) -> object:
        if "later" in str(vars(source)):
            raise OSError("no space left on device")
        return stored(source, into)  # type: ignore[arg-type]

    monkeypatch.setattr(traffic.traffic_ingest, "ingest_source", full)
    with pytest.raises(CjpFraudError, match="only in part"):
        take_up_new_traffic(opened(small), NOW)
    assert "acme" in tenants_with_cases(small)


def test_run_due_takes_new_traffic_up_unless_a_schedule_does(small: SmallDeployment) -> None:
    file = arrives(small)
    show_clock(small.engine, NOW)
    home = ["--home", str(small.home)]
    CliRunner().invoke(app, [*home, "run-due", "--no-traffic"])
    assert file.exists()
    done = CliRunner().invoke(app, [*home, "run-due"])
    assert f"{len(TENANTS)} row(s) of traffic stored, 1 hour(s) scored, 1 case(s) opened" in done.stderr
    assert not file.exists()


def test_the_server_looks_again_at_once_while_more_is_waiting(
    small: SmallDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[datetime] = []

    def look(_deployment: Deployment, now: datetime) -> NewTraffic:
        asked.append(now)
        return NewTraffic(more_is_waiting=len(asked) < 2)

    monkeypatch.setattr(due_work, "take_up_new_traffic", look)
    assert due_work.look_once(opened(small))
    assert not due_work.look_once(opened(small))


def test_what_fails_is_logged_and_stops_no_server(
    small: SmallDeployment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(_deployment: Deployment, _now: datetime) -> NewTraffic:
        raise RuntimeError("a bug")

    monkeypatch.setattr(due_work, "take_up_new_traffic", fails)
    assert due_work.look_once(opened(small)) is False
    assert "could not be taken up" in caplog.text
