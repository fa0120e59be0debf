"""What may stand as an email address in an envelope and a header."""

from __future__ import annotations

import re

from cjp_fraud.errors import BadInputError

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@({_LABEL}(?:\.{_LABEL})*)")
_LONGEST_LOCAL = 64
_LONGEST = 254


def is_email_address(text: str) -> bool:
    """Whether ``text`` is a plain ASCII mailbox (RFC 5321, 4.1.2, without quoting; lengths of 4.5.3.1)."""
    match = _ADDRESS.fullmatch(text)
    return match is not None and len(match[1]) <= _LONGEST_LOCAL and len(text) <= _LONGEST


def require_email_address(text: str) -> str:
    """Return ``text`` if it is an email address.

    Raises
    ------
    BadInputError
        If it is none; an internationalised domain must be given in its ASCII form.
    """
    if not is_email_address(text):
        raise BadInputError(
            f"{text!r} is not an email address that can be served; give one like notices@example.com "
            "(an internationalised domain in its ASCII form, xn--...)"
        )
    return text
