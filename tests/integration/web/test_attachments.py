"""Files attached to cases: sent by page, API and command line, handed out to be kept, on record, limited."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, func, select
from typer.testing import CliRunner

from cjp_fraud.cli.cases import app as cases_app
from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import Refused
from cjp_fraud.operations import attachments, cases
from cjp_fraud.operations.attachments import Upload
from cjp_fraud.people.api_scopes import ApiScope
from cjp_fraud.people.model import Part
from cjp_fraud.people.participation import parts_taken
from cjp_fraud.people.users import actor_named
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.tables import AttachmentContent
from cjp_fraud.storage.database import reading
from tests.api_calls import calls_of
from tests.chains import chain_faults
from tests.queue_pages import QueueUnderTest, a_queue, hidden_in

CSV = b"start;destination;minutes\n03:00;+371;12\n"
NAME = "appels \u00e9t\u00e9 \u05d0.csv"
PATH = "/cases/1/comment"


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """A queue with one flagged case, and small limits."""
    return limited(sqlite_engine, tmp_path)


def limited(engine: Engine, folder: Path) -> QueueUnderTest:
    queue = a_queue(engine, folder, attachment_megabytes=1, attachments_per_case=2)
    queue.flagged()
    return queue


def attach(browser: TestClient, name: str, content: bytes, **fields: Any) -> httpx.Response:
    """Send the comment form of case 1 with a file."""
    shown = browser.get("/cases/1")
    filled = hidden_in(shown.text, PATH) | {"text": ""} | fields
    return browser.post(PATH, data=filled, files={"file": (name, content, "text/html")})


def link_of(page: str) -> str:
    """Return the address of the file that a case's page names first."""
    found = re.search(r'href="(/cases/1/attachments/[0-9a-f-]{36})"', page)
    assert found is not None, page
    return found[1]


def typed(queue: QueueUnderTest, *words: str) -> str:
    """Run a command of ``cjp-fraud cases`` that must succeed; return what it printed."""
    done = CliRunner().invoke(cases_app, words, obj=queue.deployment, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def stored(queue: QueueUnderTest) -> int:
    with reading(queue.engine) as session:
        return session.scalar(select(func.count()).select_from(AttachmentContent)) or 0


@pytest.mark.both_databases
def test_a_file_goes_from_the_form_to_another_reader_byte_by_byte(engine: Engine, tmp_path: Path) -> None:
    queue = limited(engine, tmp_path)
    shown = attach(queue.signed_in("rita"), NAME, CSV, text="the calls <b>of the night</b>")
    assert shown.status_code == 200, shown.text
    assert html.escape(NAME) in shown.text
    assert "the calls &lt;b&gt;of the night" in shown.text

    got = queue.signed_in("ana").get(link_of(shown.text))

    assert (got.status_code, got.content) == (200, CSV)
    [(_, _, content)] = queue.entries("case.attached")
    assert content["attachment_sha256"] == sha256_hex(CSV)
    assert NAME not in str(content)
    with reading(queue.engine) as session:
        assert chain_faults(session) == []


def test_a_browser_shows_no_file_whatever_it_holds(queue: QueueUnderTest) -> None:
    rita = queue.signed_in("rita")
    got = rita.get(link_of(attach(rita, NAME, b"<script>alert(1)</script>").text))
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-disposition"] == f"attachment; filename*=UTF-8''{quote(NAME)}"
    assert got.headers["x-content-type-options"] == "nosniff"
    policy = got.headers["content-security-policy"].split("; ")
    assert "sandbox" in policy
    assert "script-src 'self'" not in policy
    assert got.headers["cache-control"] == "no-store"


def test_who_got_a_file_is_on_record_once_an_hour(queue: QueueUnderTest) -> None:
    link = link_of(attach(queue.signed_in("rita"), "a.csv", CSV).text)
    ana = queue.signed_in("ana")
    ana.get(link)
    ana.get(link)
    [(_, _, content)] = queue.entries("attachment.read")
    assert content["sha256"] == sha256_hex(CSV)


def test_a_form_that_is_sent_twice_attaches_once_and_a_file_lies_there_once(queue: QueueUnderTest) -> None:
    rita = queue.signed_in("rita")
    filled = hidden_in(rita.get("/cases/1").text, PATH) | {"text": "see"}
    for _ in range(2):
        assert rita.post(PATH, data=filled, files={"file": ("a.csv", CSV)}).status_code == 200
    assert (len(queue.entries("case.attached")), stored(queue)) == (1, 1)
    other = rita.post(PATH, data=filled, files={"file": ("a.csv", CSV + b"1\n")})
    assert other.status_code == 400, "the same form with another file"

    again = attachments.attach(queue.deployment, "rita", queue.deployment.now, "1", Upload("a.csv", CSV))
    assert (len(queue.entries("case.attached")), stored(queue)) == (1, 1)
    assert again.attachment.sha256 == sha256_hex(CSV)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.pdf", b"MZ\x90\x00", "of no kind that is taken"),
        ("a\u202efdp.csv", CSV, "U+202E"),
        ("a.csv", b"1" * (2**20 + 1), "larger than 1 MB"),
    ],
)
def test_a_file_that_is_not_taken_is_said_with_the_words_kept(
    queue: QueueUnderTest, name: str, content: bytes, why: str
) -> None:
    shown = attach(queue.signed_in("rita"), name, content, text="these words stay")
    assert shown.status_code == 400
    assert why in shown.text
    assert "these words stay" in shown.text
    assert (stored(queue), queue.entries("case.commented", "case.attached")) == (0, [])


def test_what_is_far_too_large_is_refused_before_it_is_held(queue: QueueUnderTest) -> None:
    shown = attach(queue.signed_in("rita"), "a.csv", b"1" * (3 * 2**20), text="these words stay")
    assert (shown.status_code, "larger than 1 MB" in shown.text) == (400, True)
    assert "these words stay</textarea>" in shown.text
    assert stored(queue) == 0


def test_a_case_takes_no_more_files_than_the_settings_say(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    for number in (1, 2):
        attachments.attach(deployment, "rita", deployment.now, "1", Upload(f"{number}.csv", CSV))
    with pytest.raises(Refused, match=r"it has 2 attachment\(s\), and 2 is the most"):
        attachments.attach(deployment, "rita", deployment.now, "1", Upload("3.csv", CSV))
    assert stored(queue) == 2


def test_nobody_who_may_not_comment_makes_us_read_a_file(queue: QueueUnderTest) -> None:
    otto = queue.signed_in("otto")
    proof = hidden_in(queue.signed_in("rita").get("/cases/1").text, PATH)
    sent = otto.post(PATH, data=proof, files={"file": ("a.csv", CSV)})
    assert sent.status_code == 403
    unknown = queue.a_browser().post(PATH, files={"file": ("a.csv", CSV)})
    assert (unknown.status_code, stored(queue)) == (403, 0)
    elsewhere = queue.signed_in("rita").post(
        PATH, files={"file": ("a.csv", CSV)}, headers={"Origin": "https://evil.example"}
    )
    assert elsewhere.status_code == 403
    assert "not a form of ours" in queue.entries("access.denied")[-1][2]["why"]


def test_who_attached_may_not_approve_and_a_file_is_handed_out_with_its_own_case_alone(
    queue: QueueUnderTest,
) -> None:
    deployment = queue.deployment
    attached = attachments.attach(deployment, "adam", deployment.now, "1", Upload("a.csv", CSV)).attachment
    with reading(queue.engine) as session:
        adam = actor_named(session, "adam")
        case_id = case_id_of(session, "1")
        assert Part.COMMENTED in parts_taken(session, adam, case_id)
    ana = queue.signed_in("ana")
    assert ana.get(f"/cases/1/attachments/{attached.id}").status_code == 200
    assert ana.get("/cases/1/attachments/00000000-0000").status_code == 404
    assert ana.get(f"/cases/99/attachments/{attached.id}").status_code == 404
    with pytest.raises(Refused, match="ida has no role that reads cases"):
        attachments.download(deployment, "ida", deployment.now, "1", attached.id)


def test_the_api_takes_bytes_and_gives_them_back(queue: QueueUnderTest) -> None:
    calls = calls_of(queue, "rita")
    key = {"Idempotency-Key": "one"}
    made = calls.post("/cases/1/attachments", params={"name": "a.csv"}, content=CSV, headers=key)
    assert made.status_code == 200, made.text
    view = made.json()["result"]["attachment"]
    assert (view["name"], view["kind"], view["size_bytes"]) == ("a.csv", "text", len(CSV))
    again = calls.post("/cases/1/attachments", params={"name": "a.csv"}, content=CSV, headers=key)
    assert again.json()["replayed"]
    other = calls.post("/cases/1/attachments", params={"name": "a.csv"}, content=CSV + b"1", headers=key)
    assert other.status_code == 422
    listed = calls.get("/cases/1").json()["comments"]
    assert [file["id"] for comment in listed for file in comment["attachments"]] == [view["id"]]
    got = calls.get(f"/cases/1/attachments/{view['id']}")
    assert (got.content, got.headers["content-type"]) == (CSV, "application/octet-stream")
    assert got.headers["content-disposition"] == "attachment; filename*=UTF-8''a.csv"
    large = calls.post("/cases/1/attachments", params={"name": "a.csv"}, content=b"1" * (2**20 + 1))
    assert (large.status_code, "larger than 1 MB" in large.json()["detail"]) == (422, True)
    reads = calls_of(queue, "rita", [ApiScope.CASES_READ])
    assert reads.post("/cases/1/attachments", params={"name": "b.csv"}, content=CSV).status_code == 403
    assert stored(queue) == 1


def test_the_command_line_attaches_and_writes_a_file(queue: QueueUnderTest, tmp_path: Path) -> None:
    file, out = tmp_path / "calls.csv", tmp_path / "out.csv"
    file.write_bytes(CSV)
    said = typed(queue, "attach", "1", str(file), "--as", "rita", "--text", "the calls")
    identity = re.search(r"[0-9a-f-]{36}", said)
    assert identity is not None, said
    assert f"calls.csv (text, {len(CSV)} bytes)" in typed(queue, "show", "1")
    typed(queue, "download", "1", identity[0], "--as", "ana", "--out", str(out))
    assert out.read_bytes() == CSV
    assert len(queue.entries("attachment.read")) == 1


def test_a_comment_without_a_file_is_one_as_before(queue: QueueUnderTest) -> None:
    shown = attach(queue.signed_in("rita"), "", b"", text="no file")
    assert (shown.status_code, len(queue.entries("case.commented"))) == (200, 1)
    empty = attach(queue.signed_in("rita"), "", b"", text=" ")
    assert (empty.status_code, "the comment is empty" in empty.text) == (409, True)
    cases.comment(queue.deployment, "rita", queue.deployment.now, "1", "more")
    assert stored(queue) == 0
