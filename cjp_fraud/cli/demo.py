"""``cjp-fraud demo``: the whole path on sample traffic, each step by the command that a user would type."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.rule import Rule

from cjp_fraud.cli.frame import settings, wide_console
from cjp_fraud.clock import utc_text
from cjp_fraud.config import PREFIX
from cjp_fraud.errors import BadInputError, CjpFraudError, Refused
from cjp_fraud.simulation.demo_traffic import BURST, DAYS, write_demo_files
from cjp_fraud.simulation.mail_sink import running_mail_sink
from cjp_fraud.traffic.sample import sample_tenants_path

MARKER = "this-is-a-cjp-fraud-demo"
"""File in the demo's home: only a home that has it is emptied by the next run."""

ANALYST, APPROVER = "rosa", "amir"
NOTICE_ADDRESS = f"notices@{BURST.tenant_id}.example"


def demo(
    ctx: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option("--home", help="Folder of the demo (./var/demo); an earlier demo in it is replaced."),
    ] = None,
) -> None:
    """Show the whole path: traffic, flags, a case, two people, notice, suspension, proof.

    On the first 35 days of real volumes (mentions of ten companies, here relabelled as outbound voice), with one
    labelled burst of fraud written in, a simulated clock, an embedded platform and a mail server on loopback.
    """
    home = home or settings(ctx).home / "demo"
    _empty_earlier_demo(home)
    traffic, label, end = write_demo_files(home / "input")
    tenants = _write_tenants(home / "input" / "tenants.json")
    with running_mail_sink() as sink, _environment(home, sink.port):
        _walk(_Demo(home, end), traffic, tenants, label)


class _Demo:
    """Runs commands in this process, as typed, on a clock that it shows."""

    def __init__(self, home: Path, clock: datetime) -> None:
        self.home = home
        self.clock = clock
        self.console = wide_console()

    def say(self, title: str, *sentences: str) -> None:
        """Print a step's heading and what it is about."""
        self.console.print()
        self.console.print(Rule(f"[bold]{title}[/]  ·  clock {self.clock:%Y-%m-%d %H:%M}Z", align="left"))
        for sentence in sentences:
            self.console.print(f"[dim]{sentence}[/]")

    def run(self, *words: str) -> None:
        """Print a command line and run it.

        Raises
        ------
        CjpFraudError
            If the command is refused or fails; the demo ends there.
        """
        from cjp_fraud.cli.main import app

        self.console.print(f"[bold cyan]$ {escape(self.line(*words))}[/]", soft_wrap=True)
        result = app([*self._globals(), *words], standalone_mode=False)
        if isinstance(result, int) and result:
            raise CjpFraudError(f"the demo stopped: {words[0]} {words[1]} ended with exit code {result}")

    def refused(self, *words: str) -> None:
        """Run a command that must be refused, and show all the reasons."""
        try:
            self.run(*words)
        except Refused as refusal:
            self.console.print(f"[bold red]Refused: {refusal.action}[/]")
            for reason in refusal.missing:
                self.console.print(f"  - {reason}", markup=False)
        else:
            raise CjpFraudError(
                "the demo expected a refusal here; this is a fault of cjp_fraud, please report it"
            )

    def ask(self, *words: str) -> Any:
        """Run a listing with --json, print nothing, and return what it says."""
        from cjp_fraud.cli.main import app

        with redirect_stdout(StringIO()) as printed:
            app([*self._globals(), *words, "--json"], standalone_mode=False)
        return json.loads(printed.getvalue())

    def later(self, **by: float) -> None:
        """Move the simulated clock on."""
        self.clock += timedelta(**by)

    def line(self, *words: str) -> str:
        """The command line as a user would type it now."""
        return shlex.join(["cjp-fraud", *self._globals(), *words])

    def _globals(self) -> list[str]:
        return ["--home", str(self.home), "--now", f"{self.clock:%Y-%m-%dT%H:%M:%SZ}"]


def _walk(demo: _Demo, traffic: Path, tenants: Path, label: Path) -> None:
    demo.say(
        "A database, a lake, two people",
        f"Sample: {DAYS} days of mentions of ten companies (Numenta Anomaly Benchmark, MIT), RELABELLED here as",
        f"outbound voice. Written into {BURST.tenant_id}: {BURST.attempts_per_minute} attempts a minute for "
        f"{BURST.minutes} minutes from {BURST.start:%Y-%m-%d %H:%M}Z (label: {label}).",
        "The clock is simulated; the platform is the embedded one; the mail server listens on loopback.",
    )
    demo.run("init")
    demo.run("users", "create", ANALYST, "--role", "analyst", "--role", "reviewer")
    demo.run("users", "create", APPROVER, "--role", "approver")
    demo.run("tenants", "load", str(tenants))

    demo.say("Traffic in", "Rows that cannot be used would go to quarantine with reason, file and line.")
    demo.run("traffic", "ingest", str(traffic))

    demo.say("What is usual", "Each local day is folded once; each Monday a model version is fitted.")
    demo.run("baseline", "refresh")
    demo.run("train")
    demo.run("models", "list")

    demo.say("What is unusual", "Scores, flags with a calibrated false-flag rate, episodes, cases.")
    window = (utc_text(BURST.start - timedelta(days=1))[:19] + "Z", f"{demo.clock:%Y-%m-%dT%H:00:00Z}")
    demo.run("detect", "--from", window[0], "--to", window[1])
    demo.run("cases", "list")
    case = str(_case_of_the_burst(demo)["number"])

    demo.later(minutes=10)
    demo.say("A person looks and determines", f"{ANALYST} is analyst and reviewer; {APPROVER} is approver.")
    demo.run("cases", "claim", case, "--as", ANALYST)
    demo.run("cases", "show", case)
    demo.later(minutes=20)
    flags = [f"--flag={flag['id']}" for flag in _flags_of_the_burst(demo, case)]
    demo.run(
        *("cases", "determine", case, "--as", ANALYST, "--part", "victim", "--measure", "suspend_channel"),
        *("--channel", "voice", "--direction", "outbound", "--days", "3"),
        *(
            "--because",
            "Night-time burst far above the usual; no agent signed in; looks like a stolen credential",
        ),
        *flags,
    )

    demo.later(minutes=5)
    demo.say("Nobody approves their own finding")
    demo.refused("cases", "approve", case, "--as", ANALYST)

    demo.later(minutes=10)
    demo.say(
        "A second person approves, the notice is served, the gate opens",
        "The approval binds the proposal's hash, sends the notice over SMTP, and the measure follows at once.",
    )
    demo.run("cases", "approve", case, "--as", APPROVER)
    demo.run("measures", "list")

    demo.say("The delivery record")
    notice_ids = [notice["id"] for notice in demo.ask("notices", "list", "--case", case)]
    for notice_id in notice_ids:
        demo.run("notices", "show", notice_id)

    demo.later(minutes=5)
    demo.say("Proof")
    bundle = str(demo.home / f"case-{case}.zip")
    demo.run("audit", "verify")
    demo.run("evidence", "export", case, bundle)
    demo.run("evidence", "verify", bundle)

    state = demo.ask("cases", "show", case)["state"]
    if state != "suspended":
        raise CjpFraudError(f"the demo ended with the case {state}, not suspended; please report it")
    demo.later(minutes=5)
    demo.console.print()
    demo.console.print(Rule(f"[bold green]{BURST.tenant_id} is suspended, and every step can be proved[/]"))
    demo.console.print("Three commands to try next:")
    for words in (
        ("cases", "show", case),
        ("audit", "list", "--case", case),
        ("notices", "show", notice_ids[0], "--raw"),
    ):
        demo.console.print(f"  {demo.line(*words)}", markup=False, soft_wrap=True)


def _case_of_the_burst(demo: _Demo) -> Mapping[str, Any]:
    for case in demo.ask("cases", "list")["cases"]:
        if case["tenant_id"] == BURST.tenant_id:
            return dict(case)
    raise CjpFraudError("the burst was not flagged; this is a fault of cjp_fraud, please report it")


def _flags_of_the_burst(demo: _Demo, case: str) -> list[Mapping[str, Any]]:
    return [
        flag
        for flag in demo.ask("cases", "show", case)["flags"]
        if BURST.start <= datetime.fromisoformat(flag["interval_start"]) < BURST.end
    ]


def _write_tenants(file: Path) -> Path:
    """Write the sample's tenants; the attacked one with a contract that permits what the demo shows."""
    import pandas as pd

    rows = pd.read_csv(sample_tenants_path()).to_dict("records")
    for row in rows:
        if row["tenant_id"] == BURST.tenant_id:
            row |= {
                "governing_document": "Demo agreement 2015-001 with offer description 10.0",
                "term_from": "2015-01-01",
                "term_to": "2018-01-01",
                "provisioning_notice_ref": "PN-2015-0001, notice of provisioning of 2015-01-01",
                "notice_method": "email",
                "notice_address": NOTICE_ADDRESS,
            }
    file.write_text(json.dumps(rows, indent=1))
    return file


def _empty_earlier_demo(home: Path) -> None:
    """Take an earlier demo away; anything else in the folder is left alone and refused.

    Raises
    ------
    BadInputError
        If the folder holds something that no demo wrote.
    """
    if home.exists() and any(home.iterdir()):
        if not (home / MARKER).exists():
            raise BadInputError(f"{home} is not empty and not a demo; choose another folder with --home")
        doomed = Path(tempfile.mkdtemp(prefix=f".{home.name}-", dir=home.parent))
        home.rename(doomed / "old")
        shutil.rmtree(doomed)
    home.mkdir(parents=True, exist_ok=True)
    (home / MARKER).touch()


@contextmanager
def _environment(home: Path, smtp_port: int) -> Iterator[None]:
    """Settings of the demo for the commands that it runs; the caller's own are put back at the end."""
    chosen = {
        "PLATFORM_MODE": "act",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(smtp_port),
        "MAIL_FROM": "notices@provider.example",
        "PROVIDER_NAME": "Demo Provider",
    }
    before = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    for name in before:
        del os.environ[name]
    os.environ.update({f"{PREFIX}{name}": value for name, value in chosen.items()})
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            del os.environ[name]
        os.environ.update(before)
