"""Methods of serving a notice that a contract may name, and what an address of each looks like.

How each method serves a notice stands in :mod:`cjp_fraud.notices.methods`, one file for each method. A method is a
name and not an enum, so that a new method changes no column.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cjp_fraud.errors import BadInputError

EMAIL: Final = "email"

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


METHODS: dict[str, Callable[[str], str]] = {EMAIL: require_email_address}
"""Name of each method → function that returns an address of it, and raises BadInputError for what is none."""


def require_method(name: str) -> str:
    """Return ``name`` if notices can be served by it; raises BadInputError if not."""
    if name not in METHODS:
        raise BadInputError(f"method {name!r} is not served; write {' or '.join(METHODS)}")
    return name
