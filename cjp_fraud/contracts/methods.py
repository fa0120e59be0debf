"""Methods of serving a notice that a contract may name, and what an address of each looks like.

How each method serves a notice stands in :mod:`cjp_fraud.notices.methods`, one file for each method. A method is a
name and not an enum, so that a new method changes no column.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from cjp_fraud.errors import BadInputError

EMAIL: Final = "email"
LETTER: Final = "letter"
COURIER: Final = "courier"
REGISTERED: Final = "registered"
HAND: Final = "hand"
FAX: Final = "fax"
PUBLICATION: Final = "publication"

PHYSICAL: Final = frozenset({LETTER, COURIER, REGISTERED, HAND})
"""Methods that bring a paper to a place."""

POSTAL_CLASSES: Final = {LETTER: "standard", REGISTERED: "registered", COURIER: "courier"}
"""Method that a printer serves → class under which it posts the letter."""

METHOD_LENGTH: Final = 40
"""Longest name of a method, characters."""


def require_email_address(text: str) -> str:
    """Return ``text`` if it is a plain ASCII mailbox (RFC 5321, 4.1.2, without quoting).

    Raises
    ------
    BadInputError
        If it is none; an internationalised domain must be given in its ASCII form.
    """
    import email_validator  # every command loads this module, few look at an address

    # The demonstration and the tests serve domains that RFC 6761 sets aside (.invalid, .test, localhost), and
    # a provider's own network may use .local: an address that cannot be reached is found out at dispatch.
    email_validator.SPECIAL_USE_DOMAIN_NAMES[:] = ["arpa", "onion"]
    try:
        if not text.isascii():
            raise email_validator.EmailSyntaxError("it holds characters that are not ASCII.")
        email_validator.validate_email(
            text,
            check_deliverability=False,
            allow_smtputf8=False,
            globally_deliverable=False,  # localhost is a domain too
            strict=True,  # lengths of RFC 5321, 4.5.3.1
        )
    except email_validator.EmailNotValidError as error:
        raise BadInputError(
            f"{text!r} is not an email address that can be served ({str(error).rstrip('.')}); give one like "
            "notices@example.com (an internationalised domain in its ASCII form, xn--...)"
        ) from None
    return text


def is_email_address(text: str) -> bool:
    """Whether :func:`require_email_address` would return ``text``."""
    try:
        return bool(require_email_address(text))
    except BadInputError:
        return False


def require_postal_address(text: str) -> str:
    """Return ``text`` if it can be written on an envelope: two to eight lines, the first of them to whom.

    Raises
    ------
    BadInputError
        If it cannot. Lines may be given with semicolons between them, where a file has no room for a new line.
    """
    lines = postal_lines(text)
    written = [line for line in lines if any(sign.isalnum() for sign in line)]
    if not 2 <= len(lines) <= 8 or len(written) < len(lines) or max(map(len, lines)) > 60:
        raise BadInputError(
            f"{text!r} is not a postal address: write to whom, street, place and country, two to eight lines of at "
            "most 60 characters, with new lines or semicolons between them"
        )
    return text


def postal_lines(text: str) -> list[str]:
    """Return the lines of a postal address, without those that are empty."""
    return [line.strip() for line in re.split(r"[;\n]", text) if line.strip()]


def require_fax_number(text: str) -> str:
    """Return ``text`` if it is an international number (ITU-T E.164) with a plus sign; raises BadInputError if not."""
    if re.fullmatch(r"\+[1-9][0-9]{6,14}", re.sub(r"[ ().-]", "", text)) is None:
        raise BadInputError(f"{text!r} is not a fax number; write it like +1 416 555 0100")
    return text


def require_page(text: str) -> str:
    """Return ``text``, the customer's name for its page; a page needs no address, so any short text will do."""
    if len(text) > 200 or "\n" in text:
        raise BadInputError(
            "a publication needs no address; leave it empty, or write a short name of the page"
        )
    return text


METHODS: dict[str, Callable[[str], str]] = {
    EMAIL: require_email_address,
    LETTER: require_postal_address,
    COURIER: require_postal_address,
    REGISTERED: require_postal_address,
    HAND: require_postal_address,
    FAX: require_fax_number,
    PUBLICATION: require_page,
}
"""Name of each method → function that returns an address of it, and raises BadInputError for what is none."""


def require_method(name: str) -> str:
    """Return ``name`` if a contract may name it; raises BadInputError if not.

    Whether a deployment serves by it is another matter; the gate asks that.
    """
    if name not in METHODS:
        *others, last = METHODS
        raise BadInputError(f"method {name!r} is not known; write {', '.join(others)} or {last}")
    return name
