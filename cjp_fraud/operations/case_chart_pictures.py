"""Pictures of a case's charts: drawn as SVG, each once for what it shows, its colours and its reader."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Final

from cjp_fraud.charts.reader import ENGLISH, ChartReader
from cjp_fraud.charts.rendering import svg
from cjp_fraud.charts.theme import DARK, LIGHT
from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.case_charts import chart_drawing

PICTURES_KEPT: Final = 128


class CaseChartPictures:
    """Draws the charts of cases as SVG, and keeps the newest pictures under the digest of what they show."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._kept = lru_cache(maxsize=PICTURES_KEPT)(self._drawn)

    def picture(
        self,
        now: datetime,
        case: str,
        digest: str,
        name: str,
        *,
        dark: bool,
        reader: ChartReader = ENGLISH,
    ) -> bytes:
        """Return one chart of a case.

        Parameters
        ----------
        digest : as the page has it (:class:`cjp_fraud.operations.case_charts.CaseCharts`).
        name : of the chart.
        reader : who reads it; the same one for the same language.

        Raises
        ------
        NotFoundError
            If the case has no such chart, or other ones by now.
        """
        return self._kept(case, digest, name, dark, reader, _Unkept(now))

    def _drawn(
        self, case: str, digest: str, name: str, dark: bool, reader: ChartReader, now: _Unkept
    ) -> bytes:
        chosen = chart_drawing(self._deployment, now.value, case, digest, name)
        return svg(chosen.draw(DARK if dark else LIGHT, reader), reader.signs)


class _Unkept:
    """A value that says nothing of which picture is meant."""

    def __init__(self, value: datetime) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Unkept)

    def __hash__(self) -> int:
        return 0
