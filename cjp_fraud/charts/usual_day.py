"""A series' usual day: what is usual at each time of the local day, how far from it is usual, and what floors add."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cjp_fraud.charts.theme import LIGHT, Palette, styled

if TYPE_CHECKING:
    import altair as alt

LOCATION, WITH_FLOORS, WITHOUT = "usual", "usual range", "usual range without floors"
_MINUTES_A_DAY: Final = 1440


@dataclass(frozen=True, slots=True)
class UsualSlot:
    """One slot of the local day.

    Parameters
    ----------
    minute : of the local day, where the slot begins.
    minutes : the slot's length.
    usual : contacts per interval (m).
    deviation : usual deviation from it, contacts per interval, with the floors (docs/detection.md, step 3).
    bare : the same without floors: 1.4826 times the median deviation.
    """

    minute: int
    minutes: int
    usual: float
    deviation: float
    bare: float


def usual_day_chart(
    slots: Sequence[UsualSlot],
    *,
    title: str,
    time_zone: str,
    interval_seconds: int,
    palette: Palette = LIGHT,
    width: int = 300,
    height: int = 200,
) -> alt.LayerChart:
    """Return the usual day with its band, and inside it the band that there would be without floors."""
    import altair as alt

    from cjp_fraud.charts.local_axis import length_in_words

    rows = [
        {
            "minute": minute,
            "usual": slot.usual,
            "low": max(slot.usual - slot.deviation, 0.0),
            "high": slot.usual + slot.deviation,
            "bare_low": max(slot.usual - slot.bare, 0.0),
            "bare_high": slot.usual + slot.bare,
        }
        for slot in slots
        for minute in (slot.minute, slot.minute + slot.minutes)
    ]
    looks = {
        LOCATION: palette.usual,
        WITH_FLOORS: palette.usual_range,
        WITHOUT: palette.flagged,
    }
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=list(looks), range=list(looks.values())),
        legend=alt.Legend(
            title=None, orient="top", symbolType="square", symbolOpacity=1, labelLimit=300, columns=2
        ),
    )
    x = alt.X(
        "minute:Q",
        title=f"Time of the day, local ({time_zone})",
        scale=alt.Scale(domain=[0, _MINUTES_A_DAY], nice=False),
        axis=alt.Axis(
            values=list(range(0, _MINUTES_A_DAY + 1, 240)),
            labelExpr="pad(toString(datum.value / 60), 2, '0', 'left') + ':00'",
        ),
    )
    y_title = f"Contacts in {length_in_words(interval_seconds)}"
    base = alt.Chart(alt.InlineData(values=rows))
    layers = [
        base.transform_calculate(kind=f"'{WITH_FLOORS}'")
        .mark_area(opacity=0.45)
        .encode(x=x, y=alt.Y("low:Q", title=y_title), y2="high:Q", color=colour),
        base.transform_calculate(kind=f"'{WITHOUT}'")
        .mark_area(opacity=0.45)
        .encode(x=x, y=alt.Y("bare_low:Q", title=y_title), y2="bare_high:Q", color=colour),
        base.transform_calculate(kind=f"'{LOCATION}'")
        .mark_line(strokeWidth=1.6)
        .encode(x=x, y=alt.Y("usual:Q", title=y_title), color=colour),
    ]
    return styled(alt.layer(*layers).properties(title=title, width=width, height=height), palette)
