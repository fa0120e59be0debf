"""The usual range of a series: the usual value, more or less its usual deviation at that time of day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Final

_SMALLEST: Final = 1e-9

Range = tuple[float | None, float | None]


def with_usual_range(
    intervals: Iterable[tuple[float | None, float | None, float | None]],
) -> Iterator[Range]:
    """Yield the usual range of each interval of a series, contacts per interval; (None, None) where it is not known.

    The deviation is the scale that the season's residual was divided by (docs/detection.md, step 3); where the residual
    is 0, it is the one before.

    Parameters
    ----------
    intervals : in order: observed, usual, and how far they are apart by the season's scale; None or NaN: not known.
    """
    deviation: float | None = None
    for values in intervals:
        observed, usual, against = (
            value if value is not None and isfinite(value) else None for value in values
        )
        if observed is not None and usual is not None and against and abs(against) > _SMALLEST:
            deviation = abs((observed - usual) / against) or deviation
        if usual is None or deviation is None:
            yield None, None
        else:
            yield max(usual - deviation, 0.0), usual + deviation
