"""How good a detector is: its scores, its calibration, its recall under a budget of alerts, its precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cjp_fraud.charts.rendering import NumberSigns
from cjp_fraud.charts.theme import LIGHT, Palette, styled

if TYPE_CHECKING:
    import altair as alt

PROMISED, FOUND = "as promised", "seen"


@dataclass(frozen=True, slots=True)
class ScoreBin:
    """How many intervals have a score in [low, high)."""

    low: float
    high: float
    intervals: int


@dataclass(frozen=True, slots=True)
class CalibrationPoint:
    """Of intervals that a p-value is promised for: the promise, and the share seen with its 95 % interval."""

    promised: float
    seen: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RecallPoint:
    """Share of known events found under a budget, with its 95 % interval.

    Parameters
    ----------
    budget : episodes per series and week that the threshold was chosen for.
    line : which detector or clock it is of; points of one line are joined.
    """

    budget: float
    recall: float
    low: float
    high: float
    line: str


@dataclass(frozen=True, slots=True)
class Precision:
    """Decided cases under a name: ``low`` and ``high`` are the 95 % interval of the share of fraud; None: none decided.

    ``undecided``: undetermined or not reviewed; they count neither way.
    """

    name: str
    fraudulent: int
    not_fraudulent: int
    undecided: int
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class ScoreWords:
    """The words of a histogram of scores, in the reader's language."""

    intervals: str = "Intervals (logarithmic)"
    score: str = "Score, −log10 p (2: once in 100 such intervals)"
    in_force: str = "in force"
    tried: str = "tried"
    signs: NumberSigns = field(default_factory=NumberSigns)


def score_chart(
    bins: Sequence[ScoreBin],
    *,
    title: str,
    thresholds: Mapping[str, float],
    words: ScoreWords | None = None,
    palette: Palette = LIGHT,
    width: int = 560,
    height: int = 230,
) -> alt.LayerChart:
    """Return how many intervals have which score, on a logarithmic axis, with each threshold as a named line.

    Parameters
    ----------
    thresholds : scores, by the words that are written beside their lines.
    words : in the reader's language; None: English.
    """
    import altair as alt

    words = words or ScoreWords()

    rows = [
        {"low": each.low, "high": each.high, "n": each.intervals, "foot": 0.8}
        for each in bins
        if each.intervals
    ]
    marks = [
        {"score": at, "words": f"{name}: {_two_digits(at, words.signs)}", "place": 12 + 14 * number}
        for number, (name, at) in enumerate(sorted(thresholds.items(), key=lambda item: item[1]))
    ]
    # The scale is clamped: a value above the highest bar would be written at the axis's end as if it belonged there.
    most = max((each.intervals for each in bins), default=1)
    y = alt.Y(
        "n:Q",
        title=words.intervals,
        scale=alt.Scale(type="log", domainMin=0.8, clamp=True),
        axis=alt.Axis(format="~s", values=[10**n for n in range(10) if 10**n <= most]),
    )
    bars = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar(color=palette.usual)
        .encode(x=alt.X("low:Q", title=words.score), x2="high:Q", y=y)
        .encode(y2=alt.Y2("foot:Q"))
    )
    base = alt.Chart(alt.InlineData(values=marks))
    rules = base.mark_rule(color=palette.flagged, strokeWidth=1.5, strokeDash=[6, 3]).encode(x="score:Q")
    texts = base.mark_text(align="left", dx=5, fontSize=11, color=palette.ink).encode(
        x="score:Q", y=alt.Y("place:Q", scale=None, axis=None), text="words:N"
    )
    layered: Any = alt.layer(bars, rules, texts)
    return styled(layered.properties(title=title, width=width, height=height), palette)


def _two_digits(value: float, signs: NumberSigns) -> str:
    return f"{value:.2f}".replace(".", signs.decimal)


def calibration_chart(
    points: Sequence[CalibrationPoint],
    *,
    title: str,
    palette: Palette = LIGHT,
    width: int = 320,
    height: int = 300,
) -> alt.LayerChart:
    """Return how often scores were reached beside how often they promise to be, both logarithmic.

    Points on the dashed line keep the promise; above it there are more alarms than promised.
    """
    import altair as alt

    rows = [
        {"promised": each.promised, "seen": each.seen, "low": each.low, "high": each.high}
        for each in points
        if each.seen > 0 and each.low > 0
    ]
    ends = [min((row["promised"] for row in rows), default=0.001), 1.0]
    axis = alt.Axis(format="~g", values=[1.0, 0.1, 0.01, 0.001, 0.0001, 0.00001])
    x = alt.X(
        "promised:Q",
        title="Share of intervals promised to reach the score (p)",
        scale=alt.Scale(type="log"),
        axis=axis,
    )
    y = alt.Y(
        "seen:Q",
        title="Share of intervals that reached it",
        scale=alt.Scale(type="log"),
        axis=axis,
    )
    kinds = [FOUND, PROMISED]
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=kinds, range=[palette.usual, palette.flagged]),
        legend=alt.Legend(title=None, orient="top", symbolType="square"),
    )
    diagonal = (
        alt.Chart(alt.InlineData(values=[{"promised": at, "seen": at, "kind": PROMISED} for at in ends]))
        .mark_line(strokeDash=[5, 3])
        .encode(x=x, y=y, color=colour)
    )
    base = alt.Chart(alt.InlineData(values=rows)).transform_calculate(kind=f"'{FOUND}'")
    layered = alt.layer(
        diagonal,
        base.mark_rule(strokeWidth=1.4).encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour),
        base.mark_point(filled=True, size=50, opacity=1).encode(x=x, y=y, color=colour),
    )
    return styled(layered.properties(title=title, width=width, height=height), palette)


def recall_chart(
    points: Sequence[RecallPoint],
    *,
    title: str,
    palette: Palette = LIGHT,
    width: int = 460,
    height: int = 240,
) -> alt.LayerChart:
    """Return the share of known events found under each budget of alerts, with its 95 % interval."""
    import altair as alt

    rows = [
        {
            "budget": each.budget,
            "recall": each.recall,
            "low": each.low,
            "high": each.high,
            "line": each.line,
            "text": f"{each.recall:.0%}",
        }
        for each in points
    ]
    lines = list(dict.fromkeys(each.line for each in points))
    looks = [palette.usual, palette.flagged, palette.second, palette.ink][: len(lines)]
    colour = alt.Color(
        "line:N",
        scale=alt.Scale(domain=lines, range=looks),
        legend=alt.Legend(title=None, orient="top", labelLimit=400),
    )
    x = alt.X(
        "budget:Q",
        title="Budget: episodes per series and week (logarithmic)",
        scale=alt.Scale(type="log", nice=False, padding=24),
        axis=alt.Axis(format="~g", values=sorted({each.budget for each in points})),
    )
    y = alt.Y(
        "recall:Q",
        title="Share of known events found",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%"),
    )
    base = alt.Chart(alt.InlineData(values=rows)).encode(x=x)
    layered = alt.layer(
        base.mark_rule(opacity=0.6).encode(y=alt.Y("low:Q"), y2="high:Q", color=colour),
        base.mark_line(point=True).encode(
            y=y, color=colour, strokeDash=alt.StrokeDash("line:N", legend=None)
        ),
        *(
            base.transform_filter(f"datum.line === '{line}'")
            .mark_text(align="left", dx=6, dy=-9 if place == 0 else 11, fontSize=11, color=palette.ink)
            .encode(y=y, text="text:N")
            for place, line in enumerate(lines)
        ),
    )
    return styled(layered.properties(title=title, width=width, height=height), palette)


def precision_chart(
    precisions: Sequence[Precision], *, title: str, palette: Palette = LIGHT, width: int = 420
) -> alt.LayerChart:
    """Return fraudulent ÷ (fraudulent + not), a line each with its 95 % interval and all the counts in words."""
    import altair as alt

    rows = [_precision_row(each) for each in precisions]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y("name:N", title=None, sort=[row["name"] for row in rows], axis=alt.Axis(labelLimit=260))
    )
    x = alt.X(
        "precision:Q",
        title="Precision: fraudulent ÷ (fraudulent + not fraudulent), 95 % interval",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%"),
    )
    decided = base.transform_filter("datum.precision !== null")
    layered = alt.layer(
        decided.mark_rule(strokeWidth=3, opacity=0.6, color=palette.usual).encode(
            x=alt.X("low:Q"), x2="high:Q"
        ),
        decided.mark_point(filled=True, size=80, opacity=1, color=palette.usual).encode(x=x),
        base.mark_text(align="left", fontSize=11, dy=-13, color=palette.ink).encode(
            x=alt.value(4), text="words:N"
        ),
    )
    return styled(layered.properties(title=title, width=width, height=alt.Step(42)), palette)


def _precision_row(each: Precision) -> dict[str, Any]:
    decided = each.fraudulent + each.not_fraudulent
    return {
        "name": each.name,
        "precision": each.fraudulent / decided if decided else None,
        "low": each.low,
        "high": each.high,
        "words": f"{each.fraudulent} fraudulent, {each.not_fraudulent} not, {each.undecided} undecided",
    }
