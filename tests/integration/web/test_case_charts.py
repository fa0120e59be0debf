"""A case's charts on its page: of what the case rests on, in words and as a table too; what is missing is said."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.operations import case_chart_pictures, case_charts
from cjp_fraud.operations.case_charts import ChartKind, NotDrawn
from cjp_fraud.operations.case_evidence import CaseEvidence, PastWeek, case_evidence
from tests.api_calls import calls_of
from tests.case_builders import START
from tests.queue_pages import QueueUnderTest, a_queue

PICTURE = re.compile(r'<img src="(/cases/1/charts/[0-9a-f]{64}/[\w-]+\.svg)" alt="([^"]+)"')
SERIES = {
    "series_id": "s",
    "channel": "voice",
    "direction": "outbound",
    "application_id": None,
    "interval_seconds": 300,
}


def a_document(**of_each: object) -> dict[str, object]:
    """Three hours of one series, the last interval flagged; ``of_each``: what the source says too."""
    starts = [START + number * timedelta(minutes=5) for number in range(36)]
    rows = [
        {
            **SERIES,
            "table": table,
            "interval_start": start.isoformat(),
            **(
                {"contacts_offered": 3, **of_each}
                if table == "traffic"
                else {"observed": 3.0, "baseline": 2.0, "against_season": 0.5}
            ),
        }
        for start in starts
        for table in ("traffic", "scores")
    ]
    rows[-1] |= {"observed": 140.0, "against_season": 69.0}
    flag = {**SERIES, "clock": "minute", "span_seconds": 300, "interval_start": starts[-1].isoformat()}
    return json.loads(json.dumps({"rows": rows, "flags": [flag]}))  # type: ignore[no-any-return]


def evidence_of(document: dict[str, object], *weeks: PastWeek) -> CaseEvidence:
    end = START + timedelta(hours=3)
    return CaseEvidence(
        "acme", "Europe/Berlin", document, True, "0" * 64, end - timedelta(minutes=5), end, weeks, ()
    )


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """A queue with one flagged case, and a lake without traffic."""
    queue = a_queue(sqlite_engine, tmp_path, lake=True)
    queue.flagged()
    return queue


def shown(queue: QueueUnderTest, monkeypatch: pytest.MonkeyPatch, evidence: CaseEvidence) -> str:
    """The page of the case's charts, with this evidence."""
    monkeypatch.setattr(case_charts, "case_evidence", lambda *_: evidence)
    page = queue.signed_in("ana").get("/cases/1/charts")
    assert page.status_code == 200
    return page.text


def test_each_chart_is_a_picture_with_words_and_a_table_light_and_dark(
    queue: QueueUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    weeks = [PastWeek(date(2015, 3, 26), 4.0, False), PastWeek(date(2015, 4, 2), 140.0, True)]
    document = a_document(countries=[["LV", 3]], agents_active=2, contacts_short=1)
    text = shown(queue, monkeypatch, evidence_of(document, *weeks))
    pictures = PICTURE.findall(text)
    assert [path.rsplit("/")[-1] for path, _ in pictures] == [
        "series-1.svg",
        "past-weeks.svg",
        "destinations-1.svg",
        "agents-1.svg",
        "short-1.svg",
    ]
    assert "Most contacts in an interval: 140 at 2015-04-02 16:55, where 2.0 are usual." in pictures[0][1]
    assert "140 in the flagged week, 4 to 4 in 1 weeks before" in pictures[1][1]
    browser = queue.signed_in("ana")
    for path, _ in pictures:
        for address in (path, path.replace(".svg", "-dark.svg")):
            drawn = browser.get(address)
            assert drawn.status_code == 200, address
            assert drawn.headers["content-type"] == "image/svg+xml"
            assert "script-src 'self'" in drawn.headers["content-security-policy"]
            assert "Europe/Berlin" in drawn.text or "an hour" in drawn.text
            assert f'srcset="{address}"' in text or "-dark" not in address
    assert "Times are the tenant" in unescape(text)


def test_charts_are_french_for_a_french_reader_and_english_for_another_one(
    queue: QueueUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    weeks = [PastWeek(date(2015, 3, 26), None, False), PastWeek(date(2015, 4, 2), 1400.0, True)]
    weeks.insert(1, PastWeek(date(2015, 3, 19), 4.0, False))
    document = a_document(countries=[["LV", 3]], agents_active=2, contacts_short=1)
    english = shown(queue, monkeypatch, evidence_of(document, *weeks))
    browser = queue.signed_in("ana")
    browser.headers["accept-language"] = "fr"
    french = browser.get("/cases/1/charts").text
    assert 'lang="en"' not in french
    assert "Le plus de contacts dans un intervalle\u00a0: 140 le 2 avr. 2015, 16:55" in unescape(french)
    written = "".join(browser.get(path).text for path, _ in PICTURE.findall(english))
    for words in (
        "Heure locale (Europe/Berlin)",
        "habituel",
        "plage habituelle",
        "inconnu",
        "jeu. 2 avr. 2015",
    ):
        assert words in written, words
    said_in_english = (
        *(
            "Local time",
            "usual",
            "observed",
            "flagged",
            "Contacts an hour",
            "before",
            "not known",
            "where the",
        ),
        *("outbound", "Apr"),
    )
    assert [words for words in said_in_english if re.search(rf">[^<]*{words}[^<]*<", written)] == []


def test_what_the_source_does_not_say_is_said_and_not_drawn(
    queue: QueueUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = shown(queue, monkeypatch, evidence_of(a_document()))
    assert [path.rsplit("/")[-1] for path, _ in PICTURE.findall(text)] == ["series-1.svg"]
    for sentence in (
        "the source does not say where the contacts went",
        "the source does not say how many agents were signed in",
        "the source does not say how many contacts were short",
        "the lake has no traffic of the same time in the weeks before",
    ):
        assert sentence in text, sentence


def test_a_picture_is_drawn_once_and_is_gone_when_the_case_rests_on_something_else(
    queue: QueueUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = evidence_of(a_document())
    path, _ = PICTURE.findall(shown(queue, monkeypatch, evidence))[0]
    drawings = []
    drawn = case_chart_pictures.svg
    monkeypatch.setattr(
        case_chart_pictures, "svg", lambda chart, signs: drawings.append(chart) or drawn(chart, signs)
    )
    browser = queue.signed_in("ana")
    assert [browser.get(path).status_code for _ in range(3)] == [200, 200, 200]
    assert len(drawings) == 1
    monkeypatch.setattr(case_charts, "case_evidence", lambda *_: replace(evidence, sha256="1" * 64))
    other = path.replace("series-1.svg", "series-1-dark.svg")
    assert browser.get(other).status_code == 404
    assert browser.get(path.replace("series-1", "series-9")).status_code == 404


def test_only_whoever_may_read_cases_gets_a_picture(
    queue: QueueUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = PICTURE.findall(shown(queue, monkeypatch, evidence_of(a_document())))[0]
    answer = queue.a_browser().get(path, follow_redirects=False)
    assert answer.status_code in (303, 401)
    assert "<svg" not in answer.text
    assert queue.signed_in("ida").get(path).status_code in (200, 403)


def test_the_api_says_what_the_charts_show_and_that_somebody_read_it(queue: QueueUnderTest) -> None:
    said = calls_of(queue, "ana").get("/cases/1/charts")
    assert said.status_code == 200, said.text
    body = said.json()
    assert body["charts"] == []
    assert [each["kind"] for each in body["not_drawn"]] == ["chart_series", "chart_past_weeks"]
    assert [action for action, _, _ in queue.entries("case.read")] == ["case.read"]


def test_a_case_opens_where_the_lake_is_away_and_says_so(sqlite_engine: Engine, tmp_path: Path) -> None:
    queue = a_queue(sqlite_engine, tmp_path)
    queue.flagged()
    browser = queue.signed_in("ana")
    case = browser.get("/cases/1")
    assert case.status_code == 200
    assert 'data-part="/cases/1/charts"' in case.text
    page = browser.get("/cases/1/charts")
    assert page.status_code == 200
    assert "there is no lake table" in page.text
    assert not PICTURE.findall(page.text)


def test_contacts_an_agent_are_known_only_where_agents_are_signed_in() -> None:
    drawn = list(case_charts._drawings(evidence_of(a_document(agents_active=0))))
    load = [each for each in drawn if isinstance(each, NotDrawn) and each.kind is ChartKind.AGENT_LOAD]
    assert load, "no contact was carried by nobody: nothing is divided by zero"


def test_past_weeks_are_of_the_same_wall_clock_also_where_clocks_change(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    queue = a_queue(sqlite_engine, tmp_path, lake=True)
    queue.flagged()
    found = case_evidence(queue.deployment, queue.deployment.now, "1")
    assert [week.day for week in found.past_weeks if week.flagged] == [START.date()]
    assert len(found.past_weeks) == 9
    assert {week.contacts for week in found.past_weeks} == {None}
    assert not found.frozen
