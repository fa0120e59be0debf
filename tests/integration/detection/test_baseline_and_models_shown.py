"""What people are shown of baselines and model versions, through the operations that commands and pages call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic_core import to_jsonable_python

from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import NotFoundError
from cjp_fraud.operations.baseline import refresh_baseline, show_baseline
from cjp_fraud.operations.model_versions import list_versions, show_version, train_versions
from tests.integration.detection.deployments import START, SmallDeployment, traffic
from tests.small_forests import small_forests

DAYS = 12
NOW = START + timedelta(days=DAYS)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> Deployment:
    """Twelve days of two tenants in two zones, ingested."""
    zones = {"kiwi": "Pacific/Auckland", "loo": "Etc/UTC"}
    small = SmallDeployment.new(tmp_path_factory.mktemp("shown"), sqlite_template, zones, buckets=1)
    small.ingest(traffic(DAYS, tenants=zones, seconds=900))
    return Deployment(load_settings(home=small.home))


@pytest.fixture(autouse=True)
def few_trees() -> Iterator[None]:
    """What is shown of a version does not depend on how many trees it has."""
    with small_forests():
        yield


def test_a_tenants_baseline_is_shown_by_series(opened: Deployment) -> None:
    done = refresh_baseline(opened, NOW)
    assert done.series_days_left_out == 0
    view = show_baseline(opened, NOW, "kiwi")
    (series,) = view.series
    assert (view.time_zone, view.days_left_out) == ("Pacific/Auckland", ())
    assert (series.regime, series.days_folded, len(series.usual_by_hour)) == ("settled", 7, 24)
    assert series.snapshot_day == NOW.date()
    assert series.own_bar >= 1
    assert json.loads(json.dumps(to_jsonable_python(view)))["series"][0]["regime"] == "settled"


def test_a_tenant_that_is_not_on_record_is_named(opened: Deployment) -> None:
    with pytest.raises(NotFoundError, match="'nobody'"):
        show_baseline(opened, NOW, "nobody")


def test_a_version_is_found_by_its_monday_its_id_or_the_beginning_of_it(opened: Deployment) -> None:
    with pytest.raises(NotFoundError, match="no model version yet"):
        show_version(opened, "2026-03-16")
    (made,) = train_versions(opened, NOW + timedelta(days=3))
    assert made.monday.isoformat() == "2026-03-16"
    assert (made.cases_per_day, made.episodes_per_series_week) == (20, 0.5)
    for reference in ("2026-03-16", made.id, made.id[:8]):
        assert show_version(opened, reference) == made
    assert list_versions(opened) == (made,)


def test_the_versions_there_are_are_named_where_none_is_meant(opened: Deployment) -> None:
    train_versions(opened, NOW + timedelta(days=3))
    (made,) = list_versions(opened)
    with pytest.raises(NotFoundError, match=rf"2026-03-16 \({made.id[:8]}\)"):
        show_version(opened, "2026-03-17")


def test_training_again_makes_no_version(opened: Deployment, tmp_path: Path) -> None:
    train_versions(opened, NOW + timedelta(days=3))
    assert train_versions(opened, NOW + timedelta(days=3)) == ()
