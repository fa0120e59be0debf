"""A case from flag to reinstatement by commands alone, on a simulated clock, over a change of the customer's clocks.

The contract wants 14 days' warning by email and then a second notice by letter, 24 hours before the measure, which may
begin in the customer's hours only. All moments were worked out by hand, with a calendar of 2026 (Toronto, Ontario).
"""

from __future__ import annotations

import io
import json
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from pypdf import PdfReader
from sqlalchemy.engine import make_url

from tests import postgres
from tests.command_line import CommandLine
from tests.e2e.customer_files import write_files
from tests.mail_servers import MailServerUnderTest, smtp_server
from tests.time_stamp_authority import Authority, make_authority, served

PAGE = Path(__file__).resolve().parents[2] / "docs" / "case.md"
MINUTE = timedelta(minutes=1)
MEASURE = (
    *("--measure", "block_destinations", "--destination", "+371", "--days", "3"),
    *("--part", "victim", "--ground", "unusual_destinations", "--ground", "costly_destinations"),
)


def utc(text: str) -> datetime:
    """Return a moment that is written as UTC, to the minute."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Season:
    """When things happen, and what must follow from that.

    Parameters
    ----------
    burst : the calls to Latvia begin, 02:00 in Toronto in the night to Thursday.
    approved : Friday 18:20 in Toronto, after business hours (09:00 to 17:00): the warning by email leaves.
    second_notice : the first moment at which the second notice may leave.
    read : Thursday 21:30 in Toronto, in the week of the second notice: the carrier's event is read.
    lawful : the earliest lawful minute.
    not_before, ends : what the letters say, in Toronto's time and in UTC.
    end : of the measure, 3 days after its lawful minute.
    """

    burst: datetime
    approved: datetime
    second_notice: datetime
    read: datetime
    lawful: datetime
    not_before: str
    ends: str
    end: datetime


# Clocks go forward on Sunday 8 March 2026, from 02:00 EST (UTC-5) to 03:00 EDT (UTC-4).
# - The warning leaves on Friday 27 February at 18:20 EST. Business is closed, so it counts from Monday 2 March
#   09:00 EST, 14:00 UTC.
# - 14 calendar days on the clock end on Monday 16 March 09:00 EDT, 13:00 UTC, after 335 hours only. A calendar day
#   is never shorter than 24 hours: 336 hours end at 14:00 UTC, 10:00 EDT.
# - If the letter were mailed that minute, the measure could follow 24 hours later: Tuesday 17 March 10:00 EDT,
#   14:00 UTC, in the hours of a Tuesday (08:00 to 21:00). That is the letters' "not before". Their latest end is
#   3 days later for the measure and 7 days for the post: 27 March.
# - The carrier's event is read on Thursday 19 March 21:30 EDT. 24 hours on it is Friday 21:30, after hours (21:00):
#   Saturday 21 March, 09:00 EDT, 13:00 UTC. The measure lasts 3 days from then on.
SPRING = Season(
    burst=utc("2026-02-26T07:00"),
    approved=utc("2026-02-27T23:20"),
    second_notice=utc("2026-03-16T14:00"),
    read=utc("2026-03-20T01:30"),
    lawful=utc("2026-03-21T13:00"),
    not_before="March 17, 2026 at 10:00 (14:00 UTC)",
    ends="March 27, 2026 at 10:00 (14:00 UTC)",
    end=utc("2026-03-24T13:00"),
)

# Clocks go back on Sunday 1 November 2026, from 02:00 EDT (UTC-4) to 01:00 EST (UTC-5).
# - The warning leaves on Friday 23 October at 18:20 EDT and counts from Monday 26 October 09:00 EDT, 13:00 UTC.
# - 14 calendar days on the clock end on Monday 9 November 09:00 EST, 14:00 UTC, after 337 hours: the later reading.
# - Mailed that minute, the measure could follow on Tuesday 10 November 09:00 EST, 14:00 UTC; 3 and 7 days on it is
#   20 November.
# - The event is read on Thursday 12 November 21:30 EST (02:30 UTC of the 13th). 24 hours on it is Friday 21:30, after
#   hours: Saturday 14 November, 09:00 EST, 14:00 UTC.
AUTUMN = Season(
    burst=utc("2026-10-22T06:00"),
    approved=utc("2026-10-23T22:20"),
    second_notice=utc("2026-11-09T14:00"),
    read=utc("2026-11-13T02:30"),
    lawful=utc("2026-11-14T14:00"),
    not_before="November 10, 2026 at 09:00 (14:00 UTC)",
    ends="November 20, 2026 at 09:00 (14:00 UTC)",
    end=utc("2026-11-17T14:00"),
)


@dataclass
class Home:
    """An empty home with its settings in force, and what stands around it.

    Parameters
    ----------
    folder : for files that come from outside, and bundles that leave.
    printer : the folder from which a printer takes letters.
    """

    commands: CommandLine
    folder: Path
    printer: Path
    mail: MailServerUnderTest
    authority: Authority

    def letters(self) -> list[dict[str, Any]]:
        """What the printer's manifest says, a letter each."""
        manifest = self.printer / "manifest.jsonl"
        lines = manifest.read_text().splitlines() if manifest.exists() else []
        return [json.loads(line) for line in lines]

    def printed_text(self, letter: dict[str, Any]) -> str:
        """The text of a letter as a PDF reader sees it, without line breaks."""
        pages = PdfReader(io.BytesIO((self.printer / letter["file"]).read_bytes())).pages
        return " ".join("\n".join(page.extract_text() for page in pages).split())

    def mailed_texts(self) -> list[tuple[str, str]]:
        """Recipient and text of each mail that the server took, without line breaks."""
        parsed = [
            (mail.recipient, message_from_bytes(mail.content, policy=policy.default))
            for mail in self.mail.received
        ]
        return [(recipient, " ".join(message.get_content().split())) for recipient, message in parsed]


@contextmanager
def an_empty_postgres(server: str) -> Iterator[str]:
    """URL of a database in which nothing is yet."""
    name = f"commands_{uuid4().hex}"
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    postgres.on_server(url, f'CREATE DATABASE "{name}"')
    yield url
    postgres.on_server(url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgresql"])
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """An empty home on a database of each kind, a mail server, a print folder, a time stamp authority."""
    printer = tmp_path / "printer"
    printer.mkdir()
    for name in [name for name in os.environ if name.startswith("CJP_FRAUD_")]:
        monkeypatch.delenv(name)
    with smtp_server() as mail, served(make_authority(tmp_path / "authority")) as authority:
        chosen = {
            "HOME": str(tmp_path / "home"),
            "PLATFORM_MODE": "act",
            "TRIAL_TENANTS": "0",
            "SMTP_PORT": str(mail.port),
            "MAIL_FROM": "notices@provider.example",
            "PROVIDER_NAME": "Provider",
            "PROVIDER_LEGAL_NAME": "Provider International B.V.",
            "CONTACT": "+1 555 0100",
            "POSTAL_ADDRESS": "Provider International B.V., 1 Main Street, Toronto ON M5H 2N2, Canada",
            "PRINT_FOLDER": str(printer),
        }
        for name, value in chosen.items():
            monkeypatch.setenv(f"CJP_FRAUD_{name}", value)
        made = Home(CommandLine(), tmp_path, printer, mail, authority)
        if request.param == "sqlite":
            yield made
            return
        with an_empty_postgres(request.getfixturevalue("postgres_server")) as url:
            monkeypatch.setenv("CJP_FRAUD_DATABASE_URL", url)
            yield made


@pytest.mark.both_databases
def test_a_case_goes_from_flag_to_reinstatement_by_commands_alone(
    home: Home, request: pytest.FixtureRequest
) -> None:
    season = AUTUMN if "postgresql" in request.node.callspec.params.values() else SPRING
    case = find_a_case(home, season)
    determine_and_approve(home, season, case)
    serve_the_second_notice(home, season, case)
    take_the_measure_at_its_minute(home, season, case)
    dispute_and_reinstate(home, season, case)
    prove(home, case)
    assert_documented(home.commands.typed)


def find_a_case(home: Home, season: Season) -> str:
    """Contract and traffic in, flags, a case, which somebody takes; return its number."""
    commands = home.commands
    traffic, tenants, contract = write_files(home.folder, season.burst)
    commands.at(season.burst - timedelta(days=1))
    people = ("rosa=analyst,reviewer", "amir=approver", "vera=approver", "lena=counsel", "ada=analyst")
    commands.run("init", "--simulated", *(word for person in people for word in ("--user", person)))
    assert commands.ask("tenants", "load", str(tenants), "--as", "ada")["terms_not_read"] == ["acme"]
    commands.run("contracts", "load", str(contract), "--as", "lena")
    shown = commands.ask("contracts", "show", "acme")
    assert (shown["governing_document"], shown["right"], shown["faults"]) == (
        "Master agreement, version 2025 (MSA)",
        "clause_2_4",
        [],
    )
    assert shown["term_from"] == "2025-06-15T04:00:00Z", (
        "the day of the first notice of provisioning, in Toronto"
    )
    explained = commands.run("contracts", "explain", "acme", "--at", f"{season.approved:%Y-%m-%d}")
    assert "step 1: any of email to notice; then step 2: any of letter to notice" in explained
    commands.at(season.burst + timedelta(days=1))
    taken = commands.ask("traffic", "ingest", str(traffic))
    assert taken["quarantined"] == 0
    last_day = season.burst.replace(hour=0)
    window = (last_day.isoformat(), (last_day + timedelta(days=1)).isoformat())
    detected = commands.ask("detect", "--from", window[0], "--to", window[1])
    assert detected["cases_opened"] == 1
    (listed,) = commands.ask("cases", "list")["cases"]
    assert (listed["tenant_id"], listed["state"]) == ("acme", "open")
    case = str(listed["number"])
    commands.run("cases", "claim", case, "--as", "rosa")
    return case


def determine_and_approve(home: Home, season: Season, case: str) -> None:
    """Determination and proposal by one person, approval by another: the warning leaves."""
    commands = home.commands
    commands.at(season.approved - timedelta(hours=2))
    determined = commands.run(
        *("cases", "determine", case, "--as", "rosa", *MEASURE),
        *("--because", "Calls to a country never called before, whose numbers earn a share"),
    )
    assert "step 2 (letter: mailed) counts only once a carrier or the recipient has said so" in determined
    assert commands.ask("cases", "show", case)["state"] == "determined"
    assert "rosa determined the fraud; another person must approve" in commands.refused(
        "cases", "approve", case, "--as", "rosa"
    )
    assert "lena edited the tenant's addresses or terms" in commands.refused(
        "cases", "approve", case, "--as", "lena"
    )
    assert home.mail.received == []
    commands.at(season.approved)
    approved = commands.run("cases", "approve", case, "--as", "amir")
    assert f"case {case}: noticed" in approved
    assert f"next at {season.second_notice:%Y-%m-%d %H:%MZ}" in approved
    ((recipient, text),) = home.mailed_texts()
    assert recipient == "legal@acme.example"
    assert f"not before {season.not_before}" in text
    assert "This is notice 1 of 2. The next one follows before a restriction begins." in text
    assert f"For how long: at most 72 hours. Until: {season.ends} at the latest." in text
    assert "numbers that begin with +371 (voice channel, outbound only)" in text
    assert home.letters() == []


def serve_the_second_notice(home: Home, season: Season, case: str) -> None:
    """The period runs on the customer's clock; at its end, and no minute before, the letter goes to the printer."""
    commands = home.commands
    assert earliest(home, case) == season.second_notice + timedelta(days=1)
    commands.at(season.second_notice - MINUTE)
    commands.run("run-due")
    assert home.letters() == []
    commands.at(season.second_notice)
    commands.run("run-due")
    (letter,) = home.letters()
    assert letter["address"] == ["Acme Ltd.", "200 King Street West", "Toronto ON M5H 3T4"]
    text = home.printed_text(letter)
    assert f"not before {season.not_before}" in text
    assert "This is notice 2 of 2, the last one before the restriction begins." in text
    assert "the latest beginning and the earliest end hold." in text
    assert f"For how long: at most 72 hours. Until: {season.ends} at the latest." in text
    commands.at(season.read - MINUTE)
    commands.run("run-due")
    assert notice_states(home, case) == [("email", "sent"), ("letter", "sent")]
    (printed,) = commands.ask("notices", "list", "--case", case, "--method", "letter")
    assert printed["standing"] == "handed to the printer"
    assert commands.ask("measures", "list") == []
    mailed_at = season.read - timedelta(hours=26)
    mailed = {
        "key": letter["key"],
        "code": "EMA",
        "local_time": mailed_at.astimezone(ZoneInfo("America/Toronto")).replace(tzinfo=None).isoformat(),
        "zone": "America/Toronto",
        "place": "Toronto",
        "item": "RN123456785CA",
    }
    (home.printer / "events.jsonl").write_text(json.dumps(mailed) + "\n")
    commands.at(season.read)
    assert commands.ask("notices", "collect-carrier")["new_events"] == 1
    assert commands.ask("notices", "collect-carrier")["new_events"] == 0
    own_time = f"by its own word: {mailed_at:%Y-%m-%d %H:%MZ}"
    assert own_time in commands.run("notices", "show", letter["notice"])


def take_the_measure_at_its_minute(home: Home, season: Season, case: str) -> None:
    """The gate is shut one minute before the minute that ``contracts earliest`` says, and open at it."""
    commands = home.commands
    assert earliest(home, case) == season.lawful
    commands.at(season.lawful - MINUTE)
    needed = ("--as", "rosa", "--needed-because", "The numbers in Latvia are still called every night")
    refusal = commands.refused("measures", "apply", case, *needed)
    reasons = [line for line in refusal.splitlines() if "gate point" in line]
    assert reasons == [
        f"  - gate point 5: the contract lets the measure follow from {season.lawful:%Y-%m-%d %H:%M:%SZ} on",
        "  - gate point 5: the contract's enforcement windows let a measure begin from "
        f"{season.lawful:%Y-%m-%d %H:%M:%SZ} on",
    ]
    assert commands.ask("measures", "entitlements") == []
    commands.at(season.lawful)
    assert "is in force" in commands.run("measures", "apply", case)
    (measure,) = commands.ask("measures", "list", "--in-force")
    assert measure["kind"] == "block_destinations"
    assert datetime.fromisoformat(measure["ends_at"]).replace(second=0, microsecond=0) == season.end
    (entitlement,) = commands.ask("measures", "entitlements")
    assert entitlement["tenant_id"] == "acme"


def dispute_and_reinstate(home: Home, season: Season, case: str) -> None:
    """The customer disputes; a third person decides; service is restored, and both addresses are told."""
    commands = home.commands
    commands.at(season.lawful + timedelta(days=1))
    commands.run("disputes", "open", case, "--as", "rosa", "--text", "The calls were a campaign of our own.")
    (dispute,) = commands.ask("disputes", "list")
    decide = ("disputes", "decide", dispute["id"], "upheld", "--because", "The campaign's orders were shown")
    assert "amir took part in this case (approved)" in commands.refused(*decide, "--as", "amir")
    assert commands.ask("cases", "show", case)["state"] == "suspended"
    commands.run(*decide, "--as", "vera")
    assert commands.ask("cases", "show", case)["state"] == "reinstated"
    assert commands.ask("measures", "entitlements") == []
    told = [
        row["method"]
        for row in commands.ask("notices", "list", "--case", case)
        if row["kind"] == "reinstatement"
    ]
    assert sorted(told) == ["email", "letter"]
    restored = "Service was restored then"
    assert sum(restored in text for _, text in home.mailed_texts()) == 1
    assert sum(restored in home.printed_text(letter) for letter in home.letters()) == 1


def prove(home: Home, case: str) -> None:
    """The log holds; both editions of the bundle verify by the key alone, and take a time stamp."""
    commands = home.commands
    commands.run("audit", "verify")
    (key,) = (home.folder / "home" / "keys").glob("head-*.public.pem")
    editions = {edition: home.folder / f"{edition}.zip" for edition in ("internal", "disclosable")}
    for edition, file in editions.items():
        commands.run("evidence", "export", case, str(file), "--edition", edition, "--as", "lena")
        commands.run("evidence", "stamp", str(file), "--tsa-url", home.authority.url)
        told = commands.ask(
            *("evidence", "verify", str(file), "--key", str(key), "--tsa-roots", str(home.authority.roots))
        )
        assert (told["holds"], told["faults"], told["edition"]) == (True, [], edition)
        assert told["time_stamp"]["vouched_for"] is True
    commands.run("evidence", "compare", *(str(file) for file in editions.values()))


def assert_documented(typed: Sequence[tuple[str, ...]]) -> None:
    """``docs/case.md`` shows commands that were run here, in this order, with the same options."""
    section = PAGE.read_text().partition("## A case by commands")[2]
    block = section.partition("```sh\n")[2].partition("```")[0].replace("\\\n", " ")
    shown = [
        shlex.split(line, comments=True)[1:] for line in block.splitlines() if line.startswith("cjp-fraud ")
    ]
    assert len(shown) > 20
    later = iter(typed)
    for words in shown:
        assert any(_same_command(words, run) for run in later), f"not run, or not in this order: {words}"


def _same_command(shown: Sequence[str], run: Sequence[str]) -> bool:
    """Whether a command that was run is the one that is shown; it may have more options."""
    options = {word for word in shown if word.startswith("--")}
    return list(run[:2]) == list(shown[:2]) and options <= set(run)


def earliest(home: Home, case: str) -> datetime:
    """What ``contracts earliest`` says of the measure that is proposed."""
    (proposed,) = [row for row in home.commands.ask("contracts", "earliest", case) if row["proposed"]]
    assert proposed["measure"] == "block_destinations"
    return datetime.fromisoformat(proposed["earliest_at"])


def notice_states(home: Home, case: str) -> list[tuple[str, str]]:
    """Method and state of each notice of a case, in the order of serving."""
    rows = home.commands.ask("notices", "list", "--case", case)
    return [(row["method"], row["state"]) for row in rows]
