"""The small cloud as it stands after each step, made once a session: to be read, or copied by a test that writes."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest

from cjp_fraud.detection.backtest import backtest_rows
from cjp_fraud.detection.baseline import refresh
from cjp_fraud.detection.window import mark_scored, next_window
from cjp_fraud.storage.database import transaction
from cjp_fraud.traffic.grid import grid_rows
from features.columns import INTERVAL_START, SERIES_KEY
from tests.integration.detection.cloud import BEGIN, END, EVE, NOW, TENANTS, cloud_traffic
from tests.integration.detection.deployments import RULES, SmallDeployment
from tests.small_forests import small_forests

CLOSED = EVE + timedelta(minutes=10)
"""When the last hour before the eve is closed."""


@pytest.fixture(scope="session")
def folded(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> SmallDeployment:
    """The cloud ingested whole, and folded as of the eve."""
    made = SmallDeployment.new(tmp_path_factory.mktemp("folded"), sqlite_template, TENANTS, buckets=2)
    made.ingest(cloud_traffic())
    refresh(made.lake, made.engine, TENANTS, CLOSED)
    return made


@pytest.fixture(scope="session")
def trained(folded: SmallDeployment, tmp_path_factory: pytest.TempPathFactory) -> SmallDeployment:
    """Trained as of the eve; nothing is detected."""
    made = folded.copy(tmp_path_factory.mktemp("trained") / "home")
    made.train(CLOSED)
    return made


@pytest.fixture(scope="session")
def eve(trained: SmallDeployment, tmp_path_factory: pytest.TempPathFactory) -> SmallDeployment:
    """Detected up to the eve, and marked as scored so far; two days wait."""
    made = trained.copy(tmp_path_factory.mktemp("eve") / "home")
    made.detect(BEGIN, EVE, CLOSED)
    while (window := next_window(made.engine, CLOSED)) is not None:
        with transaction(made.engine) as session:
            mark_scored(session, window, CLOSED)
    return made


@pytest.fixture(scope="session")
def detected(eve: SmallDeployment, tmp_path_factory: pytest.TempPathFactory) -> SmallDeployment:
    """The two days detected at once."""
    made = eve.copy(tmp_path_factory.mktemp("detected") / "home")
    made.detect(EVE, END, NOW)
    return made


@pytest.fixture(scope="session")
def staged(eve: SmallDeployment, tmp_path_factory: pytest.TempPathFactory) -> SmallDeployment:
    """The two days detected in stages, window by window."""
    made = eve.copy(tmp_path_factory.mktemp("staged") / "home")
    made.run_stages(NOW)
    return made


@pytest.fixture(scope="session")
def tested() -> pd.DataFrame:
    """A back-test of the same rows, sorted."""
    rows = cloud_traffic().assign(application_id=None)
    with small_forests():
        scores = backtest_rows(grid_rows(rows), TENANTS, RULES).to_pandas()
    return scores.sort_values([*SERIES_KEY, INTERVAL_START], ignore_index=True)
