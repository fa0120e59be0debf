"""Each command that writes, killed as a process at a commit: run again it completes, nothing doubled or lost."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import select
from typer.testing import CliRunner

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.cli.main import app
from cjp_fraud.config import load_settings
from cjp_fraud.contracts.contract_terms import ContractTerms, GroundWithoutNotice
from cjp_fraud.contracts.model import Right
from cjp_fraud.contracts.terms import plain_terms
from cjp_fraud.contracts.versions import enter_terms
from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.housekeeping import LAKE_TABLES
from cjp_fraud.people.model import machine
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.base import Base
from cjp_fraud.storage.database import reading, transaction
from tests import processes
from tests.case_builders import PEOPLE, START, a_flag, flag
from tests.chains import chain_faults
from tests.commands import command_dying_at
from tests.contract_builders import a_row, load_rows
from tests.mail_servers import MailServerUnderTest, smtp_server
from tests.people_builders import a_user
from tests.simulated_clocks import show_clock

NOW = START + timedelta(minutes=30)
WHY = "--because=short calls to one range at night"

STEPS = {
    "claim": "cases claim 1 --as rita",
    "determine": "cases determine 1 --as rita --part victim --ground unattended",
    "return": "cases return 1 --as adam",
    "refuse": "cases refuse 1 --as adam",
    "dismiss": "cases dismiss 1 --as rita",
    "approve": "cases approve 1 --as adam",
    "emergency": "cases emergency 1 --as rita",
    "withdraw": "cases withdraw 1 --as adam",
    "dispatch": "notices dispatch 1",
    "apply": "measures apply 1",
    "reinstate": "measures reinstate 1 --as adam",
    "look": "measures reaffirm 1 --as adam",
    "reaffirm": "measures reaffirm 1 --as adam --look LOOK --although-quiet=the-carrier-asked",
    "reaffirm too": "measures reaffirm 1 --as bella --look LOOK --although-quiet=the-carrier-asked",
    "dispute": "disputes open 1 --as ana --text=no",
    "decide": "disputes decide DISPUTE rejected --as bella",
    "stop": "cases stop 1 --as carol",
    "clear-stop": "cases clear-stop 1 --as carol",
    "evidence": "evidence export 1 HOME/case.zip",
    "users": "users create nora --role analyst --identity mail:nora@provider.example",
    "tenants": "tenants load HOME/more.csv --as ana",
}
REASONED = {
    *(
        "determine",
        "emergency",
        "return",
        "refuse",
        "dismiss",
        "withdraw",
        "reinstate",
        "reaffirm",
        "reaffirm too",
        "decide",
    ),
    *("stop", "clear-stop"),
}

KILLS = [
    ("claim", (), 1),
    ("determine", ("claim",), 1),
    ("return", ("claim", "determine"), 1),
    ("refuse", ("claim", "determine"), 1),
    ("dismiss", ("claim",), 1),
    *(("approve", ("claim", "determine"), number) for number in (1, 5, 8)),
    *(("emergency", ("marked", "claim", "determine"), number) for number in (1, 2, 3)),
    ("approve", ("marked", "claim", "determine", "emergency"), 2),
    ("dispatch", ("claim", "determine", "approve at 2"), 3),
    ("apply", ("claim", "determine", "approve at 7"), 2),
    ("withdraw", ("claim", "determine", "approve at 7"), 3),
    *(("reinstate", ("claim", "determine", "approve"), number) for number in (2, 4)),
    ("look", ("claim", "determine", "approve"), 1),
    ("reaffirm", ("claim", "determine", "approve"), 1),
    *(("reaffirm too", ("claim", "determine", "approve", "reaffirm"), number) for number in (1, 3)),
    ("dispute", ("claim", "determine"), 1),
    ("decide", ("claim", "determine", "dispute"), 1),
    ("clear-stop", ("stop",), 1),
    ("evidence", ("claim", "determine", "approve"), 1),
    ("users", (), 1),
    ("tenants", (), 1),
]


ALWAYS_TRIED = (("approve", 5), ("emergency", 2), ("apply", 2), ("reinstate", 2), ("tenants", 1))
"""Kills that are tried in ``make test`` too: in the letter, the measure, its lifting, and a file's rows."""

OF_ATTEMPTS = ("notice.attempted", "notice.unknown")
"""On the log once more where a letter whose fate is not known was sent again, as it must be."""


@dataclass
class Home:
    """A home on disk and a mail server, worked on by commands alone."""

    folder: Path
    environment: dict[str, str]
    opened: Deployment
    server: MailServerUnderTest
    looks: dict[str, str] = field(default_factory=dict)

    def words(self, step: str) -> list[str]:
        line = STEPS[step].replace("HOME", str(self.folder))
        if "DISPUTE" in line:
            line = line.replace("DISPUTE", json.loads(self.run("disputes", "list", "--json").stdout)[0]["id"])
        if "LOOK" in line:
            if step not in self.looks:
                shown = self.run(*line.split(" --look")[0].split()).stdout
                self.looks[step] = shown.partition("--look ")[2].split()[0]
            line = line.replace("LOOK", self.looks[step])
        why = {"reaffirm": f"{WHY} and the key is still out", "reaffirm too": f"{WHY} says the carrier"}.get(
            step, WHY
        )
        return [*line.split(), *([why] if step in REASONED else [])]

    def run(self, *words: str) -> Result:
        result = CliRunner().invoke(app, [*self.globals(), *words], env=self.environment)
        assert result.exit_code == 0, (words, result.output, result.exception)
        return result

    def killed(self, step: str, number: int) -> None:
        """Run a step as a process that dies in the place of its ``number``-th commit."""
        processes.killed(
            command_dying_at,
            "commit",
            number,
            *self.globals(),
            *self.words(step),
            environment=os.environ | self.environment,
        )

    def globals(self) -> list[str]:
        return ["--home", str(self.folder)]

    def bring_to(self, steps: tuple[str, ...]) -> None:
        for step in steps:
            name, _, number = step.partition(" at ")
            if step == "marked":
                mark_the_ground(self.opened)
            elif number:
                self.killed(name, int(number))
            else:
                self.run(*self.words(name))

    def left(self) -> dict[str, Any]:
        """What the commands left: states, rows of each table, actions on the log, letters."""
        with reading(self.opened.engine) as session:
            rows = {
                table.name: session.query(table).count()
                for table in Base.metadata.sorted_tables
                if table.name
                not in ("notice_attempts", "smtp_attempts", "audit_entries", "audit_entries_of_rows")
            }
            assert chain_faults(session) == []
            return {
                "states": session.scalars(select(Case.state).order_by(Case.number)).all(),
                "rows": rows,
                "actions": Counter(
                    action
                    for action in session.scalars(select(AuditEntry.action))
                    if action not in OF_ATTEMPTS
                ),
                "letters": len({one.content for one in self.server.received}),
                "files": sorted(path.name for path in self.folder.glob("*.zip")),
            }


def mark_the_ground(opened: Deployment) -> None:
    """Let counsel's reading say that on these grounds no prior notice is needed."""
    ground = GroundWithoutNotice("fraudulent use", tuple(Ground))
    terms = ContractTerms(suspension=plain_terms(), without_notice=(ground,))
    with transaction(opened.engine) as session:
        by = machine("contracts")
        enter_terms(session, "acme", by, NOW, reference="Agreement", right=Right.CLAUSE_2_4, terms=terms)


@pytest.fixture
def homes(tmp_path: Path, sqlite_template: bytes) -> Iterator[tuple[Home, Home]]:
    """Two homes alike: in one a step is killed and run again, in the other it just runs."""
    with smtp_server() as first, smtp_server() as second:
        yield a_home(tmp_path / "a", sqlite_template, first), a_home(tmp_path / "b", sqlite_template, second)


def a_home(folder: Path, template: bytes, server: MailServerUnderTest) -> Home:
    folder.mkdir()
    (folder / "cjp_fraud.db").write_bytes(template)
    environment = {
        "CJP_FRAUD_PLATFORM_MODE": "act",
        "CJP_FRAUD_SMTP_HOST": server.host,
        "CJP_FRAUD_SMTP_PORT": str(server.port),
        "CJP_FRAUD_MAIL_FROM": "notices@provider.example",
        "CJP_FRAUD_CONTACT": "+1 555 0100",
        "CJP_FRAUD_PROVIDER_LEGAL_NAME": "Example Cloud Ltd.",
    }
    opened = Deployment(load_settings(home=folder))
    opened.lake.create(LAKE_TABLES, buckets=opened.settings.lake_buckets)
    load_rows(opened.engine, folder, a_row(), at=START - timedelta(days=60))
    with transaction(opened.engine) as session:
        for name, roles in PEOPLE.items():
            a_user(session, name, roles, START - timedelta(days=60))
    flag(opened.engine, a_flag(START), at=START)
    show_clock(opened.engine, NOW)
    (folder / "more.csv").write_text("tenant_id,time_zone\nnew-1,Europe/Paris\nnew-2,Etc/UTC\n")
    return Home(folder, environment, opened, server)


@pytest.mark.parametrize(
    ("step", "before", "number"),
    [
        pytest.param(*kill, marks=() if (kill[0], kill[2]) in ALWAYS_TRIED else pytest.mark.slow)
        for kill in KILLS
    ],
)
def test_a_command_that_was_killed_completes_when_it_is_run_again(
    homes: tuple[Home, Home], step: str, before: tuple[str, ...], number: int
) -> None:
    killed, untouched = homes
    killed.bring_to(before)
    untouched.bring_to(before)

    killed.killed(step, number)
    killed.run(*killed.words(step))

    untouched.run(*untouched.words(step))
    assert killed.left() == untouched.left()
