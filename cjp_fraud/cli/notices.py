"""``cjp-fraud notices``: what is served, how, and what became of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cjp_fraud.cli.frame import JsonOption, deployment, progress
from cjp_fraud.cli.printing import Column, print_json, print_table, print_view, stamp, table_console

app = typer.Typer(no_args_is_help=True)

_COLUMNS = (
    "case",
    Column("id", full=True),
    "kind",
    Column("mode", spare=True),
    Column("step", spare=True),
    "method",
    "state",
    "dispatched_at",
)


_REPORTS = (
    Column("file", full=True),
    "kind",
    Column("address", full=True),
    "action",
    "status",
    "permanent",
    Column("notice", spare=True),
)
_NOBODY = {"address": None, "action": None, "status": None, "permanent": None, "notice": None}
_WORK_ITEMS = (
    "case",
    Column("notice_id", "notice", full=True),
    "kind",
    Column("why", wraps=True),
    Column("reported_at", "since"),
    Column("due_at", "look by", spare=True),
)


@app.command()
def dispatch(
    ctx: typer.Context,
    case: Annotated[str, typer.Argument(metavar="CASE", help="Number or id of the case.")],
    as_json: JsonOption = False,
) -> None:
    """Serve what is due of an approved case now; the measure follows when the gate opens.

    Runs as system, on the standing approval. Approving a case does this at once, and the schedule resumes
    what was interrupted; this command is for those who cannot wait for the schedule. Exit code 1 if the case is no
    further afterwards.
    """
    from cjp_fraud.operations import notices

    opened = deployment(ctx)
    with progress("serving notices") as report:
        report(0, 1, f"case {case}")
        dispatched = notices.dispatch(opened, opened.now, case)
    print_view(dispatched, as_json=as_json, title=f"Case {case}")
    if dispatched.is_stuck:
        raise typer.Exit(1)


@app.command("read-report")
def read_report(
    ctx: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Messages that came back, as received (.eml).")
    ],
    as_json: JsonOption = False,
) -> None:
    """Say what messages report that came back: of which kind each is, and what it says of whom.

    Nothing is recorded, and no database is needed; with one, the notice is named to whose return path of ours a
    message was sent.
    """
    from cjp_fraud.operations import notices

    reports = notices.read_reports(deployment(ctx), files)
    if as_json:
        print_json(reports)
        return
    rows = [
        {"file": report.file, "kind": report.kind, **(asdict(each) if each else _NOBODY)}
        for report in reports
        for each in report.recipients or (None,)
    ]
    print_table(rows, _REPORTS, title="Messages that came back")


@app.command()
def collect(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Take in what came back: from the folder of the home, a Maildir, an IMAP mailbox; once each, kept raw.

    run-due does it too, every five minutes.
    """
    from cjp_fraud.operations import notices

    opened = deployment(ctx)
    with progress("taking in what came back") as report:
        report(0, 1, "mailboxes")
        collected = notices.collect(opened, opened.now)
    print_view(collected, as_json=as_json, title="Messages that came back")


@app.command("work-items")
def work_items(
    ctx: typer.Context,
    case: Annotated[str | None, typer.Option("--case", metavar="CASE", help="Of one case only.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List messages about notices that a person must look at, because nobody vouches for them or they tell more.

    Dealt with: cjp-fraud cases clear-stop CASE --notice ID --as USER --because TEXT.
    """
    from cjp_fraud.operations import notices

    rows = notices.list_work_items(deployment(ctx), case)
    print_table(rows, _WORK_ITEMS, as_json=as_json, title="Messages that need a person")


@app.command("list")
def list_notices(
    ctx: typer.Context,
    case: Annotated[str | None, typer.Option("--case", metavar="CASE", help="Of one case only.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the notices, one row a letter."""
    from cjp_fraud.operations import notices

    print_table(notices.list_notices(deployment(ctx), case), _COLUMNS, as_json=as_json, title="Notices")


@app.command()
def duties(
    ctx: typer.Context,
    case: Annotated[str | None, typer.Option("--case", metavar="CASE", help="Of one case only.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List what must still follow a notice, a hard copy for example, with when it is due; what is late is marked."""
    from cjp_fraud.operations import notices

    opened = deployment(ctx)
    columns = ("case", "step", "method", Column("due_at", "due"), "overdue")
    print_table(
        notices.list_duties(opened, opened.now, case), columns, as_json=as_json, title="To follow notices"
    )


@app.command()
def show(
    ctx: typer.Context,
    notice_id: Annotated[
        str, typer.Argument(metavar="ID", help="Id of the notice, or how it begins (notices list).")
    ],
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the exact bytes of the letter, nothing else.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show one notice with its delivery record: attempts, what was said in each, events."""
    from cjp_fraud.operations import notices

    opened = deployment(ctx)
    if raw:
        sys.stdout.buffer.write(notices.message_of(opened, notice_id))
        return
    record = notices.show_notice(opened, notice_id)
    if as_json:
        print_json(record)
        return
    tables: Mapping[str, tuple[str, Sequence[str | Column]]] = {
        "attempts": (
            "Attempts",
            ("number", "method", "started_at", "finished_at", "outcome", Column("smtp.reply_code", "reply")),
        ),
        "events": (
            "Delivery events",
            (
                "at",
                "source",
                "status",
                "negative",
                "authenticated",
                Column("erds_event", "EN 319 522", spare=True),
                Column("needs_person", "needs a person", wraps=True),
                "resolved_at",
            ),
        ),
    }
    print_view(record, title=f"Notice {record.id}", tables=tables)
    console = table_console()
    for attempt in record.attempts:
        console.print(f"Evidence of attempt {attempt.number}:", markup=False)
        erased = f"(erased at {stamp(attempt.erased_at)})" if attempt.erased_at is not None else "(none)"
        for line in attempt.evidence or (erased,):
            console.print(f"  {line}", markup=False, soft_wrap=True)
