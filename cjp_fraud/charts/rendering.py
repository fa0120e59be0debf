"""Charts as SVG and PNG, drawn without a browser; the same chart gives the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import altair as alt


@dataclass(frozen=True, slots=True)
class NumberSigns:
    """What a language writes in numbers: between whole number and fraction, and between thousands."""

    decimal: str = "."
    thousands: str = ","


def svg(chart: alt.TopLevelMixin, signs: NumberSigns | None = None) -> bytes:
    """Return a chart as SVG, its text as text.

    Parameters
    ----------
    signs : in the numbers of its axes; None: as in English.
    """
    import vl_convert

    how = signs or NumberSigns()
    numbers: vl_convert.FormatLocale = {
        "decimal": how.decimal,
        "thousands": how.thousands,
        "grouping": [3],
        "currency": ["", ""],
    }
    return vl_convert.vegalite_to_svg(chart.to_json(), format_locale=numbers).encode()


def png(chart: alt.TopLevelMixin, *, scale: float = 2.0) -> bytes:
    """Return a chart as PNG.

    Parameters
    ----------
    scale : dots for each of the chart's pixels.
    """
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(chart.to_json(), scale=scale))
