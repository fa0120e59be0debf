"""A case's course as a small picture, drawn here as SVG: no script, no style attribute."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from markupsafe import Markup

WIDTH: Final = 96
HEIGHT: Final = 20


def sparkline(course: Sequence[float], says: str) -> Markup:
    """Return bars of equal width, the highest as high as the picture.

    Parameters
    ----------
    course : at least one value, not negative; a point without excess has a line at its foot.
    says : what the picture shows, for who does not see it.
    """
    return _drawn(tuple(course), says)


@lru_cache(2_000)
def _drawn(course: tuple[float, ...], says: str) -> Markup:
    top = max((*course, 0.0)) or 1.0
    step = WIDTH / max(len(course), 1)
    bars = "".join(
        f'<rect x="{place * step:.1f}" y="{HEIGHT - tall:.1f}" width="{max(step - 1, 1):.1f}" height="{tall:.1f}"/>'
        for place, value in enumerate(course)
        for tall in [max(value / top * HEIGHT, 1.0)]
    )
    drawing = Markup(
        '<svg class="spark" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img"><title>{says}</title>'
    )
    return drawing.format(w=WIDTH, h=HEIGHT, says=says) + Markup(bars) + Markup("</svg>")
