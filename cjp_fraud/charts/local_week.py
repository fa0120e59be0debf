"""The local week as a heat map: how busy a series is in each hour of each day of the week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cjp_fraud.charts.theme import LIGHT, Palette, styled

if TYPE_CHECKING:
    import altair as alt

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DARK_CELL: Final = 0.5
"""From this share of the busiest hour on, the number in a cell is written in white."""


@dataclass(frozen=True, slots=True)
class WeekHour:
    """An hour of the local week: ``weekday`` 0 (Monday) to 6, ``hour`` 0 to 23; ``contacts`` None: not known."""

    weekday: int
    hour: int
    contacts: float | None


def local_week_chart(
    hours: Sequence[WeekHour],
    *,
    title: str,
    time_zone: str,
    unit: str = "Mean contacts an hour",
    palette: Palette = LIGHT,
) -> alt.LayerChart:
    """Return a heat map of the local week, each cell with its number, so that no colour has to be read alone.

    Parameters
    ----------
    hours : at most one for each of the 168 hours; those that are missing stay empty.
    time_zone : IANA zone of days and hours, named in the title of the axis.
    unit : what the numbers are.
    """
    import altair as alt

    known = [each for each in hours if each.contacts is not None]
    top = max((each.contacts or 0.0 for each in known), default=0.0)
    rows = [
        {
            "day": DAYS[each.weekday],
            "hour": each.hour,
            "contacts": each.contacts,
            "number": _short(each.contacts or 0.0),
            "dark": (each.contacts or 0.0) >= _DARK_CELL * top,
        }
        for each in known
    ]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X(
            "hour:O",
            title=f"Hour of the day, local time ({time_zone})",
            axis=alt.Axis(labelExpr="pad(datum.label, 2, '0', 'left')", labelAngle=0),
            scale=alt.Scale(domain=list(range(24))),
        ),
        y=alt.Y("day:O", title=None, sort=list(DAYS), scale=alt.Scale(domain=list(DAYS))),
    )
    colour = alt.Color(
        "contacts:Q",
        title=unit,
        scale=alt.Scale(scheme="blues", domain=[0, top or 1]),
        legend=alt.Legend(orient="top", gradientLength=220, titleLimit=400),
    )
    numbers = base.mark_text(fontSize=10).encode(
        text="number:N",
        color=alt.condition("datum.dark", alt.value("#ffffff"), alt.value("#000000")),
    )
    layered = alt.layer(base.mark_rect().encode(color=colour), numbers)
    return styled(layered.properties(title=title, width=24 * 28, height=7 * 24), palette)


def _short(number: float) -> str:
    """Return a number in at most five characters."""
    if number >= 10_000:
        return f"{number / 1000:.0f}k"
    return f"{number:.0f}" if number >= 10 or number == 0 else f"{number:.1f}"
