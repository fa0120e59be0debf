"""Language tags of letters (BCP 47)."""

from __future__ import annotations

import re

DEFAULT_LANGUAGE = "en"
"""Language of notices where the contract names none: clause 2.2 serves in English."""

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


def language_tag(text: object) -> str:
    """Return a tag with its language in lower case; raises ValueError for what is none."""
    if not isinstance(text, str) or not _TAG.fullmatch(text) or len(text) > 35:
        raise ValueError("write a language tag like en, fr or es-MX")
    language, _, rest = text.partition("-")
    return f"{language.lower()}-{rest}" if rest else language.lower()


def primary_language(tag: str) -> str:
    """Return the language of a tag without region or script."""
    return tag.partition("-")[0]
