"""Pages in French: nothing that the product wrote is left in English, also where an act was refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.english_in_pages import FIRST_PAGES, english_behind, marked_as_english
from tests.queue_pages import FINDING, QueueUnderTest, a_queue, send, suspend


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """A queue with a lake without traffic."""
    return a_queue(sqlite_engine, tmp_path, lake=True)


def test_what_is_marked_as_english_is_found_but_for_letters_and_the_log() -> None:
    page = (
        '<html lang="fr"><p lang="en">left <b>here</b></p><p>ici</p><img src="x" alt="a chart" lang="en">'
        '<details class="letter"><pre lang="en">Dear customer</pre></details><dl class="technical" lang="en">x</dl>'
        '<select><option value="en" lang="en">English</option></select></html>'
    )
    assert marked_as_english(page) == ["left", "here", "a chart"]


@pytest.mark.parametrize("name", ["otto", "carol", "ida", "both"])
def test_no_page_of_somebody_shows_english_to_a_french_reader(queue: QueueUnderTest, name: str) -> None:
    suspend(queue)
    queue.flagged()
    browser = queue.signed_in(name)
    browser.headers["accept-language"] = "fr"
    english, walked = english_behind(browser, *FIRST_PAGES)
    assert english == {}
    assert walked >= set(FIRST_PAGES)


def test_the_log_verified_on_its_page_is_french(queue: QueueUnderTest) -> None:
    suspend(queue)
    browser = queue.signed_in("otto")
    browser.headers["accept-language"] = "fr"
    verified = send(browser, "/audit", "/audit/verification")
    assert verified.status_code == 200
    assert marked_as_english(verified.text) == []


def test_refusals_and_what_is_missing_are_french(queue: QueueUnderTest) -> None:
    queue.flagged()
    rita = queue.signed_in("rita")
    rita.headers["accept-language"] = "fr"
    send(rita, "/cases/1", "/cases/1/claim")
    nothing_said = send(rita, "/cases/1", "/cases/1/determine", part="victim", reasons=" ")
    assert nothing_said.status_code == 409
    assert "donnez les motifs" in nothing_said.text
    wider = {"measure": "suspend_all_access", "hours": "5.5"}
    refused = [nothing_said, send(rita, "/cases/1", "/cases/1/determine", **FINDING | wider)]
    assert refused[1].status_code in (400, 409)
    send(rita, "/cases/1", "/cases/1/determine", **FINDING)
    refused.append(rita.get("/cases/1"))
    assert "a constaté la fraude" in refused[2].text
    assert [marked_as_english(answer.text) for answer in refused] == [[], [], []]
