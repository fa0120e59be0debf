"""A case on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from cjp_fraud.cli.printing import Column, print_table, print_view, stamp, table_console
from cjp_fraud.documents import to_document

if TYPE_CHECKING:
    from cjp_fraud.operations.case_page import CasePage
    from cjp_fraud.review.evidence import FlagView
    from cjp_fraud.review.views import ProposalView

MOST_FLAGS = 10
"""Flags that are printed; ``--json`` has more, with their ids whole."""

_HEAD = (
    Column("tenant_id", "tenant"),
    Column("customer_name", "customer"),
    "state",
    Column("claimed_by", "held by"),
    "top_score",
    "flags_in_force",
    "flags_since_closed",
    "notice_terms",
)
_FLAGS = (
    "start",
    "series",
    Column("clock", spare=True),
    Column("minutes", "min", spare=True),
    "observed",
    "usual",
    "score",
    Column("id", "flag"),
)
_SECTIONS: Mapping[str, tuple[str, Sequence[str | Column]]] = {
    "principals": (
        "Who carried the flagged traffic",
        (
            "channel",
            "direction",
            Column("principal_id", "principal"),
            "contacts",
            Column("usual_per_hour", "usual an hour"),
        ),
    ),
    "tenants_other_cases": ("Other cases of the tenant", ("number", "state", "opened_at")),
    "comments": ("Comments", ("at", "by", "kind", Column("text", wraps=True))),
    "determinations": (
        "Determinations",
        ("at", "by", "finding", Column("tenants_part", "part"), Column("reasons", wraps=True)),
    ),
    "contradictions": (
        "The notice is contradicted: a person decides whether it stands (cases clear-stop CASE --notice ID)",
        (Column("notice_id", "notice", full=True), "reported_at", Column("answer_due_at", "decide by")),
    ),
    "disputes": ("Disputes", (Column("id", "dispute"), "state", "answer_due_at", Column("text", wraps=True))),
    "stops": ("Stops", (Column("id", "stop"), "kind", "opened_by", "opened_at", "cleared_at")),
    "caps": (
        "Caps that the customer has signed",
        ("kind", "state", "cents", "ends_at"),
    ),
    "measures": ("Measures", ("kind", Column("standing", "state"), "review_at", "ends_at")),
}


def print_case(page: CasePage) -> None:
    """Print a case: first why it was flagged, then decisions, the proposal, the gate, the history."""
    console = table_console()
    print_view(page, _HEAD, title=f"Case {page.number}")
    shown = page.flags[:MOST_FLAGS]
    flags = [
        {
            "start": flag.interval_start,
            "series": _series(flag),
            "clock": flag.clock,
            "minutes": flag.span_seconds // 60,
            "observed": flag.observed,
            "usual": flag.baseline,
            "score": flag.score,
            "id": flag.id,
        }
        for flag in shown
    ]
    print_table(flags, _FLAGS, title=f"Flags ({len(flags)} of {page.flags_in_force}, highest first)")
    if shown:
        console.print("[bold]Why the highest was flagged[/bold]")
        for sentence in _sentences(shown[0].reasons):
            console.print(f"  {escape(sentence)}")
    for known in page.known_events:
        late = ", entered after it had begun" if known.entered_late else ""
        console.print(escape(f"{known.sentence} (by {known.entered_by}{late})"), soft_wrap=True)
    for event in page.joint_events:
        console.print(f"[yellow]{escape(event.words)}[/yellow]", soft_wrap=True)
    for field, (title, columns) in _SECTIONS.items():
        if rows := getattr(page, field):
            print_table(rows, columns, title=title)
    for measure in page.measures:
        if measure.after_notice is not None:
            console.print(f"[yellow]{escape(measure.after_notice)}[/yellow]", soft_wrap=True)
    for comment in page.comments:
        for file in comment.attachments:
            console.print(
                f"  {file.id}  {escape(file.name)} ({file.kind}, {file.size_bytes} bytes)", soft_wrap=True
            )
    if page.proposals:
        _print_proposal(console, page.proposals[-1])
    if page.gate:
        _print_gate(console, page)
    print_table(page.history, ("at", "actor", "action"), title="History")


def _print_proposal(console: Console, proposal: ProposalView) -> None:
    console.print(f"[bold]Proposal {proposal.number}[/bold] ({proposal.mode})")
    console.print(f"  sha256   {proposal.sha256}", soft_wrap=True)
    measure = proposal.measure
    console.print(f"  measure  {measure.kind} for {measure.hours} hours")
    for name, value in to_document(measure.scope).items():
        if value:
            listed = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            console.print(f"           {name.replace('_', ' ')}: {escape(listed)}")
    if measure.replayed is not None:
        console.print(f"           {escape(measure.replayed)}")
    console.print(f"  grounds  {', '.join(proposal.grounds)}")
    console.print(f"  expires  {stamp(proposal.expires_at)}")
    for recipient in proposal.recipients:
        old = " (replaced lately, served too)" if recipient.replaced_at else ""
        console.print(f"  to       {escape(recipient.role)} by {recipient.method}{old}")
    for obstacle in proposal.obstacles:
        console.print(f"  [red]cannot be approved:[/red] {escape(obstacle)}")
    for remark in proposal.remarks:
        console.print(f"  [yellow]note:[/yellow] {escape(remark)}")
    for approval in proposal.approvals:
        console.print(f"  approved by {escape(approval.by)} as {approval.capacity}")
    if proposal.letter:
        console.print("  letter:")
        for line in proposal.letter.splitlines():
            console.print(f"    {escape(line)}")


def _print_gate(console: Console, page: CasePage) -> None:
    console.print("[bold]Gate[/bold]")
    for point in page.gate:
        console.print(f"  point {point.point}: {'holds' if point.holds else 'does not hold'}")
        for sentence in point.why_not:
            console.print(f"    {escape(sentence)}")


def _series(flag: FlagView) -> str:
    carried = f" by {flag.application_id}" if flag.application_id else ""
    return f"{flag.channel} {flag.direction}{carried}"


def _sentences(reasons: Mapping[str, Any]) -> list[str]:
    words = reasons.get("words") or reasons
    return [str(word) for word in words] if isinstance(words, list) else [str(words)]
