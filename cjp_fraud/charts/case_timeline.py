"""A case over time: what happened, when in local time, and who did it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from cjp_fraud.charts.local_axis import local_time_axis, milliseconds
from cjp_fraud.charts.theme import LIGHT, Palette, styled

if TYPE_CHECKING:
    import altair as alt


class Doer(StrEnum):
    """Who did something on a case."""

    DETECTION = "detection"
    PERSON = "a person"
    SYSTEM = "the system"
    RECEIPT = "receipt of the notice"


_SHAPES: Final = {
    Doer.DETECTION: "triangle-up",
    Doer.PERSON: "circle",
    Doer.SYSTEM: "square",
    Doer.RECEIPT: "diamond",
}
_A_LINE: Final = 19
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TimelineMark:
    """One thing that happened: when (aware), in which words, and who did it."""

    at: datetime
    words: str
    doer: Doer


def case_timeline_chart(
    marks: Sequence[TimelineMark], *, title: str, time_zone: str, palette: Palette = LIGHT, width: int = 420
) -> alt.LayerChart:
    """Return what happened from top to bottom, each with its local time in words and its place on the axis.

    Raises
    ------
    NaiveTimeError
        If a moment has no zone.
    """
    import altair as alt

    zone = ZoneInfo(time_zone)
    ordered = sorted(marks, key=lambda mark: mark.at)
    rows = [
        {
            "line": f"{number:04d}",
            "at": milliseconds(mark.at),
            "words": f"{mark.at.astimezone(zone):%Y-%m-%d %H:%M:%S}  {mark.words}",
            "doer": mark.doer.value,
        }
        for number, mark in enumerate(ordered)
    ]
    doers = [doer for doer in Doer if any(mark.doer is doer for mark in ordered)]
    looks = {
        Doer.DETECTION: palette.flagged,
        Doer.PERSON: palette.usual,
        Doer.SYSTEM: palette.muted,
        Doer.RECEIPT: palette.second,
    }
    domain = [doer.value for doer in doers]
    legend = alt.Legend(title=None, orient="top")
    ends = (ordered[0].at, ordered[-1].at) if ordered else (_NEVER, _NEVER)
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=local_time_axis("at", *ends, time_zone),
        y=alt.Y("line:O", title=None, axis=alt.Axis(labels=False, ticks=False, grid=True)),
    )
    words = base.mark_text(align="right", fontSize=11, color=palette.ink).encode(
        x=alt.value(-8), text="words:N"
    )
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        color=alt.Color(
            "doer:N", scale=alt.Scale(domain=domain, range=[looks[doer] for doer in doers]), legend=legend
        ),
        shape=alt.Shape(
            "doer:N", scale=alt.Scale(domain=domain, range=[_SHAPES[doer] for doer in doers]), legend=legend
        ),
    )
    return styled(
        alt.layer(points, words).properties(
            title=alt.Title(title, subtitle=f"Local time ({time_zone})"),
            width=width,
            height=alt.Step(_A_LINE),
        ),
        palette,
    )
