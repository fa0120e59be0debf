"""The recipe's constants: shipped, and never fitted to a deployment's own series.

A restless deployment whose constants were fitted again would make restlessness its norm
(``docs/decisions/0015``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RECIPE_VERSION: Final = "3"
"""Changes when a formula changes: profiles of different versions are not mixed."""

EPISODE_GAP_SECONDS: Final = 3600
"""Flags of a tenant within 60 minutes are one episode."""


@dataclass(frozen=True, slots=True)
class KindConstants:
    """What is usual of one kind: geometric means of the ordinary series' upper daily maxima.

    Attributes
    ----------
    hour, season, relative : G_A, G_S and the same of the relative size; without unit.
    """

    hour: float
    season: float
    relative: float = 1.0


COUNT: Final = KindConstants(hour=3.7, season=1.7)
PEAK: Final = KindConstants(hour=5.8, season=2.4)
FIFTEEN: Final = KindConstants(hour=3.45, season=2.01)
"""Of the interval's contacts, of its busiest minute, and of the mean of 15 minutes; measured on 239 real series."""

USUAL_STRENGTH: Final = 0.9
"""G: what s reaches on the ordinary series' busiest days."""
USUAL_FIFTEEN: Final = 0.843
"""The same of b₁₅."""
FIFTEEN_SHARE: Final = 0.8
"""Weight of the 15 minutes beside count and peak."""
