"""Which rules and which version score an interval."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from cjp_fraud.config import Settings
from cjp_fraud.detection.registry import FittedVersion, version_of
from cjp_fraud.detection.rules import DetectionRules, rules_of
from cjp_fraud.detection.significance import calibration
from features.score_day import Model
from features.spike import SpikeMinimum
from models.calibration import histogram
from models.shipped import shipped_calibration

RULES = DetectionRules()


def a_version(valid_from: int, threshold: float) -> FittedVersion:
    return FittedVersion(valid_from, Model(), threshold)


def test_a_channel_may_have_its_own_least_excess() -> None:
    settings = Settings(
        spike_min_contacts=7,
        spike_min_contacts_by_channel={"voice": 20},
        spike_min_ratio_by_channel={"sms": 3},
    )
    rules = rules_of(settings)
    assert rules.spike_of("chat") == SpikeMinimum(7, 0.1)
    assert rules.spike_of("voice") == SpikeMinimum(20, 0.1)
    assert rules.spike_of("sms") == SpikeMinimum(7, 3)


def test_before_the_first_training_the_initial_threshold_counts() -> None:
    assert version_of(100, [a_version(101, 5.0)], RULES).threshold == RULES.initial_threshold


def test_the_newest_version_not_after_the_day_counts() -> None:
    versions = [a_version(100, 4.0), a_version(107, 5.0), a_version(107, 6.0)]
    assert [version_of(day, versions, RULES).threshold for day in (100, 106, 107, 200)] == [
        4.0,
        4.0,
        6.0,
        6.0,
    ]


def test_a_day_is_calibrated_on_the_sixty_days_before_it_alone() -> None:
    rng = np.random.default_rng(0)
    days = {
        day: histogram(rng.exponential(size=1000) * (100 if day in (39, 100) else 1))
        for day in range(39, 102)
    }
    used = calibration(days, 100)
    other = calibration({day: days[day] for day in range(40, 100)}, 100)
    np.testing.assert_array_equal(used.log_survival_, other.log_survival_)


def test_a_small_pool_falls_back_on_the_shipped_calibration() -> None:
    assert calibration({}, 10) is shipped_calibration()
    assert calibration({9: histogram(np.ones(1999))}, 10) is shipped_calibration()
    assert (
        calibration({8: histogram(np.ones(1000)), 9: histogram(np.ones(1000))}, 10)
        is not shipped_calibration()
    )


def test_importing_what_detects_and_trains_loads_no_skops() -> None:
    modules = "cjp_fraud.operations.baseline, cjp_fraud.operations.model_versions, cjp_fraud.detection.run"
    code = f"import sys, {modules}; print(sorted(name for name in sys.modules if name.startswith('skops')))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
