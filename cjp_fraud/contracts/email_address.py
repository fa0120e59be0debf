"""What may stand as an email address in an envelope and a header."""

from __future__ import annotations

import email_validator

from cjp_fraud.errors import BadInputError

# The demonstration and the tests serve domains that RFC 6761 sets aside (.invalid, .test, localhost), and
# a provider's own network may use .local: what cannot be reached shows at dispatch.
email_validator.SPECIAL_USE_DOMAIN_NAMES[:] = ["arpa", "onion"]


def require_email_address(text: str) -> str:
    """Return ``text`` if it is a plain ASCII mailbox (RFC 5321, 4.1.2, without quoting).

    Raises
    ------
    BadInputError
        If it is none; an internationalised domain must be given in its ASCII form.
    """
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
