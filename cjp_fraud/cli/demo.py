"""``cjp-fraud demo``: the whole path on sample traffic, each step by the command that a user would type."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from datetime import datetime, timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import typer

from cjp_fraud.cli.frame import settings
from cjp_fraud.cli.printing import table_console
from cjp_fraud.cli.queue_server import LOOPBACK, PORT
from cjp_fraud.errors import CjpFraudError, Refused
from cjp_fraud.simulation.demo import BURST, DAYS, DemoFiles, demo_settings, prepare_home, write_files

ANALYST, APPROVER = "rosa", "amir"
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"


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
    from cjp_fraud.simulation.mail_sink import running_mail_sink

    home = home or settings(ctx).home / "demo"
    prepare_home(home)
    files = write_files(home / "input")
    commands = _Commands(home, files.end)
    with running_mail_sink() as sink, demo_settings(sink.port):
        _set_up(commands, files)
        _take_traffic_in(commands, files)
        _learn_what_is_usual(commands)
        case = _find_what_is_unusual(commands)
        _determine(commands, case)
        _refuse_their_own_approval(commands, case)
        _approve(commands, case)
        notices = _show_the_delivery_record(commands, case)
        _prove(commands, case)
        links = {name: commands.link_for(name) for name in (ANALYST, APPROVER)}
    _say_what_to_try(commands, case, notices[0])
    _say_how_to_look_at_it(commands, case, links)


def _set_up(commands: _Commands, files: DemoFiles) -> None:
    commands.explain(
        "A database, a lake, two people",
        f"Sample: {DAYS} days of mentions of ten companies (Numenta Anomaly Benchmark, MIT), RELABELLED here as",
        f"outbound voice. Written into {BURST.tenant_id}: {BURST.attempts_per_minute} attempts a minute for "
        f"{BURST.minutes} minutes from {BURST.start:%Y-%m-%d %H:%M}Z (label: {files.label}).",
        "The clock is simulated; the platform is the embedded one; the mail server listens on loopback.",
    )
    commands.run(
        *("init", "--simulated", "--user", f"{ANALYST}=analyst,reviewer", "--user", f"{APPROVER}=approver")
    )
    commands.run("tenants", "load", str(files.tenants), "--as", ANALYST)


def _take_traffic_in(commands: _Commands, files: DemoFiles) -> None:
    commands.explain(
        "Traffic in", "Rows that cannot be used would go to quarantine with reason, file and line."
    )
    commands.run("traffic", "ingest", str(files.traffic))


def _learn_what_is_usual(commands: _Commands) -> None:
    commands.explain(
        "What is usual",
        "Each local day is folded once; each Monday a model version is fitted: here the one that scores the burst.",
        "In production it is tried on a simulated cloud before it counts (CJP_FRAUD_TRIAL_TENANTS); the demo leaves",
        "that out.",
    )
    commands.run("baseline", "refresh")
    commands.run("train", "--from", f"{BURST.start - timedelta(days=7):%Y-%m-%d}")
    commands.run("models", "list")


def _find_what_is_unusual(commands: _Commands) -> str:
    """Detect, and return the number of the burst's case."""
    commands.explain("What is unusual", "Scores, flags with a calibrated false-flag rate, episodes, cases.")
    begin = BURST.start - timedelta(days=1)
    commands.run("detect", "--from", f"{begin:{_MOMENT}}", "--to", f"{commands.clock:%Y-%m-%dT%H:00:00Z}")
    commands.run("cases", "list")
    for case in commands.ask("cases", "list")["cases"]:
        if case["tenant_id"] == BURST.tenant_id:
            return str(case["number"])
    raise CjpFraudError("the burst was not flagged; this is a fault of cjp_fraud, please report it")


def _determine(commands: _Commands, case: str) -> None:
    commands.wait(minutes=10)
    commands.explain(
        "A person looks and determines", f"{ANALYST} is analyst and reviewer; {APPROVER} is approver."
    )
    commands.run("cases", "claim", case, "--as", ANALYST)
    commands.run("cases", "show", case)
    commands.wait(minutes=20)
    reasons = "Night-time burst far above the usual; no agent signed in; looks like a stolen credential"
    commands.run(
        *("cases", "determine", case, "--as", ANALYST, "--part", "victim", "--measure", "suspend_channel"),
        *("--channel", "voice", "--direction", "outbound", "--days", "3", "--because", reasons),
        *("--ground", "unattended", "--ground", "taken_over_access"),
        *(f"--flag={flag['id']}" for flag in commands.ask("cases", "show", case)["flags"] if _in_burst(flag)),
    )


def _refuse_their_own_approval(commands: _Commands, case: str) -> None:
    commands.wait(minutes=5)
    commands.explain("Nobody approves their own finding")
    commands.run_refused("cases", "approve", case, "--as", ANALYST)


def _approve(commands: _Commands, case: str) -> None:
    commands.wait(minutes=10)
    commands.explain(
        "A second person approves, the notice is served, the gate opens",
        "The approval binds the proposal's hash, sends the notice over SMTP, and the measure follows at once.",
    )
    commands.run("cases", "approve", case, "--as", APPROVER)
    commands.run("measures", "list")


def _show_the_delivery_record(commands: _Commands, case: str) -> list[str]:
    """Show the case's notices, and return their ids."""
    commands.explain("The delivery record")
    notices = [str(notice["id"]) for notice in commands.ask("notices", "list", "--case", case)]
    for notice in notices:
        commands.run("notices", "show", notice)
    return notices


def _prove(commands: _Commands, case: str) -> None:
    commands.wait(minutes=5)
    commands.explain("Proof")
    bundle = str(commands.home / f"case-{case}.zip")
    commands.run("audit", "verify")
    commands.run("evidence", "export", case, bundle)
    commands.run("evidence", "verify", bundle)
    state = commands.ask("cases", "show", case)["state"]
    if state != "suspended":
        raise CjpFraudError(f"the demo ended with the case {state}, not suspended; please report it")


def _say_what_to_try(commands: _Commands, case: str, notice: str) -> None:
    commands.heading(f"[bold green]{BURST.tenant_id} is suspended, and every step can be proved[/]")
    commands.console.print("Three commands to try next:")
    for words in (
        ("cases", "show", case),
        ("audit", "list", "--case", case),
        ("notices", "show", notice, "--raw"),
    ):
        commands.console.print(f"  {commands.line(*words)}", markup=False, soft_wrap=True)


def _say_how_to_look_at_it(commands: _Commands, case: str, links: Mapping[str, str]) -> None:
    """Say how to open the case in the review queue, as either of the two people."""
    say = partial(commands.console.print, markup=False, highlight=False, soft_wrap=True)
    address = f"http://{LOOPBACK}:{PORT}"
    say("\nSee this very case in the review queue; it is served to this machine alone:")
    say(f"  {commands.line('serve')}")
    say(
        "Then let each person choose a password and a second factor, in a browser (or private window) of their own."
    )
    say("The second factor is an authenticator's code; any will do, oathtool --totp -b SECRET too.")
    for name, link in links.items():
        say(f"  {name}: {address}{link}")
    say("The case, once signed in:")
    say(f"  {address}/cases/{case}")
    say(
        "Each link works once, within a day. Both belong to this demo alone, whose traffic and people are made up;"
    )
    say("its clock is simulated, and no mail server runs any more.")


def _in_burst(flag: Mapping[str, Any]) -> bool:
    return BURST.start <= datetime.fromisoformat(flag["interval_start"]) < BURST.end


class _Commands:
    """Runs commands in this process, as typed, on a clock that it shows."""

    def __init__(self, home: Path, clock: datetime) -> None:
        self.home = home
        self.clock = clock
        self.moves = True
        """Whether the next command moves the home's clock; after it the clock ticks by itself."""
        self.console = table_console()

    def heading(self, text: str) -> None:
        """Print a line across, with a text in it (rich markup)."""
        from rich.rule import Rule

        self.console.print()
        self.console.print(Rule(text, align="left"))

    def explain(self, title: str, *sentences: str) -> None:
        """Print a step's heading with the clock, and what the step is about."""
        self.heading(f"[bold]{title}[/]  ·  clock {self.clock:%Y-%m-%d %H:%M}Z")
        for sentence in sentences:
            self.console.print(f"[dim]{sentence}[/]")

    def run(self, *words: str) -> None:
        """Print a command line and run it.

        Raises
        ------
        CjpFraudError
            If the command is refused or fails; the demo ends there.
        """
        from rich.markup import escape

        from cjp_fraud.cli.main import app

        self.console.print(f"[bold cyan]$ {escape(self.line(*words))}[/]", soft_wrap=True)
        globals_, self.moves = self._globals(), False
        result = app([*globals_, *words], standalone_mode=False)
        if isinstance(result, int) and result:
            raise CjpFraudError(f"the demo stopped: {' '.join(words[:2])} ended with exit code {result}")

    def run_refused(self, *words: str) -> None:
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
            app(["--home", str(self.home), *words, "--json"], standalone_mode=False)
        return json.loads(printed.getvalue())

    def link_for(self, name: str) -> str:
        """Return the link, without its host, with which a person chooses a password, once."""
        from cjp_fraud.cli.main import app

        with redirect_stdout(StringIO()) as printed, redirect_stderr(StringIO()):
            app(["--home", str(self.home), "users", "invite", name], standalone_mode=False)
        return printed.getvalue().strip()

    def wait(self, **by: float) -> None:
        """Move the simulated clock on."""
        self.clock += timedelta(**by)
        self.moves = True

    def line(self, *words: str) -> str:
        """Return the command line as a user would type it now."""
        return shlex.join(["cjp-fraud", *self._globals(), *words])

    def _globals(self) -> list[str]:
        moved = ["--now", f"{self.clock:{_MOMENT}}"] if self.moves else []
        return ["--home", str(self.home), *moved]
