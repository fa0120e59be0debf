"""Show one notice to people: its record, its attempts with what was said, its events, and why it counts or does not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from cjp_fraud.cli.printing import Column, print_table, print_view, stamp, table_console, unprintable_escaped

if TYPE_CHECKING:
    from cjp_fraud.notices.letter_receipt import LetterReceipt
    from cjp_fraud.notices.notice_views import Attempt, DeliveryRecord, Event, PlanStanding, SmtpDetails

_BESIDE: Final = ("attempts", "events", "receipt", "plan")
"""Parts of a record that stand in sections of their own."""

_LINE: Final = re.compile(r"\d{4}-\d{2}-\d{2}T(\d{2}:\d{2}:\d{2}\.\d{3})\d*Z (C:|S:|--) (.*)")
"""A line of a dialogue: moment, who speaks, what is said."""

_ATTEMPTS: Final = (
    "number",
    "method",
    "started_at",
    "finished_at",
    "outcome",
    Column("smtp.reply_code", "reply"),
)
_EVENTS: Final = (
    "at",
    Column("status", "rung"),
    "negative",
    Column("authenticated", "vouched for"),
    Column("erds_event", "EN 319 522", full=True),
)


def show_record(record: DeliveryRecord) -> None:
    """Print everything that is on record of a notice, no line longer than the screen is wide."""
    names = [name for name in type(record).__dataclass_fields__ if name not in _BESIDE]
    print_view(record, names, title=f"Notice {record.id}")
    print_table(record.attempts, _ATTEMPTS, title="Attempts")
    for attempt in record.attempts:
        _section(f"Attempt {attempt.number}", _attempt_lines(attempt))
    print_table(record.events, _EVENTS, title="Delivery events")
    for number, event in enumerate(record.events, start=1):
        _section(f"Event {number}", _event_lines(event))
    _section(f"Whether it counts as received: {record.receipt.standing}", _receipt_lines(record.receipt))
    _section("The notices of its plan together", _plan_lines(record.plan))


def _attempt_lines(attempt: Attempt) -> Iterator[str]:
    if attempt.smtp is not None:
        yield from _smtp_lines(attempt.smtp)
    if attempt.erased_at is not None:
        yield f"what was said was erased at {stamp(attempt.erased_at)}"
    elif attempt.evidence is None:
        yield "nothing is on record of what was said: it is open, or was interrupted"
    for line in attempt.evidence or ():
        match = _LINE.fullmatch(line)
        yield "  ".join(match.groups()) if match is not None else line


def _smtp_lines(smtp: SmtpDetails) -> Iterator[str]:
    address = f" at {smtp.server_address}" if smtp.server_address is not None else ""
    yield f"server: {smtp.server}, which calls itself {smtp.server_name or 'nothing'}{address}"
    if smtp.tls_version is None:
        yield "protection: none"
    else:
        checked = "verified" if smtp.certificate_verified else "not verified"
        yield f"protection: {smtp.tls_version} {smtp.tls_cipher}, certificate {checked}"
        yield f"certificate's SHA-256: {smtp.certificate_sha256 or 'it showed none'}"
    yield f"return path: {smtp.envelope_from}"
    offered = {
        None: "not asked for",
        True: "asked for",
        False: "not asked for: the server does not offer them",
    }
    yield f"delivery reports: {offered[smtp.reports_offered]}; envelope id {smtp.envid}"
    yield f"queue id: {smtp.queue_id or 'none'}"
    yield f"signed by: {smtp.dkim_name or 'no key'}"
    if smtp.dkim_record is not None:
        yield f"its public key: {smtp.dkim_record}"


def _event_lines(event: Event) -> Iterator[str]:
    kind = f", a {event.kind}" if event.kind is not None else ""
    yield f"source: {event.source}{kind}; recorded {stamp(event.recorded_at)}"
    if event.source_at is not None:
        yield f"by its own word: {stamp(event.source_at)}"
    yield f"raw text: SHA-256 {event.raw_sha256}{', erased' if event.erased_at is not None else ''}"
    if event.needs_person is not None:
        yield f"for a person to look at: {event.needs_person}"
    if event.resolved_at is not None:
        yield f"settled: {stamp(event.resolved_at)}"
    elif event.needs_person is not None:
        yield "settled: not yet"


def _receipt_lines(receipt: LetterReceipt) -> Iterator[str]:
    if receipt.rule:
        yield f"rule: {receipt.rule}"
    for name, value in receipt.inputs:
        yield f"{name}: {value}"
    yield from _numbered(receipt.steps)
    for calendar in receipt.calendars:
        yield f"calendar: {calendar.name}, {calendar.place}, {calendar.source}; time zone data {calendar.zone_data}"
    moment = stamp(receipt.received_at) if receipt.received_at is not None else "not at all so far"
    yield f"received: {moment}{'' if receipt.decides else '; the plan does not wait for it'}"


def _plan_lines(plan: PlanStanding) -> Iterator[str]:
    done = "received as the contract wants it" if plan.step_complete else "not received yet"
    yield f"step {plan.current_step}: {done}"
    yield from _numbered(plan.explanation)
    if plan.failed:
        yield "every method of serving that the contract permits has failed: the gate stays shut"
    if plan.cancelled:
        yield "the plan is cancelled: nothing of it is sent any more"
    if plan.complete_at is not None:
        yield f"the notices let a measure begin from {stamp(plan.complete_at)}"


def _numbered(steps: Iterable[str]) -> Iterator[str]:
    for number, step in enumerate(steps, start=1):
        yield f"{number}. {step}"


def _section(title: str, lines: Iterable[str]) -> None:
    """Print lines below a title, folded to the width of the screen with what continues set in."""
    from rich.padding import Padding
    from rich.text import Text

    console = table_console()
    console.print(Text(title, style="bold"))
    for line in lines:
        text = Text(unprintable_escaped(line))
        first, *others = text.wrap(console, max(console.width - 6, 20)) or [Text("")]
        console.print(Padding(first, (0, 0, 0, 2)))
        for other in others:
            console.print(Padding(other, (0, 0, 0, 6)))
    console.print()
