"""The simulated cloud that a new model version is tried on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.trials import Event, KnownTruth
from cjp_fraud.simulation.promotion_trial import frauds_of, simulated_trial
from cjp_fraud.simulation.revenue_share_frauds import TEST_CALLS
from cjp_fraud.simulation.truth import TruthRow
from features.counting_clocks import Clock

BEGIN = datetime(2025, 10, 20, 9, tzinfo=UTC)
AT = int(BEGIN.timestamp())
HOUR = timedelta(hours=1)


def row(
    event_id: str, begin: datetime, hours: float, *, cost: int = 100, part: str = "", benign: bool = False
) -> TruthRow:
    return TruthRow(
        *(event_id, "acme", "scenario", part, benign, "", "", "", "voice", "outbound"),
        *(begin, begin + hours * HOUR, 2.0, 10, 10.0, cost, 1.0, False),
    )


def test_a_fraud_is_to_be_found_within_a_day_of_its_cost_and_touched_until_its_end() -> None:
    parts = [row("long", BEGIN + 2 * HOUR, 100), row("long", BEGIN, 1, cost=0), row("short", BEGIN, 1)]
    assert frauds_of(parts) == [
        Event("acme", AT - 300, AT + 102 * 3600 + 900, found_until=AT + 26 * 3600),
        Event("acme", AT - 300, AT + 3600 + 900, found_until=AT + 3600 + 900),
    ]


def test_twins_and_single_test_calls_are_not_to_be_found() -> None:
    assert frauds_of([row("twin", BEGIN, 1, benign=True), row("test", BEGIN, 1, part=TEST_CALLS)]) == []


@pytest.fixture(scope="module")
def trial() -> KnownTruth:
    """The trial of a few tenants; the deployment's has a hundred."""
    return simulated_trial(DetectionRules(), 4)


def test_a_higher_threshold_finds_no_more_and_errs_no_more_often(trial: KnownTruth) -> None:
    low, high = (trial.result({Clock.MINUTE: threshold}) for threshold in (1.5, 3.0))
    assert low.recall >= high.recall
    assert low.false_episodes > high.false_episodes
    assert trial.name == "simulated cloud of 4 tenants"
    assert trial.budget == pytest.approx(0.5 * 4 * 3, rel=0.05)
