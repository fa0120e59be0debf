"""What a letter rests on is in the bundle like all else: laws that counsel turned on, codes of the page, the PDF."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import Engine, select

from cjp_fraud.audit.head_keys import HeadKeys
from cjp_fraud.audit.row_digests import Record
from cjp_fraud.compliance.archive import opened as unpacked
from cjp_fraud.compliance.disclosure import Disclosure
from cjp_fraud.compliance.export import export_evidence
from cjp_fraud.compliance.letter_text import letter_text
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.compliance.manifest import MANIFEST
from cjp_fraud.compliance.model import Edition
from cjp_fraud.compliance.protected_words import ProtectedWords
from cjp_fraud.compliance.verification import verify
from cjp_fraud.config import load_settings
from cjp_fraud.contracts.methods import EMAIL, LETTER
from cjp_fraud.contracts.model import Right
from cjp_fraud.contracts.reason_profile_entry import enter_profile
from cjp_fraud.contracts.reason_profiles import ReasonProfile
from cjp_fraud.contracts.receipt_rule import Basis
from cjp_fraud.contracts.terms import Combine, MethodRule, NoticeStep, NoticeTerms
from cjp_fraud.contracts.versions import enter_address, enter_terms
from cjp_fraud.deployment import Deployment
from cjp_fraud.notices.letter_pdf import PaperLetter, pdf
from cjp_fraud.notices.methods.interface import NoticeMethods
from cjp_fraud.notices.methods.letter import Letterhead, LetterMethod
from cjp_fraud.notices.methods.print_folder import PrintFolder
from cjp_fraud.notices.page_key import page_links
from cjp_fraud.notices.tables import Notice, PageCode
from cjp_fraud.operations import notice_page
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.gate_facts import row_faults
from tests.integration.compliance.conftest import CaseSteps
from tests.notice_pages import PUBLIC_URL

OPINION = "opinion 17 of the general counsel"
POSTAL = "Acme Ltd.\n1 Main Street\nNew York NY 10001\nUnited States"


@dataclass
class LetterSteps(CaseSteps):
    """A case whose notice goes by email and by post."""

    def mail(self) -> NoticeMethods:
        """The mail server, and a folder from which a printer takes letters."""
        by_mail = super().mail()
        head = Letterhead("Example Cloud Ltd.", "1 Cloud Road, Dublin, Ireland")
        printer = PrintFolder(self.folder / "print")
        return replace(by_mail, by_name={**by_mail.by_name, LETTER: LetterMethod(head, printer)})


@pytest.fixture
def steps(sqlite_engine: Engine, tmp_path: Path, smtp_port: int) -> LetterSteps:
    """A case whose notice went by email and to a printer."""
    told = LetterSteps(sqlite_engine, tmp_path, smtp_port)
    told.people()
    told.flagged()
    rules = tuple(MethodRule(method, Basis.SENT, ("notice",)) for method in (EMAIL, LETTER))
    terms = NoticeTerms((NoticeStep(1, Combine.ALL_OF, rules),))
    cora = told.who("cora")
    with transaction(told.engine) as session:
        by, at = machine("contracts"), told.tick()
        enter_address(session, "acme", "notice", (POSTAL,), by, at, method=LETTER)
        enter_terms(session, "acme", by, at, reference="MSA", right=Right.CLAUSE_2_4, terms=terms)
        counsel = Decision(session, cora, at)
        enter_profile(counsel, "provider", ReasonProfile.EU_2022_2065, in_force=False, source=OPINION)
    told.determined()
    told.approved()
    told.carried_out()
    return told


def deployment_of(steps: CaseSteps) -> Deployment:
    made = Deployment(
        load_settings(
            home=steps.folder, public_url=PUBLIC_URL, smtp_host="127.0.0.1", smtp_port=steps.mail_port
        )
    )
    made.__dict__["engine"] = steps.engine
    return made


def exported(steps: CaseSteps, edition: Edition) -> dict[str, bytes]:
    """Return the files of an edition that verifies."""
    keys = HeadKeys(steps.folder / "keys")
    if not keys.private_file.exists():
        keys.make()
    file = steps.folder / f"{edition}-{steps.tick():%H%M}.zip"
    made = export_evidence(
        steps.engine,
        steps.case_id,
        file,
        steps.who("cora"),
        steps.tick(),
        key=keys.private(),
        edition=edition,
    )
    assert made.faults == ()
    assert verify(file.read_bytes(), [keys.private().public]).faults == ()
    return dict(unpacked(file.read_bytes()).files)


def test_a_mailed_letter_is_a_pdf_in_the_bundle_and_is_called_one(steps: LetterSteps) -> None:
    for edition in Edition:
        files = exported(steps, edition)
        with reading(steps.engine) as session:
            letters = {row.id: row.method for row in session.scalars(select(Notice))}
        by_post = next(notice for notice, method in letters.items() if method == LETTER)
        content = files[f"notices/{by_post}.pdf"]
        assert f"notices/{by_post}.eml" not in files
        printed = " ".join(
            "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split()
        )
        assert "Acme Ltd." in printed
        assert "Acme Ltd." in files[f"notices/{by_post}.txt"].decode()
        types = {file["name"]: file["media_type"] for file in json.loads(files[MANIFEST])["files"]}
        assert types[f"notices/{by_post}.pdf"] == "application/pdf"
        by_email = next(notice for notice, method in letters.items() if method == EMAIL)
        assert types[f"notices/{by_email}.eml"] == "message/rfc822"
        assert {name for name, kind in types.items() if kind == "application/pdf"} == {
            name for name in files if files[name].startswith(b"%PDF-")
        }


def test_laws_that_counsel_turned_on_are_rows_of_the_case_and_their_source_is_not_disclosed(
    steps: LetterSteps,
) -> None:
    internal, disclosable = exported(steps, Edition.INTERNAL), exported(steps, Edition.DISCLOSABLE)
    (row,) = json.loads(internal["records/reason_profiles.json"])
    assert row["fields"]["source"] == OPINION
    (row,) = json.loads(disclosable["records/reason_profiles.json"])
    assert "source" not in row["fields"]
    assert row["fields"]["profile"] == ReasonProfile.EU_2022_2065
    assert not [name for name, content in disclosable.items() if OPINION.encode() in content]


def test_the_codes_of_a_notices_page_are_rows_of_the_case_and_keep_no_gate_shut(steps: LetterSteps) -> None:
    opened = deployment_of(steps)
    links = page_links(opened.settings)
    assert links is not None
    with reading(steps.engine) as session:
        notice = session.scalars(select(Notice).where(Notice.method == EMAIL)).first()
    assert notice is not None
    token = links.link(notice.id, steps.now).rsplit("/", 1)[1]
    asked = notice_page.ask_code(opened, steps.tick(), token, "notices@acme.example", "203.0.113.9")
    assert asked.to_send is not None
    notice_page.open_page(opened, steps.now, token, asked.to_send.code_id, asked.to_send.code, "203.0.113.9")
    with reading(steps.engine) as session:
        assert row_faults(session, session.get_one(Case, steps.case_id)) == ()
        (code,) = session.scalars(select(PageCode))
    assert code.used_at is not None
    assert verify_log(steps.engine).faults == ()
    for edition in Edition:
        (row,) = json.loads(exported(steps, edition)["records/page_codes.json"])
        assert row["id"] == code.id
        assert "203.0.113.9" not in json.dumps(row)


def test_a_pdf_that_names_somebody_protected_or_cannot_be_read_is_not_disclosed() -> None:
    content = pdf(
        PaperLetter(
            language="en", subject="Notice", body="Found by Rosalinda\nand by nobody else.\n", sender="Example",
            return_address=None, recipient=("Acme",), country=None, dated=date(2026, 1, 31),
        ),
        None,
    )  # fmt: skip
    assert b"Rosalinda" not in content
    assert "Rosalinda" in letter_text(content)
    none: frozenset[str] = frozenset()

    def shown(name: str, message: bytes) -> dict[str, bytes]:
        words = ProtectedWords(names=frozenset({name}), tenants=none, texts=none, own=none, vocabulary=none)
        record = Record("notices", "1", {}, {"message": message})
        return dict(Disclosure(b"secret", words).shown(record).record.documents)

    assert shown("Rosalinda", content) == {}
    assert shown("Eulalia", content) == {"message": content}
    assert shown("Eulalia", content[:40]) == {}
