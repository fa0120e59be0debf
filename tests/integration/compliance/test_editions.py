"""Two editions of a bundle: what the customer gets verifies alone, shows nothing protected, and is the same."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from pypdf import PdfReader

from cjp_fraud.audit.head_keys import HeadKeys
from cjp_fraud.compliance.archive import opened, packed
from cjp_fraud.compliance.bundle import DISCLOSURE_KEY, PERSONS, SUMMARY, TIMELINE
from cjp_fraud.compliance.comparison import compare
from cjp_fraud.compliance.export import export_evidence
from cjp_fraud.compliance.letter_text import letter_text
from cjp_fraud.compliance.manifest import MANIFEST, SIGNATURE, listed, read_manifest, written
from cjp_fraud.compliance.model import Edition
from cjp_fraud.compliance.verification import verify
from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import BadInputError
from cjp_fraud.people.model import machine
from cjp_fraud.storage.database import make_engine
from tests.integration.compliance import two_editions
from tests.integration.compliance.conftest import NIGHT
from tests.integration.compliance.two_editions import TwoEditions
from tests.simulated_clocks import show_clock


def pdf_text(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


@cache
def texts_of(bundle: Path) -> dict[str, str]:
    """Every member of the archive as text: PDFs and letters too."""
    with zipfile.ZipFile(bundle) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    texts = {name: content.decode("utf-8", "replace") for name, content in members.items()}
    texts |= {f"{name} (letter)": letter_text(members[name]) for name in members if name.endswith(".eml")}
    texts |= {f"{name} (PDF)": pdf_text(members[name]) for name in members if name.endswith(".pdf")}
    return texts


def test_both_editions_hold_with_the_key_that_was_kept(editions: TwoEditions) -> None:
    for file, edition in ((editions.internal, Edition.INTERNAL), (editions.disclosable, Edition.DISCLOSABLE)):
        found = verify(file.read_bytes(), [editions.key])
        assert found.faults == ()
        assert (found.edition, found.manifest_signed) == (edition, True)
        assert found.key_id == editions.key.key_id


@pytest.mark.parametrize(
    "protected", [*two_editions.STAFF, two_editions.STAFF_MAIL, *two_editions.OTHER_TENANTS]
)
def test_no_name_of_staff_and_no_other_tenant_is_anywhere_in_what_is_disclosed(
    editions: TwoEditions, protected: str
) -> None:
    word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(protected)}(?![A-Za-z0-9])", re.IGNORECASE)
    assert [name for name, text in texts_of(editions.disclosable).items() if word.search(text)] == []


@pytest.mark.parametrize(
    "protected", [*two_editions.WORDS, str(two_editions.THRESHOLD), '"threshold"', "1.6180339"]
)
def test_no_privileged_word_and_no_setting_of_the_detector_is_in_what_is_disclosed(
    editions: TwoEditions, protected: str
) -> None:
    texts = texts_of(editions.disclosable)
    settings = {
        name: re.sub(r'"fields": \[[^]]*\]|"fields":\[[^]]*\]', "", text) for name, text in texts.items()
    }
    assert [name for name, text in settings.items() if protected in text] == []


def test_the_search_would_find_them(editions: TwoEditions) -> None:
    texts = "\n".join(texts_of(editions.internal).values())
    for protected in (*two_editions.STAFF[:5], *two_editions.WORDS, str(two_editions.THRESHOLD)):
        assert protected in texts, protected


def test_the_customers_own_words_and_addresses_are_disclosed(editions: TwoEditions) -> None:
    texts = texts_of(editions.disclosable)
    assert two_editions.CUSTOMERS_WORDS in texts["records/personal_texts.json"]
    assert "notices@acme.example" in texts["records/personal_texts.json"]
    assert two_editions.CUSTOMERS_WORDS in " ".join(texts[f"{SUMMARY} (PDF)"].split())


def test_four_eyes_stay_provable_without_names(editions: TwoEditions) -> None:
    files = opened(editions.disclosable.read_bytes()).files
    by_act = {entry["did"]: entry["who"] for entry in json.loads(files[TIMELINE])}
    assert re.fullmatch(r"person \d", by_act["case.determined"])
    assert re.fullmatch(r"person \d", by_act["case.approved"])
    assert by_act["case.determined"] == by_act["case.claimed"] != by_act["case.approved"]
    persons = json.loads(files[PERSONS])
    assert not any("name" in person for person in persons)
    assert {"reviewer"} <= set(persons[0]["roles"])
    approval = json.loads(files["records/approvals.json"])[0]
    assert "withheld" not in approval, "the row of the approval is shown whole, and bound to the log"


def test_the_two_editions_are_shown_to_be_of_the_same_facts(editions: TwoEditions) -> None:
    found = compare(editions.internal.read_bytes(), editions.disclosable.read_bytes())
    assert found.faults == ()
    assert found.notes == ()
    assert found.opened > 20


def another(bundle: Path, name: str, old: bytes, new: bytes) -> bytes:
    """Change a file of a bundle; the manifest is left as it is, since the comparison asks nobody for a signature."""
    files = dict(opened(bundle.read_bytes()).files)
    name = next(each for each in files if each.startswith(name))
    assert old in files[name], (old, name)
    return packed(files | {name: files[name].replace(old, new, 1)})


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("records/flags.json", b'"observed": 140', b'"observed": 14'),
        ("records/approvals.json", b'"capacity": "approver"', b'"capacity": "counsel"'),
        ("records/users.json", b'"sha256": "', b'"sha256": "0'),
        ("receipts.json", b"(sent)", b"(read)"),
        ("receipts.json", b"{", b"\xff"),
        ("evidence_sets/", b"{", b"]"),
    ],
)
def test_an_edition_that_says_something_else_is_told_by_the_comparison(
    editions: TwoEditions, name: str, old: bytes, new: bytes
) -> None:
    other = another(editions.disclosable, name, old, new)
    assert compare(editions.internal.read_bytes(), other).faults


def test_the_same_facts_exported_at_the_same_moment_give_the_same_bytes(
    editions: TwoEditions, tmp_path: Path
) -> None:
    made, at = [], NIGHT + timedelta(days=3)
    first = tmp_path / "first.db"
    with sqlite3.connect(editions.folder / "cjp_fraud.db") as source, sqlite3.connect(first) as target:
        source.backup(target)
    engine = make_engine(f"sqlite:///{first}")
    show_clock(engine, at)
    with engine.connect() as connection:
        connection.execution_options(reading_only=True).exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    for name in ("one", "other"):
        copy = tmp_path / f"{name}.db"
        copy.write_bytes(first.read_bytes())
        engine = make_engine(f"sqlite:///{copy}")
        by, key = machine("account-of-this-machine"), HeadKeys(editions.folder / "keys").private()
        out = tmp_path / f"{name}.zip"
        export_evidence(engine, "3", out, by, at, key=key, edition=Edition.DISCLOSABLE)
        engine.dispose()
        made.append(dict(opened(out.read_bytes()).files))
    # The entry of an export is stamped by the machine's clock too; nothing but the log and what signs it has that.
    stamped = {"audit.jsonl", "signed_head.json", MANIFEST, SIGNATURE}
    assert {name for name in made[0] if made[0][name] != made[1][name]} <= stamped
    assert len(made[0]) > 40


def test_what_cannot_be_compared_is_refused_in_words(editions: TwoEditions) -> None:
    internal, disclosable = editions.internal.read_bytes(), editions.disclosable.read_bytes()
    for one, other in ((disclosable, internal), (internal, internal), (internal, b"x")):
        with pytest.raises(BadInputError):
            compare(one, other)


def test_the_secret_of_the_salts_is_in_the_internal_edition_alone(editions: TwoEditions) -> None:
    internal = opened(editions.internal.read_bytes()).files
    disclosable = opened(editions.disclosable.read_bytes()).files
    secret = json.loads(internal[DISCLOSURE_KEY])["secret"]
    assert DISCLOSURE_KEY not in disclosable
    assert not any(secret.encode() in content for content in disclosable.values())
    guesses = {sha256_hex(f'{{"threshold":{number / 10}}}'.encode()) for number in range(100)}
    assert not any(guess.encode() in content for content in disclosable.values() for guess in guesses)


def test_a_row_that_claims_to_withhold_something_in_an_internal_bundle_is_a_fault(
    editions: TwoEditions,
) -> None:
    files = dict(opened(editions.internal.read_bytes()).files)
    rows = json.loads(files["records/approvals.json"])
    rows[0] |= {"withheld": {"fields": ["at"], "sha256": "00"}, "row_sha256": "00"}
    files["records/approvals.json"] = json.dumps(rows).encode()
    manifest = read_manifest(files.pop(MANIFEST))
    forged = written(
        replace(manifest, files=listed({name: files[name] for name in files if name != SIGNATURE}))
    )
    faults = verify(packed(files | {MANIFEST: forged})).faults
    assert any("withholds something in an internal bundle" in fault for fault in faults), faults


def test_the_summary_is_a_pdf_that_a_reader_opens_with_charts_and_the_reasoning(
    editions: TwoEditions,
) -> None:
    files = opened(editions.internal.read_bytes()).files
    text = " ".join(pdf_text(files[SUMMARY]).split())
    for words in (
        "SIMULATED CLOCK",
        "What was seen",
        "CJP Offer 10.0, clause 2.4",
        "two persons",
        "Example Ltd",
    ):
        assert words in text, words
    assert "by email a notice counts when our server or carrier took it over" in text
    assert "Local time (Europe/Berlin)" in text, "the chart's axis is text in the PDF"
    assert b"pdfaid" in files[SUMMARY]
    assert "�" not in text
    charts = [name for name in files if name.startswith("charts/")]
    assert charts == ["charts/series-1.svg"]


def test_the_contract_stands_there_as_of_each_decision_with_its_sources(editions: TwoEditions) -> None:
    decisions = json.loads(opened(editions.disclosable.read_bytes()).files["contract.json"])
    kinds = {decision["decision"].split()[0] for decision in decisions}
    assert {"determinations", "proposals", "approvals", "notices", "measures", "reaffirmations"} == kinds
    for decision in decisions:
        assert decision["contract"]["clause"] == "CJP Offer 10.0, clause 2.4"
        sources = {source["row"].split()[0]: source["source"] for source in decision["sources"]}
        assert set(sources) == {
            "addresses",
            "governing_documents",
            "notice_terms",
            "provisioning_notices",
            "subscription_terms",
        }
        assert set(sources.values()) == {"acme.csv line 2"}


def test_a_bundle_is_verified_where_nothing_of_ours_is_set_up(editions: TwoEditions, tmp_path: Path) -> None:
    """On the customer's side: another folder, no home, settings that would be refused, no network."""
    program = (
        "import socket, sys\n"
        "def no_network(*_): raise AssertionError('the network was used')\n"
        "socket.socket.connect = no_network\n"
        "from cjp_fraud.cli.main import main\n"
        f"sys.argv = ['cjp-fraud', 'evidence', 'verify', {str(editions.disclosable)!r}, '--key', "
        f"{str(editions.key_file)!r}]\n"
        "main()\n"
    )
    environment = {
        "CJP_FRAUD_NO_SUCH_SETTING": "x",
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "HOME": str(tmp_path),
    }
    said = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert "The bundle holds." in said.stdout
    assert list(tmp_path.iterdir()) == [], "nothing was written"


def test_the_readme_tells_how_to_verify_with_openssl_alone(editions: TwoEditions, tmp_path: Path) -> None:
    files = opened(editions.disclosable.read_bytes()).files
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    readme = files["README.txt"].decode()
    commands = re.findall(r"^ +((?:openssl|sha256sum) .*)$", readme, re.MULTILINE)
    assert len(commands) >= 2
    for command in commands:
        if "ROOTS.pem" in command:
            continue
        said = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert said.returncode == 0, (command, said.stdout, said.stderr)
    key_id = subprocess.run(
        "openssl pkey -pubin -in public_key.pem -outform DER | sha256sum",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()[0]
    assert key_id == editions.key.key_id == json.loads(files[MANIFEST])["signed_with"]
