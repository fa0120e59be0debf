"""Forms that browsers post: small, of known fields, with a file at most, and proven to come from a page of ours."""

from __future__ import annotations

import hmac
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from fastapi import HTTPException, Request
from starlette.formparsers import MultiPartException, MultiPartParser

from cjp_fraud.errors import BadInputError
from cjp_fraud.operations.attachments import Upload

_MOST_BYTES: Final = 4096
_MOST_BYTES_OF_WORDS: Final = 65536
"""A character of some scripts takes nine bytes in a form."""
_MOST_FIELDS: Final = 8
_MOST_THROWN_AWAY: Final = 64 * 2**20

FORM_PROOF: Final = "form_proof"
"""Field that holds what only a page that this browser was given knows."""


async def posted_form(request: Request) -> Mapping[str, str]:
    """Return the fields of a small form (``application/x-www-form-urlencoded``), each once.

    Raises
    ------
    HTTPException
        415 for another type, 413 for one that is too long, 400 for one that cannot be read.
    """
    return dict(await posted_fields(request, most_bytes=_MOST_BYTES, most_fields=_MOST_FIELDS))


async def posted_words(request: Request) -> Mapping[str, str]:
    """Return the fields of a form in which somebody writes some thousand characters; as :func:`posted_form`."""
    return dict(await posted_fields(request, most_bytes=_MOST_BYTES_OF_WORDS, most_fields=_MOST_FIELDS))


async def posted_fields(request: Request, *, most_bytes: int, most_fields: int) -> list[tuple[str, str]]:
    """Return the fields of a posted form in their order; a name may stand more than once.

    Raises
    ------
    HTTPException
        As :func:`posted_form`.
    """
    if (
        request.headers.get("content-type", "").partition(";")[0].strip()
        != "application/x-www-form-urlencoded"
    ):
        raise HTTPException(415)
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > most_bytes:
            raise HTTPException(413)
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=most_fields
        )
    except ValueError:
        raise HTTPException(400) from None
    return [(name, value.replace("\x00", "")) for name, value in fields]


def brings_files(request: Request) -> bool:
    """Whether a form is of the kind that can bring files (``multipart/form-data``)."""
    return request.headers.get("content-type", "").partition(";")[0].strip() == "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Posted:
    """A form that may bring a file.

    Parameters
    ----------
    fields : in their order; where the file is too large, those before it.
    upload : the file; None: none was chosen, or it is too large.
    fault : that it is too large; None: it is not.
    """

    fields: Sequence[tuple[str, str]]
    upload: Upload | None = None
    fault: BadInputError | None = None


async def posted_with_file(request: Request, *, most_bytes: int, most_words: int, most_fields: int) -> Posted:
    """Return a form and the one file that it may bring; what is too large is never held in memory.

    Parameters
    ----------
    most_bytes : of the file.
    most_words : bytes of all else.

    Raises
    ------
    HTTPException
        400 for a form that cannot be read.
    """
    parser = MultiPartParser(
        request.headers,
        bounded(request, most_bytes + most_words),
        max_files=1,
        max_fields=most_fields,
        max_part_size=most_words,
    )
    try:
        form = await parser.parse()
    except MultiPartException:
        raise HTTPException(400) from None
    except BadInputError as fault:
        return Posted(_texts(parser.items), fault=fault)
    try:
        files = [value for _, value in form.multi_items() if not isinstance(value, str) and value.filename]
        # A browser sends a file without a name where none was chosen.
        uploads = [Upload(str(file.filename), await file.read()) for file in files]
    finally:
        await form.close()
    return Posted(_texts(form.multi_items()), next(iter(uploads), None))


def _texts(items: Iterable[tuple[str, object]]) -> list[tuple[str, str]]:
    return [(name, value.replace("\x00", "")) for name, value in items if isinstance(value, str)]


async def bounded(request: Request, most_bytes: int) -> AsyncGenerator[bytes, None]:
    """Yield the body of a request with a file, and refuse it where it is longer than ``most_bytes``.

    What is too long is read to its end and thrown away, as far as that is bearable: a browser that cannot send all
    shows no answer.

    Raises
    ------
    BadInputError
        Says how long it may be.
    """
    size = 0
    async for piece in request.stream():
        if size < most_bytes:
            yield piece[: most_bytes - size]
        size += len(piece)
        if size > most_bytes + _MOST_THROWN_AWAY:
            break
    if size > most_bytes:
        raise BadInputError(
            f"what was sent is larger than {most_bytes // 2**20} MB; attach the part that the case rests on"
        )


def proof_fits(expected: str, form: Mapping[str, str]) -> bool:
    """Whether a form bears the proof that it was expected to."""
    return hmac.compare_digest(expected.encode(), form.get(FORM_PROOF, "").encode())
