"""The isolation forest as a factor of the score, which the product does not have: s″ = s′ · exp(2 (f − .65)).

So that the benchmark can say, on every set, whether it would pay.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np

from cjp_fraud.detection import memory_store, scoring
from cjp_fraud.detection.model_fit import WindowFit
from cjp_fraud.detection.operating_point import WINDOW_DAYS
from cjp_fraud.detection.registry import FittedVersion
from cjp_fraud.detection.scoring import Block
from features.score_day import MeasuredDay, Model, ScoredDay, weigh
from models.shipped import shipped_calibration

WEIGHT = 2.0
CENTRE = 0.65


@contextmanager
def forest_as_factor() -> Iterator[None]:
    """Let back-tests fit forests each Monday and multiply the statistic by what they say."""
    with (
        mock.patch.object(memory_store, "MemoryStore", StoreWithForests),
        mock.patch("cjp_fraud.detection.backtest.MemoryStore", StoreWithForests),
        mock.patch.object(scoring, "weigh", weighed_with_forest),
    ):
        yield


def weighed_with_forest(measured: MeasuredDay, model: Model) -> ScoredDay:
    """Score a day, the statistic multiplied where a forest sees the row."""
    scored = weigh(measured, model)
    factor = np.where(np.isnan(scored.anomaly), 1.0, np.exp(WEIGHT * (scored.anomaly - CENTRE)))
    return replace(scored, statistic=scored.statistic * factor)


class StoreWithForests(memory_store.MemoryStore):
    """Traffic in memory that keeps four weeks of measured days, and fits forests on them."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._blocks: dict[int, list[Block]] = {}

    def version(self, day: int) -> FittedVersion:
        """What scores a UTC day, with forests of the four weeks before its Monday."""
        before = len(self.versions)
        version = super().version(day)
        if len(self.versions) > before:
            fit = WindowFit(self._rules)
            for blocks in self._blocks.values():
                fit.add(self.arranged, blocks, shipped_calibration())
            self.versions[-1] = version = replace(version, model=fit.version(version.valid_from).model)
        return version

    def _blocks_of(self, day: int) -> Iterator[Block]:
        blocks = list(super()._blocks_of(day))
        if blocks:
            self._blocks = {on: kept for on, kept in self._blocks.items() if on > day - WINDOW_DAYS}
            self._blocks[day] = blocks
        yield from blocks
