"""How all charts look: colours that readers with any kind of colour blindness tell apart, one font, light or dark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import altair as alt

FONT: Final = "Libertinus Serif, Liberation Serif, DejaVu Serif, serif"
"""Comes with typst, so that a chart looks the same in every PDF; a browser without it takes its own serif."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of a chart, from Okabe and Ito's palette; line, dash, area and shape differ too where it matters.

    Parameters
    ----------
    background : None: whatever lies behind the chart.
    ink : text, axes and what was observed.
    muted : what is there for comparison.
    heat : name of a colour scheme of one running lightness, from few to many.
    """

    background: str | None
    ink: str
    grid: str
    muted: str
    usual: str
    usual_range: str
    flagged: str
    second: str
    heat: str


LIGHT: Final = Palette(
    background="#ffffff",
    ink="#000000",
    grid="#dddddd",
    muted="#767676",
    usual="#0072B2",
    usual_range="#56B4E9",
    flagged="#D55E00",
    second="#CC79A7",
    heat="blues",
)
DARK: Final = Palette(
    background="#1c2026",
    ink="#e8eaed",
    grid="#333b45",
    muted="#aab3bd",
    usual="#56B4E9",
    usual_range="#2f6f99",
    flagged="#E69F00",
    second="#CC79A7",
    heat="viridis",
)


def styled(chart: Any, palette: Palette = LIGHT) -> alt.LayerChart:
    """Return a chart of whatever kind in the common font, sizes and colours; nothing is cut off at its edges."""
    axis = {
        "labelFontSize": 11,
        "titleFontSize": 12,
        "labelColor": palette.ink,
        "titleColor": palette.ink,
        "domainColor": palette.muted,
        "tickColor": palette.muted,
        "gridColor": palette.grid,
    }
    looks: alt.LayerChart = (
        chart.properties(background=palette.background or "transparent")
        .configure(font=FONT, aria=False)
        .configure_axis(**axis)
        .configure_title(fontSize=13, color=palette.ink, anchor="start", subtitleColor=palette.ink)
        .configure_legend(labelColor=palette.ink, titleColor=palette.ink, labelFontSize=11)
        .configure_header(labelColor=palette.ink, titleColor=palette.ink)
        .configure_view(stroke=palette.grid)
    )
    return looks
