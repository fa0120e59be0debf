"""A file attached, found again and taken home in a real browser; one that is far too large is said, not cut off."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import Engine

from cjp_fraud.web.application import queue_application
from tests.browsers import (
    IN_A_BROWSER,
    Look,
    accessibility_faults,
    chromium,
    is_wider_than_its_window,
    keep_screenshot,
    served,
    visiting,
)
from tests.queue_pages import PASSWORD, a_queue

pytestmark = [pytest.mark.slow, IN_A_BROWSER]

NAME = "appels de la nuit du \u05d0 au 1er mars, avec toutes les destinations et tous les agents.csv"


def test_a_file_is_attached_and_taken_home(sqlite_engine: Engine, tmp_path: Path) -> None:
    queue = a_queue(sqlite_engine, tmp_path, attachment_megabytes=1)
    queue.flagged()
    file, large = tmp_path / NAME, tmp_path / "large.csv"
    file.write_bytes(b"start;destination\n03:00;+371\n")
    large.write_bytes(b"1" * 8 * 2**20)
    with (
        chromium() as browser,
        served(queue_application(queue.deployment)) as root,
        visiting(browser, root, Look.NARROW_DARK, language="fr") as ana,
    ):
        ana.goto(f"/set-up/{queue.invitation('ana')}")
        ana.locator("[name=password]").fill(PASSWORD)
        ana.locator("[name=again]").fill(PASSWORD)
        ana.keyboard.press("Enter")
        queue.secrets["ana"] = ana.locator("code.secret").inner_text()
        ana.locator("[name=code]").fill(queue.code("ana"))
        ana.keyboard.press("Enter")
        expect(ana.locator("h1")).to_be_visible()

        form = ana.locator("form[action='/cases/1/comment']")
        ana.goto("/cases/1")
        form.locator("xpath=ancestor::details/summary").click()
        form.locator("textarea").fill("les appels, @rita")
        form.locator("input[type=file]").set_input_files(large)
        form.locator("button").click()
        expect(ana.locator("[role=alert] li")).to_contain_text(re.compile(r"dépasse 1\sMo"))
        expect(form.locator("textarea")).to_have_value("les appels, @rita")
        form.locator("input[type=file]").set_input_files(file)
        assert accessibility_faults(ana) == []
        form.locator("button").click()
        link = ana.locator(".timeline a[download]")
        expect(link).to_have_text(NAME)
        keep_screenshot(ana, "case-attachment-narrow-dark-fr")
        assert accessibility_faults(ana) == []
        assert not is_wider_than_its_window(ana)
        with ana.expect_download() as taken:
            link.click()
        assert taken.value.suggested_filename == NAME
        assert Path(taken.value.path()).read_bytes() == file.read_bytes()
    assert len(queue.entries("attachment.read")) == 1
