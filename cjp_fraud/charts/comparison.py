"""What was flagged beside what is usual, by name: destinations, credentials, agents; and series beside their peers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cjp_fraud.charts.reader import ENGLISH, ChartReader
from cjp_fraud.charts.theme import LIGHT, Palette, styled

if TYPE_CHECKING:
    import altair as alt

FLAGGED, USUAL = "in the flagged intervals", "usual"
THIS, OTHERS = "this tenant", "its peers"
_A_ROW: Final = 30
_A_ROW_OF_TWO_LINES: Final = 38


@dataclass(frozen=True, slots=True)
class Compared:
    """A number under a name, and what is usual of it; None: not known."""

    name: str
    flagged: float
    usual: float | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """A tenant in a stretch of time: contacts seen there, and usual at that time.

    ``flagged``: whether detection flagged it there.
    """

    tenant_id: str
    observed: float
    usual: float
    flagged: bool = False


def comparison_chart(
    compared: Sequence[Compared],
    *,
    title: str,
    unit: str,
    flagged: str = FLAGGED,
    usual: str = USUAL,
    number: Callable[[float], str] | None = None,
    palette: Palette = LIGHT,
    reader: ChartReader = ENGLISH,
    width: int = 480,
    names_width: int = 220,
) -> alt.LayerChart:
    """Return two bars a name, the larger flagged numbers at the top, each with its number beside it.

    Parameters
    ----------
    unit : title of the axis ("Contacts an hour").
    flagged, usual : what the first and the second bar are ("usual", "24 hours before").
    number : how the numbers beside the bars are written; None: as the reader's language writes them.
    reader : who reads it.
    names_width : pixels beyond which names, which may have two lines, are cut.
    """
    import altair as alt

    flagged, usual = reader.say(flagged), reader.say(usual)
    ordered = sorted(compared, key=lambda each: (-each.flagged, each.name))
    rows = [
        {"name": each.name, "kind": kind, "number": amount, "text": (number or reader.number)(amount)}
        for each in ordered
        for kind, amount in ((flagged, each.flagged), (usual, each.usual))
        if amount is not None
    ]
    kinds = [flagged, usual]
    names = alt.Axis(labelLimit=names_width, labelExpr="split(datum.label, '\\n')")
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X("number:Q", title=reader.say(unit), axis=alt.Axis(format=",~f")),
        y=alt.Y("name:N", title=None, sort=[each.name for each in ordered], axis=names),
        yOffset=alt.YOffset("kind:N", sort=kinds),
    )
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=kinds, range=[palette.flagged, palette.usual]),
        legend=alt.Legend(title=None, orient="top", symbolType="square"),
    )
    numbers = base.mark_text(align="left", dx=4, fontSize=11, color=palette.ink).encode(text="text:N")
    layered = alt.layer(base.mark_bar().encode(color=colour), numbers)
    row = _A_ROW if all("\n" not in each.name for each in compared) else _A_ROW_OF_TWO_LINES
    return styled(
        layered.properties(title=reader.say(title), width=width, height=alt.Step(row, **{"for": "position"})),
        palette,
    )


def peers_chart(
    peers: Sequence[Peer],
    *,
    title: str,
    tenant_id: str,
    span: str,
    palette: Palette = LIGHT,
    width: int = 480,
) -> alt.LayerChart:
    """Return how many times the usual each tenant had in the same time, on a logarithmic axis; 1 is as usual.

    Tenants of which nothing is usual, or of whom nothing came, have no place on the axis and are named below the title.

    Parameters
    ----------
    tenant_id : whose case it is; set off from the others by colour and shape.
    span : from when to when, in words, with the zone.
    """
    import altair as alt

    usable = [each for each in peers if each.usual > 0 and each.observed > 0]
    ordered = sorted(usable, key=lambda each: (-each.observed / each.usual, each.tenant_id))
    rows: list[dict[str, Any]] = [
        {
            "tenant": each.tenant_id,
            "times": each.observed / each.usual,
            "text": f"{ENGLISH.number(each.observed / each.usual)} × usual ({ENGLISH.number(each.observed)} contacts)"
            + (", flagged" if each.flagged else ""),
            "kind": THIS if each.tenant_id == tenant_id else OTHERS,
        }
        for each in ordered
    ]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X(
            "times:Q",
            title=f"Contacts ÷ usual contacts, {span}",
            scale=alt.Scale(type="log", nice=True),
            axis=alt.Axis(format="~g", values=[0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000]),
        ),
        y=alt.Y("tenant:N", title=None, sort=[row["tenant"] for row in rows]),
    )
    look = alt.Scale(domain=[THIS, OTHERS], range=[palette.flagged, palette.usual])
    shape = alt.Scale(domain=[THIS, OTHERS], range=["triangle-up", "circle"])
    legend = alt.Legend(title=None, orient="top")
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        color=alt.Color("kind:N", scale=look, legend=legend),
        shape=alt.Shape("kind:N", scale=shape, legend=legend),
    )
    as_usual = (
        alt.Chart(alt.InlineData(values=[{"times": 1}]))
        .mark_rule(strokeDash=[5, 3], color=palette.muted)
        .encode(x="times:Q")
    )
    numbers = base.mark_text(align="left", dx=8, fontSize=11, color=palette.ink).encode(text="text:N")
    layered = alt.layer(as_usual, points, numbers)
    left_out = ", ".join(sorted(each.tenant_id for each in peers if each not in usable))
    below = f"Without contacts, or with none usual at this time: {left_out}" if left_out else ""
    return styled(
        layered.properties(title=alt.Title(title, subtitle=below), width=width, height=alt.Step(22)), palette
    )
