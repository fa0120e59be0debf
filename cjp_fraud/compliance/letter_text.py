"""What the reader of a message sees, whether it went by mail server or on paper."""

from __future__ import annotations

import email
import email.policy
import io
import re
from typing import Final

_HYPHEN: Final = re.compile("[-\\u00ad\\u2010]\\s*\\n\\s*")


def is_pdf(message: bytes) -> bool:
    """Whether a message went on paper: its bytes are a PDF."""
    return message.startswith(b"%PDF-")


def letter_text(message: bytes) -> str:
    """Return the text that the reader of a message sees: subject, date, addresses, body."""
    if is_pdf(message):
        text = _text_of_pdf(message)
        return text if text is not None else "The letter is a PDF that cannot be read.\n"
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    head = [
        f"{name}: {parsed[name]}" for name in ("Date", "From", "To", "Subject") if parsed[name] is not None
    ]
    body = parsed.get_body(("plain",))
    return "\n".join(head) + "\n\n" + (str(body.get_content()) if body is not None else "")


def searchable_texts(content: bytes) -> tuple[str, ...]:
    """Return the text of a PDF as it is searched for words: by lines, in one line, and without hyphens at line ends.

    None at all: it cannot be read.
    """
    text = _text_of_pdf(content)
    if text is None:
        return ()
    return text, " ".join(text.split()), " ".join(_HYPHEN.sub("", text).split())


def _text_of_pdf(content: bytes) -> str | None:
    """Return the text of a PDF, page by page; None: it cannot be read."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        pages = [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return None  # what was changed behind the application may be no PDF at all
    return "\n\n".join(pages) + "\n"
