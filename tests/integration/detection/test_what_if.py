"""What other budgets would have flagged: from traffic, from decisions, and as a command prints it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from cjp_fraud.cli import model_versions
from cjp_fraud.config import PlatformMode, load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.detection.decided_cases import read_decided
from cjp_fraud.detection.operating_point import Spikes, SpikeWindow
from cjp_fraud.detection.precision import DecidedCase
from cjp_fraud.detection.rules import Budgets, DetectionRules
from cjp_fraud.detection.what_if import MeasuredPast, over_budgets
from cjp_fraud.errors import BadInputError
from cjp_fraud.notices.methods.interface import NoticeMethods
from cjp_fraud.operations.model_versions import what_if
from cjp_fraud.review.claim import claim
from cjp_fraud.review.determination import leave_undetermined
from cjp_fraud.review.model import Finding
from features.counting_clocks import INITIAL_THRESHOLD, Clock
from features.local_grid import DAY
from tests.case_builders import START as NOON
from tests.case_builders import a_flag, flag, open_staffed
from tests.integration.detection.deployments import START, SmallDeployment, traffic

DAYS = 10
NOW = START + timedelta(days=DAYS, hours=3)


def attacked(tenant: str) -> list[tuple[int, int, int]]:
    """Two tenants with one burst each, days apart."""
    return {"acme": [(7 * 96 + 30, 3, 900)], "zenith": [(9 * 96 + 50, 3, 900)]}.get(tenant, [])


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> Deployment:
    """Ten days of four tenants, two of them attacked; ingested, nothing more."""
    small = SmallDeployment.new(tmp_path_factory.mktemp("what-if"), sqlite_template, buckets=1)
    small.ingest(traffic(DAYS, seconds=900, burst=attacked))
    return Deployment(load_settings(home=small.home))


def test_a_larger_budget_flags_no_less(opened: Deployment) -> None:
    view = what_if(opened, NOW, cases_per_day=(0.5, 0.1, 40), episodes_per_series_week=9)
    assert [point.budget for point in view.points] == [0.1, 0.5, 40]
    tight, middle, wide = view.points
    assert tight.threshold > middle.threshold >= wide.threshold == 1.5
    assert tight.flags < middle.flags <= wide.flags
    assert all(point.cases_per_day <= point.budget for point in view.points if point.budget)
    assert (tight.bound_by, wide.bound_by) == ("cases", None)


def test_the_days_end_where_whole_days_of_traffic_end(opened: Deployment) -> None:
    view = what_if(opened, NOW)
    assert view.end == START + timedelta(days=DAYS)
    assert view.begin == view.end - timedelta(days=28)
    assert view.in_force.threshold == 2.4
    assert 20 in [point.budget for point in view.points]


def test_asked_again_it_says_the_same(opened: Deployment) -> None:
    assert what_if(opened, NOW) == what_if(opened, NOW)


def test_a_budget_of_nothing_is_refused(opened: Deployment) -> None:
    with pytest.raises(BadInputError, match="above 0"):
        what_if(opened, NOW, cases_per_day=(0,))


def test_the_command_prints_a_row_a_budget_and_says_what_is_in_force(
    tmp_path: Path, sqlite_template: bytes
) -> None:
    small = SmallDeployment.new(tmp_path, sqlite_template, buckets=1)
    small.ingest(traffic(4, seconds=1800))
    opened = Deployment(load_settings(home=tmp_path, now=NOW))
    words = ["what-if", "--cases-per-day", "40", "--cases-per-day", "7"]
    shown = CliRunner().invoke(model_versions.app, words, obj=opened, env={"COLUMNS": "120"})
    assert shown.exit_code == 0, (shown.output, shown.exception)
    assert "First row: the threshold in force" in shown.stdout
    assert "Only 3 of 28 days have scores" in shown.stdout
    document = json.loads(CliRunner().invoke(model_versions.app, [*words, "--json"], obj=opened).stdout)
    assert [point["budget"] for point in document["points"]] == [7, 40]


def test_precision_counts_what_was_decided_either_way_and_shows_the_rest_beside() -> None:
    spikes = Spikes(
        np.array(["a", "b", "c", "d"], dtype=object),
        np.array([0, 3600, 7200, 10800], dtype=np.int64),
        np.array([6.0, 5.0, 4.0, 3.0]),
        4,
    )
    window = SpikeWindow.of_days({0: [spikes]}, 0, 28)
    decided = (
        DecidedCase("a", 0, 0, Finding.FRAUDULENT),
        DecidedCase("b", 3000, 4000, Finding.NOT_FRAUDULENT),
        DecidedCase("c", 7200, 7200, Finding.UNDETERMINED),
        DecidedCase("d", 0, 10799, Finding.FRAUDULENT),
        DecidedCase("e", 0, DAY, Finding.FRAUDULENT),
    )
    past = MeasuredPast(START, START, window, decided)
    one, two, three = over_budgets(
        past, DetectionRules(budgets=Budgets(episodes_per_series_week=99)), (1, 2, 3)
    )
    assert (one.fraudulent, one.not_fraudulent, one.undetermined, one.precision) == (1, 0, 0, 1.0)
    assert (two.fraudulent, two.not_fraudulent, two.undetermined, two.precision) == (1, 1, 0, 0.5)
    assert (three.fraudulent, three.not_fraudulent, three.undetermined, three.precision) == (1, 1, 1, 0.5)
    assert past.point({Clock.MINUTE: 7.0, **INITIAL_THRESHOLD}).precision is None


def test_the_newest_finding_of_a_case_counts(engine: Engine, tmp_path: Path) -> None:
    staffed = open_staffed(engine, tmp_path, NoticeMethods(PlatformMode.ACT, {}))
    flag(engine, a_flag(NOON), a_flag(NOON + timedelta(minutes=5)))
    staffed.do(claim, "rita")
    assert read_decided(engine) == ()
    staffed.do(leave_undetermined, "rita", reasons="nobody answered the telephone")
    first, last = int(NOON.timestamp()), int(NOON.timestamp()) + 300
    assert read_decided(engine) == (DecidedCase("acme", first, last, Finding.UNDETERMINED),)
    staffed.determine()
    assert read_decided(engine) == (DecidedCase("acme", first, last, Finding.FRAUDULENT),)
