"""``cjp-fraud notices``: what is served, how, and what became of it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment, moment, progress
from cjp_fraud.cli.printing import Column, print_json, print_table, print_view, stamp
from cjp_fraud.notices.model import NoticeKind, NoticeState

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
    Column("standing", "state"),
    Column("reached", "rung", spare=True),
    "dispatched_at",
)
_DISPATCHED = (
    "case",
    "before",
    "state",
    Column("handed_over", "letters"),
    Column("waiting_for", wraps=True),
    Column("next_at", "next", spare=True),
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
    case: Annotated[
        str | None,
        typer.Argument(
            metavar="[CASE]", help="Number or id of the case; all that have something due, without."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Serve what is due of an approved case, or of all, now; the measure follows when the gate opens.

    Runs as system, on the standing approval. Approving a case does this at once, and the schedule resumes
    what was interrupted; this command is for those who cannot wait for the schedule. Run again, or twice at the same
    time, it sends nothing twice. Exit code 1 if a case is no further afterwards and waits for
    something else than time.
    """
    from cjp_fraud.operations import notices

    opened = deployment(ctx)
    with progress("serving notices") as report:
        report(0, 1, f"case {case}" if case is not None else "all cases")
        if case is None:
            done = notices.dispatch_all(opened, opened.now)
        else:
            one = notices.dispatch(opened, opened.now, case)
    if case is not None:
        print_view(one, as_json=as_json, title=f"Case {case}")
    elif as_json:
        print_json(done)
    else:
        print_table(done.cases, _DISPATCHED, title="Cases")
        for fault in done.faults:
            typer.echo(fault, err=True)
    for waits in () if as_json else (one,) if case is not None else done.cases:
        if waits.only_time_missing and waits.next_at is not None:
            typer.echo(f"case {waits.case}: only time is missing, until {stamp(waits.next_at)}")
    if (done if case is None else one).is_stuck:
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
    tenant: Annotated[str | None, typer.Option(metavar="TENANT", help="Of one tenant only.")] = None,
    kind: Annotated[list[NoticeKind] | None, typer.Option(help="Only these kinds; may be repeated.")] = None,
    state: Annotated[
        list[NoticeState] | None, typer.Option(help="Only these states; may be repeated.")
    ] = None,
    method: Annotated[str | None, typer.Option(metavar="METHOD", help="Served by this method only.")] = None,
    for_people: Annotated[
        bool, typer.Option("--for-people", help="Only those of which a person must look at what came back.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the notices, one row a letter: how far its sending has come, and the highest rung that is proven."""
    from cjp_fraud.operations import notices

    rows = notices.list_notices(
        deployment(ctx),
        case,
        tenant=tenant,
        kinds=kind or (),
        states=state or (),
        method=method,
        for_people=for_people,
    )
    print_table(rows, _COLUMNS, as_json=as_json, title="Notices")


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
    """Show one notice with its delivery record: attempts, what was said, events, and why it counts or does not."""
    from cjp_fraud.operations import notices

    opened = deployment(ctx)
    if raw:
        sys.stdout.buffer.write(notices.message_of(opened, notice_id))
        return
    record = notices.show_notice(opened, opened.now, notice_id)
    if as_json:
        print_json(record)
        return
    from cjp_fraud.cli.notice_display import show_record

    show_record(record)


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


@app.command("page-link")
def page_link(
    ctx: typer.Context,
    notice_id: Annotated[
        str, typer.Argument(metavar="ID", help="Id of the notice, or how it begins (notices list).")
    ],
    by: AsOption,
    as_json: JsonOption = False,
) -> None:
    """Make a fresh link to a notice's page, for a customer whose link has expired; on record."""
    from cjp_fraud.operations.notice_page import new_link

    opened = deployment(ctx)
    made = new_link(opened, opened.now, notice_id, by)
    if as_json:
        print_json(made)
    else:
        typer.echo(made.link)
