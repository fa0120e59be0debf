"""``cjp-fraud notices preview``: every kind in every language, as text, page and PDF, and nothing written."""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from pypdf import PdfReader
from sqlalchemy import func, select
from typer.testing import CliRunner

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.cli import cases, disputes, notices
from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, Refused
from cjp_fraud.notices.letter_languages import LANGUAGES
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.operations.housekeeping import LAKE_TABLES
from cjp_fraud.storage.database import reading, transaction
from tests.case_builders import PEOPLE, START, a_flag, flag
from tests.contract_builders import a_row, load_rows
from tests.fonts import with_japanese_fonts
from tests.people_builders import a_user

FRAUD = ("--ground", "unattended", "--because", "short calls to one range at night")
BREACH = ("--term", "Offer 10.0, 3.2", "--cure-until", "2026-03-20T12:00Z")
SUBJECTS = {
    "en": "Notice of a temporary restriction",
    "fr": "Avis de restriction temporaire",
    "fr-CA": "Avis de restriction temporaire",
    "de": "Mitteilung über eine vorübergehende Einschränkung",
    "es": "Aviso de restricción temporal",
    "it": "Avviso di restrizione temporanea",
    "nl": "Kennisgeving van een tijdelijke beperking",
    "sv": "Meddelande om en tillfällig begränsning",
    "ja": "サービスの一時的な制限に関する通知",
}


@pytest.fixture
def flagged(tmp_path: Path, sqlite_template: bytes) -> Deployment:
    """A deployment with one flagged case that nobody has looked at."""
    settings = load_settings(
        home=tmp_path / "home",
        now=START + timedelta(minutes=30),
        contact="+1 555 0100",
        provider_legal_name="Example Cloud Ltd.",
        postal_address="1 Cloud Road, Dublin 2, Ireland",
    )
    settings.home.mkdir()
    (settings.home / "cjp_fraud.db").write_bytes(sqlite_template)
    made = Deployment(settings)
    made.lake.create(LAKE_TABLES, buckets=settings.lake_buckets)
    load_rows(made.engine, tmp_path, a_row(name="Acme & <Sons>"), at=START - timedelta(days=60))
    with transaction(made.engine) as session:
        for name, roles in PEOPLE.items():
            a_user(session, name, roles, START)
    flag(made.engine, a_flag(START))
    return made


@pytest.fixture
def opened(flagged: Deployment) -> Deployment:
    """The same with a determination of fraud, and a measure proposed."""
    done(cases.app, flagged, "claim", "1", "--as", "rita")
    done(cases.app, flagged, "determine", "1", "--as", "rita", "--part", "victim", *FRAUD)
    return flagged


def run(app: Any, opened: Deployment, *arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), obj=opened, terminal_width=80)


def done(app: Any, opened: Deployment, *arguments: str) -> str:
    result = run(app, opened, *arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def entries(opened: Deployment) -> int:
    with reading(opened.engine) as session:
        return session.scalar(select(func.count()).select_from(AuditEntry)) or 0


def test_the_letter_is_shown_in_the_contracts_language_and_nothing_is_written(opened: Deployment) -> None:
    before = entries(opened)
    text = done(notices.app, opened, "preview", "1")
    assert text.startswith("Notice of a temporary restriction of your service, case 1\n")
    assert "PREVIEW: this letter has not been sent." in text
    assert "Customer: Acme & <Sons>" in text
    assert "Suspension of the voice channel (outbound only)." in text
    assert all(len(line) <= 80 for line in text.split("\n"))
    assert entries(opened) == before
    with reading(opened.engine) as session:
        assert session.scalar(select(func.count()).select_from(AuditEntry)) == before


def test_all_languages_come_at_once(opened: Deployment) -> None:
    letters = json.loads(done(notices.app, opened, "preview", "1", "--language", "all", "--json"))
    assert [letter["language"] for letter in letters] == list(LANGUAGES)
    for letter in letters:
        assert letter["subject"].startswith(SUBJECTS[letter["language"]])
        assert "⟦" not in letter["subject"] + letter["body"]
    text = done(notices.app, opened, "preview", "1", "--language", "all")
    assert all(subject in text for subject in SUBJECTS.values())


@pytest.mark.parametrize("kind", sorted(set(NoticeKind) - {NoticeKind.CAP}))
def test_every_kind_can_be_looked_at(opened: Deployment, kind: NoticeKind) -> None:
    done(disputes.app, opened, "open", "1", "--as", "rita", "--text", "we know this traffic")
    text = done(notices.app, opened, "preview", "1", "--kind", kind, *BREACH, "--language", "de-AT")
    assert "VORSCHAU: Dieses Schreiben wurde nicht versandt." in text
    assert "Fall 1" in text


def test_a_page_escapes_what_people_wrote_and_names_its_language(opened: Deployment) -> None:
    page = done(notices.app, opened, "preview", "1", "--language", "ja", "--format", "html")
    assert '<html lang="ja">' in page
    assert "Acme &amp; &lt;Sons&gt;" in page
    assert "<Sons>" not in page
    assert page.count("<h2>") == 6
    assert "<li>" in page
    assert "<script" not in page


def test_several_pages_go_to_a_file_each(opened: Deployment, tmp_path: Path) -> None:
    out = tmp_path / "letter.html"
    said = done(
        notices.app, opened, "preview", "1", "--language", "all", "--format", "html", "--out", str(out)
    )
    for language in LANGUAGES:
        assert f'lang="{language}"' in (tmp_path / f"letter.{language}.html").read_text(encoding="utf-8")
        assert f"{language}: " in said


def test_a_pdf_is_addressed_to_the_customer(opened: Deployment, tmp_path: Path) -> None:
    out = tmp_path / "letter.pdf"
    done(notices.app, opened, "preview", "1", "--language", "sv", "--format", "pdf", "--out", str(out))
    text = PdfReader(io.BytesIO(out.read_bytes())).pages[0].extract_text()
    for said in ("Acme & <Sons>", "Example Cloud Ltd. · 1 Cloud Road, Dublin 2, Ireland", SUBJECTS["sv"]):
        assert said in re.sub(r"\s+", " ", text)
    refused = run(notices.app, opened, "preview", "1", "--format", "pdf")
    assert refused.exit_code == 2
    assert "--out FILE" in refused.output


@with_japanese_fonts
def test_the_pdfs_of_all_languages_are_written(opened: Deployment, tmp_path: Path) -> None:
    out = tmp_path / "letter.pdf"
    done(notices.app, opened, "preview", "1", "--language", "all", "--format", "pdf", "--out", str(out))
    assert len(list(tmp_path.glob("letter.*.pdf"))) == len(LANGUAGES)


def test_before_a_finding_only_a_warning_can_be_looked_at(flagged: Deployment) -> None:
    text = done(notices.app, flagged, "preview", "1", "--kind", "conditional_warning")
    assert "It has not been determined whether it is fraudulent" in " ".join(text.split())
    assert "Suspension of the voice channel (outbound only)." in text, (
        "what is proposed where nobody says more"
    )
    error = run(notices.app, flagged, "preview", "1").exception
    assert isinstance(error, Refused)
    assert error.missing == ("no determination of fraud is on record",)


def test_what_is_missing_is_said(opened: Deployment) -> None:
    error = run(notices.app, opened, "preview", "1", "--kind", "breach").exception
    assert isinstance(error, Refused)
    assert "--term TEXT --cure-until WHEN" in str(error)
    error = run(notices.app, opened, "preview", "1", "--kind", "dispute_answer").exception
    assert isinstance(error, Refused)
    assert "no dispute is on record" in str(error)
    unknown = run(notices.app, opened, "preview", "1", "--language", "pt").exception
    assert isinstance(unknown, BadInputError)
    assert "fr-CA" in str(unknown)
