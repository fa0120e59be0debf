"""``cjp-fraud notices``: what is served, how, and what became of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cjp_fraud.cli.frame import JsonOption, deployment, moment, progress
from cjp_fraud.cli.printing import Column, print_json, print_table, print_view, stamp, table_console
from cjp_fraud.notices.model import NoticeKind

if TYPE_CHECKING:
    from cjp_fraud.deployment import Deployment
    from cjp_fraud.operations.letter_preview import PreviewedLetter

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


@app.command("collect-carrier")
def collect_carrier(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Record what the carrier has seen of the letters that a printer got; `run-due` does it too.

    Exit code 1 if a letter could not be asked about, or an event not be read; what was said is kept.
    """
    from cjp_fraud.operations import notices

    opened = deployment(ctx)
    collected = notices.collect_carrier_events(opened, opened.now)
    print_view(collected, as_json=as_json, title="Carrier's events")
    if collected.faults:
        raise typer.Exit(1)


class Format(StrEnum):
    """How a letter is shown."""

    TEXT = "text"
    HTML = "html"
    PDF = "pdf"


@app.command()
def preview(
    ctx: typer.Context,
    case: Annotated[str, typer.Argument(metavar="CASE", help="Number or id of the case.")],
    language: Annotated[
        str | None,
        typer.Option("--language", help="Language (de, fr-CA), or all; the contract's by default."),
    ] = None,
    kind: Annotated[
        NoticeKind, typer.Option("--kind", help="What the letter tells.")
    ] = NoticeKind.SUSPENSION,
    form: Annotated[Format, typer.Option("--format", help="Text, web page or PDF.")] = Format.TEXT,
    out: Annotated[
        Path | None, typer.Option("--out", help="File; of several languages, one each (FILE.de.pdf).")
    ] = None,
    term: Annotated[
        str | None, typer.Option("--term", help="Of a breach: the term of the contract that is not met.")
    ] = None,
    cure_until: Annotated[
        str | None, typer.Option("--cure-until", help="Of a breach: until when it is to be put right.")
    ] = None,
    upheld: Annotated[
        bool, typer.Option("--upheld", help="Of an answer: as if the open dispute were decided for them.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a letter about a case as it would leave now; nothing is sent or written on the case.

    What has not happened yet is told as if it happened now. Everybody who can read the case may look.
    """
    from cjp_fraud.operations.letter_preview import preview as look
    from cjp_fraud.suspension.model import Assumed

    opened = deployment(ctx)
    now = opened.now
    letters = look(
        opened, now, case, kind=kind, language=language, assumed=Assumed(term, moment(cure_until), upheld)
    )
    if as_json:
        print_json(letters)
    elif form is Format.PDF and out is None:
        raise typer.BadParameter("a PDF needs a file: --out FILE", param_hint="--out")
    elif out is None:
        pages = [letter.html if form is Format.HTML else letter.text for letter in letters]
        typer.echo("\n\n".join(page.rstrip("\n") for page in pages))
    else:
        for letter in letters:
            _write_letter(opened, now, letter, form, out if len(letters) == 1 else _of_language(out, letter))


def _of_language(out: Path, letter: PreviewedLetter) -> Path:
    return out.with_name(f"{out.stem}.{letter.language}{out.suffix}")


def _write_letter(
    opened: Deployment, now: datetime, letter: PreviewedLetter, form: Format, out: Path
) -> None:
    from cjp_fraud.operations.letter_preview import preview_pdf

    if form is Format.PDF:
        content = preview_pdf(opened, now, letter)
    else:
        content = (letter.html if form is Format.HTML else letter.text).encode()
    out.write_bytes(content)
    typer.echo(f"{letter.language}: {out}")
