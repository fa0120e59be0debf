"""A model version: what one Monday's training learned, and from when it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cjp_fraud.detection.judge import Histograms
from cjp_fraud.detection.rules import DetectionRules
from features.score_day import Model


@dataclass(frozen=True, slots=True, eq=False)
class FittedVersion:
    """One training.

    Attributes
    ----------
    valid_from : UTC day (days since 1970-01-01) from whose midnight it counts.
    model : constants and second stages.
    threshold : score that a flag needs.
    histograms : its own final statistics on the days of its window, so that the first days under it are
        calibrated on its own scale and not on its predecessor's.
    metrics : what the model's card shows.
    """

    valid_from: int
    model: Model
    threshold: float
    histograms: Mapping[int, Histograms] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


def initial_version(rules: DetectionRules) -> FittedVersion:
    """What counts before the first training: shipped constants, no second stage, the initial threshold."""
    return FittedVersion(valid_from=-(10**9), model=Model(), threshold=rules.initial_threshold)


def version_of(day: int, versions: Sequence[FittedVersion], rules: DetectionRules) -> FittedVersion:
    """The version with the newest ``valid_from`` not after the UTC ``day``; of two the later in the list."""
    valid = [version for version in versions if version.valid_from <= day]
    if not valid:
        return initial_version(rules)
    newest = max(version.valid_from for version in valid)
    return [version for version in valid if version.valid_from == newest][-1]
