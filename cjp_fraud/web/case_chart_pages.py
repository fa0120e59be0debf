"""A case's charts beside its page, which does not wait for them, and their pictures: SVG, drawn here."""

from __future__ import annotations

from fastapi import APIRouter, Response

from cjp_fraud.operations import case_desk
from cjp_fraud.operations.case_chart_pictures import CaseChartPictures
from cjp_fraud.operations.case_charts import case_charts
from cjp_fraud.web.access import CaseReader
from cjp_fraud.web.answers import page
from cjp_fraud.web.chart_reading import chart_reader

pages = APIRouter(include_in_schema=False)

SVG = "image/svg+xml"


@pages.get("/cases/{number}/charts")
def charts(visit: CaseReader, number: int) -> Response:
    """Show a case's charts; the case's page loads them from here."""
    case_desk.note_reading(visit.deployment, visit.by, visit.now, str(number))
    shown = case_charts(visit.deployment, visit.now, str(number))
    return page(visit, "case_charts_page.html", charts=shown, number=number)


@pages.get("/cases/{number}/charts/{digest}/{name}-dark.svg")
def dark(visit: CaseReader, number: int, digest: str, name: str) -> Response:
    """Return a chart for a dark page."""
    return _picture(visit, number, digest, name, dark=True)


@pages.get("/cases/{number}/charts/{digest}/{name}.svg")
def light(visit: CaseReader, number: int, digest: str, name: str) -> Response:
    """Return a chart for a light page."""
    return _picture(visit, number, digest, name, dark=False)


def _picture(visit: CaseReader, number: int, digest: str, name: str, *, dark: bool) -> Response:
    pictures: CaseChartPictures = visit.request.app.state.case_pictures
    drawn = pictures.picture(
        visit.now, str(number), digest, name, dark=dark, reader=chart_reader(visit.words.language)
    )
    return Response(drawn, media_type=SVG)
