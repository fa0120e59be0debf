"""One-time codes of the notice page: made, kept as salted digests, compared in constant time; a pure rule."""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from typing import Final

from cjp_fraud.notices.page_links import PageKey

DIGITS: Final = 6
CODE_VALID_FOR: Final = timedelta(minutes=10)
MOST_TRIES: Final = 5
"""Tries of one code, right or wrong."""

SESSION_VALID_FOR: Final = timedelta(minutes=30)
"""How long a page stays open after its code."""

CODES_OF_A_LINK: Final = ((timedelta(hours=1), 6), (timedelta(days=1), 20))
CODES_OF_A_CLIENT: Final = ((timedelta(hours=1), 12), (timedelta(days=1), 60))
"""Within which span at most how many codes are made. With five tries each, guessing at one link takes 19 years to
succeed as often as not."""


def new_code() -> str:
    """Return a code: six decimal digits, each of the million as likely."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


def code_digest(key: PageKey, salt: str, code: str) -> str:
    """Return the digest under which a code is kept.

    A million codes are tried in a second, so a salt alone would hide none from who reads the database: the digest
    needs the deployment's key too, which is not in it.
    """
    return key.code_of("code", salt, code).hex()


def code_fits(key: PageKey, salt: str, code: str, digest: str) -> bool:
    """Whether a code that was typed, blanks aside, is the one of a digest; it takes as long where it is not."""
    return hmac.compare_digest(code_digest(key, salt, "".join(code.split())), digest)
