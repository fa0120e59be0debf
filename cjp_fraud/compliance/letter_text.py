"""What the reader of a message sees."""

from __future__ import annotations

import email
import email.policy


def letter_text(message: bytes) -> str:
    """Return the text that the reader of a message sees: subject, date, addresses, body."""
    if message.startswith(b"%PDF-"):
        return "The letter is a PDF; its bytes stand beside this file.\n"
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    head = [
        f"{name}: {parsed[name]}" for name in ("Date", "From", "To", "Subject") if parsed[name] is not None
    ]
    body = parsed.get_body(("plain",))
    return "\n".join(head) + "\n\n" + (str(body.get_content()) if body is not None else "")
