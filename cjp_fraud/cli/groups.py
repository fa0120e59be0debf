"""Which commands there are. A command's module is imported when the command runs, and not before.

The help of the whole lists these names and summaries, so it costs no import of a database, a lake or a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group


@dataclass(frozen=True, slots=True)
class Entry:
    """A group of commands, or a single command, that stands in a module of this package.

    Attributes
    ----------
    name : as it is typed.
    module : module of ``cjp_fraud.cli`` that holds it.
    summary : one line for the help of the whole.
    function : the single command's function; None for a group, which is the module's ``app``.
    """

    name: str
    module: str
    summary: str
    function: str | None = None

    def load(self) -> Any:
        """Import the module and return the command or the group."""
        module = import_module(f"cjp_fraud.cli.{self.module}")
        if self.function is None:
            group = get_group(module.app)
            group.help = self.summary
            return group
        alone = typer.Typer(add_completion=False)
        alone.command(self.name)(getattr(module, self.function))
        return get_command(alone)


ENTRIES = (
    Entry("init", "set_up", "Make the database and the lake's tables; running it again is harmless.", "init"),
    Entry(
        "demo", "demo", "Show the whole path: traffic, flags, a case, two people, notice, suspension.", "demo"
    ),
    Entry("train", "model_versions", "Fit, register and promote each Monday's model version.", "train"),
    Entry("detect", "detection", "Score a window, flag what is unusual, open cases.", "detect"),
    Entry("backtest", "detection", "Score files without a database, as detection does.", "backtest"),
    Entry("simulate", "simulation", "Write a simulated cloud with frauds and their truth.", "simulate"),
    Entry("config", "set_up", "The settings in force (CJP_FRAUD_* variables)."),
    Entry("users", "users", "People who may act, and their roles."),
    Entry("tokens", "tokens", "Tokens by which programs call the API."),
    Entry("webhooks", "webhooks", "Other systems that are told of cases, measures and billing."),
    Entry("tenants", "tenants", "Tenants, their contracts, terms and addresses."),
    Entry(
        "contracts",
        "contracts",
        "Contracts: from when each measure is lawful, and what is missing until then.",
    ),
    Entry("traffic", "traffic", "Traffic: ingest files, look at what was rejected."),
    Entry("baseline", "baseline", "Baselines: what each series usually does, as of each local midnight."),
    Entry("flags", "flags", "Flags: the intervals that detection found unusual."),
    Entry("scores", "scores", "Scores: how unusual each interval of a tenant was."),
    Entry("models", "model_versions", "Model versions: one a Monday, fitted by cjp-fraud train."),
    Entry("cases", "cases", "Cases: look at them, decide them, approve what follows."),
    Entry("bulk", "bulk", "Cases of one shared cause: dismiss them together, and undo it in time."),
    Entry(
        "known-events", "known_events", "Known events that explain unusual traffic: enter, withdraw, list."
    ),
    Entry("shift", "shift", "The shift: what the next 12 hours bring, and its handover."),
    Entry("roster", "roster", "Who is on call to approve, and the pages that were sent."),
    Entry("notices", "notices", "Notices: plans, dispatch, delivery records."),
    Entry("reasons", "reasons", "Statements of reasons, and the laws whose lists they must satisfy."),
    Entry("serve", "queue_server", "Serve the review queue, where staff work on cases.", "serve"),
    Entry("serve-notices", "notice_server", "Serve the customers' notice page.", "serve_notices"),
    Entry("measures", "measures", "Measures: apply, list, reaffirm, reinstate, reconcile, entitlements."),
    Entry("run-due", "measures", "Do what is due, every five minutes: what the schedule does.", "run_due"),
    Entry("disputes", "disputes", "Disputes: open one for the tenant, decide it."),
    Entry("quality", "quality", "Second readings and control samples: how right people and detection are."),
    Entry("audit", "audit", "The audit log: list it, verify it."),
    Entry("privacy", "privacy", "Privacy: erase a tenant's texts, hold them for the law."),
    Entry("evidence", "evidence", "Evidence bundles: export a case, verify a bundle."),
)


class LazyCommands(TyperGroup):
    """The group of all commands: it lists names and summaries, and loads the one that is called.

    The same idea as click's documented lazily loaded subcommands, except that a listing loads nothing either.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.entries = {entry.name: entry for entry in ENTRIES}
        for entry in ENTRIES:
            self.add_command(TyperCommand(entry.name, callback=None, help=entry.summary))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the name, the command loaded, and the arguments that are left for it."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, self.entries[name].load() if name else listed, rest
