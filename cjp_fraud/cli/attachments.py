"""`cjp-fraud cases attach` and `download`: files beside the comments of a case."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cjp_fraud.cli.determination import CaseArgument
from cjp_fraud.cli.frame import AsOption, JsonOption, deployment
from cjp_fraud.cli.printing import print_json
from cjp_fraud.errors import BadInputError


def attach(
    ctx: typer.Context,
    case: CaseArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="PDF, picture, sound, pcap, archive, text.")],
    as_user: AsOption,
    text: Annotated[str, typer.Option(help="A comment to go with it.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Attach a file to a case; who does takes part in it, and may not approve it.

    At most CJP_FRAUD_ATTACHMENT_MEGABYTES large, and CJP_FRAUD_ATTACHMENTS_PER_CASE a case. The same file again
    changes nothing.
    """
    from cjp_fraud.operations import attachments

    opened = deployment(ctx)
    upload = attachments.read_upload(opened, file)
    attached = attachments.attach(opened, as_user, opened.now, case, upload, text)
    if as_json:
        print_json(attached)
        return
    view = attached.attachment
    typer.echo(f"case {attached.case.number}: {view.name} attached ({view.kind}, {view.size_bytes} bytes)")
    typer.echo(f"  {view.id}, SHA-256 {view.sha256}")


def download(
    ctx: typer.Context,
    case: CaseArgument,
    attachment: Annotated[
        str, typer.Argument(metavar="ATTACHMENT", help="Its id (cases show), or how it begins.")
    ],
    as_user: AsOption,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where it is written; must not be there.")
    ],
) -> None:
    """Write a file of a case to a file; that you got it is on record."""
    from cjp_fraud.operations import attachments

    opened = deployment(ctx)
    if out.exists():
        raise BadInputError(f"{out} is there already; name another file")
    file = attachments.download(opened, as_user, opened.now, case, attachment)
    try:
        with out.open("xb") as written:
            written.write(file.content)
    except OSError as error:
        raise BadInputError(f"{out} cannot be written ({error.strerror}); name another file") from None
    typer.echo(f"{out}: {len(file.content)} bytes, SHA-256 {file.attachment.sha256}")
