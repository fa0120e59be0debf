"""Charts as SVG and PNG, drawn without a browser; the same chart gives the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import altair as alt


def svg(chart: alt.TopLevelMixin) -> bytes:
    """Return a chart as SVG, its text as text."""
    import vl_convert

    return vl_convert.vegalite_to_svg(chart.to_json()).encode()


def png(chart: alt.TopLevelMixin, *, scale: float = 2.0) -> bytes:
    """Return a chart as PNG.

    Parameters
    ----------
    scale : dots for each of the chart's pixels.
    """
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(chart.to_json(), scale=scale))
