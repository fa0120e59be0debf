"""A case on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape

from cjp_fraud.cli.frame import print_rows, wide_console
from cjp_fraud.operations.cases import CasePage
from cjp_fraud.review.views import FlagView, ProposalView

_HEAD = (
    "tenant_id",
    "state",
    "claimed_by",
    "top_score",
    "flags_in_force",
    "flags_since_closed",
    "notice_terms",
)
_SECTIONS = (
    ("Other cases of the tenant", "tenants_other_cases", ("number", "state", "opened_at")),
    ("Comments", "comments", ("at", "by", "kind", "text")),
    ("Determinations", "determinations", ("number", "at", "by", "finding", "tenants_part", "reasons")),
    ("Disputes", "disputes", ("id", "state", "opened_at", "answer_due_at", "text", "decision")),
    ("Stops", "stops", ("id", "kind", "opened_by", "opened_at", "cleared_at")),
    ("Measures", "measures", ("kind", "state", "mode", "in_force_at", "review_at", "ends_at", "ended_at")),
)


def print_case(page: CasePage) -> None:
    """Print a case: why it fired first, then decisions, the proposal, the gate, the history."""
    console = wide_console()
    console.print(f"[bold]Case {page.number}[/bold]  {page.id}")
    for name in _HEAD:
        console.print(f"  {name.replace('_', ' '):20} {escape(_cell(getattr(page, name)))}")
    flags = [
        {
            "start": flag.interval_start,
            "series": _series(flag),
            "observed": flag.observed,
            "usual": flag.baseline,
            "score": flag.score,
            "why": _sentences(flag.reasons)[0],
            "id": flag.id,
        }
        for flag in page.flags[:10]
    ]
    print_rows(flags, as_json=False, title=f"Flags ({len(flags)} of {page.flags_in_force}, highest first)")
    if page.flags:
        console.print("[bold]Why the highest was flagged[/bold]")
        for sentence in _sentences(page.flags[0].reasons):
            console.print(f"  {escape(sentence)}")
    shown = asdict(page)
    for title, key, columns in _SECTIONS:
        if shown[key]:
            print_rows(shown[key], as_json=False, title=title, columns=columns)
    if page.proposals:
        _print_proposal(console, page.proposals[-1])
    if page.gate:
        print_rows(shown["gate"], as_json=False, title="Gate")
    print_rows(shown["history"], as_json=False, title="History")


def _print_proposal(console: Console, proposal: ProposalView) -> None:
    console.print(f"[bold]Proposal {proposal.number}[/bold] ({proposal.mode})")
    console.print(f"  sha256   {proposal.sha256}")
    measure = proposal.measure
    scope = {name: value for name, value in asdict(measure.scope).items() if value}
    console.print(f"  measure  {measure.kind} for {measure.hours} hours, {escape(str(scope))}")
    console.print(f"  expires  {_cell(proposal.expires_at)}")
    for recipient in proposal.recipients:
        old = " (replaced lately, served too)" if recipient.replaced_at else ""
        console.print(f"  to       {escape(recipient.role)} by {recipient.method}{old}")
    for obstacle in proposal.obstacles:
        console.print(f"  [red]cannot be approved:[/red] {escape(obstacle)}")
    for approval in proposal.approvals:
        console.print(f"  approved by {escape(approval.by)} as {approval.capacity}")
    if proposal.letter:
        console.print("  letter:")
        for line in proposal.letter.splitlines():
            console.print(f"    {escape(line)}")


def _series(flag: FlagView) -> str:
    carried = f" by {flag.application_id}" if flag.application_id else ""
    return f"{flag.channel} {flag.direction}{carried}"


def _sentences(reasons: Mapping[str, Any]) -> list[str]:
    words = reasons.get("words") or reasons
    return [str(word) for word in words] if isinstance(words, list) else [str(words)]


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
