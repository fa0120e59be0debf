"""The same time of the day in past weeks, beside what was flagged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from cjp_fraud.charts.reader import ENGLISH, ChartReader
from cjp_fraud.charts.theme import LIGHT, Palette, styled

if TYPE_CHECKING:
    import altair as alt

FLAGGED, BEFORE, UNKNOWN = "flagged", "weeks before", "not known"
_A_BAR: Final = 22


@dataclass(frozen=True, slots=True)
class PastSlot:
    """Contacts in one stretch of a local day; None: not known (no traffic is kept of it)."""

    day: date
    contacts: float | None
    flagged: bool = False


def past_slots_chart(
    slots: Sequence[PastSlot],
    *,
    title: str,
    span: str,
    time_zone: str,
    palette: Palette = LIGHT,
    reader: ChartReader = ENGLISH,
    width: int = 520,
) -> alt.LayerChart:
    """Return a bar for each week with its number beside it, the newest at the top.

    Parameters
    ----------
    slots : of the same weekday and time, one a week.
    span : from when to when, of the local clock ("02:00–02:45").
    reader : who reads it.
    """
    import altair as alt

    say = reader.say
    ordered = sorted(slots, key=lambda slot: slot.day, reverse=True)
    rows: list[dict[str, Any]] = [
        {
            "day": reader.weekday(slot.day),
            "contacts": slot.contacts or 0,
            "number": say(UNKNOWN) if slot.contacts is None else reader.number(round(slot.contacts)),
            "kind": say(FLAGGED if slot.flagged else BEFORE),
        }
        for slot in ordered
    ]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X(
            "contacts:Q",
            title=say(f"Contacts from {span}, local time ({time_zone})"),
            axis=alt.Axis(tickCount=5, labelOverlap="greedy"),
        ),
        y=alt.Y("day:O", title=None, sort=[row["day"] for row in rows]),
    )
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=[say(FLAGGED), say(BEFORE)], range=[palette.flagged, palette.muted]),
        legend=alt.Legend(title=None, orient="top", symbolType="square"),
    )
    numbers = base.mark_text(align="left", dx=4, fontSize=11, color=palette.ink).encode(text="number:N")
    layered = alt.layer(base.mark_bar(height=_A_BAR - 8).encode(color=colour), numbers)
    return styled(layered.properties(title=say(title), width=width, height=alt.Step(_A_BAR)), palette)
