"""Bring the catalogues up to date with their English text: ``python -m cjp_fraud.notices.new_messages``.

For those who change a letter or its page: new messages come in untranslated, those that nobody says any more go out.
Until a translator has filled them in, the tests fail.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from cjp_fraud.notices.letter_catalogues import LETTERS, PAGE, catalogue_bytes
from cjp_fraud.notices.letter_languages import LANGUAGES

PACKAGE: Final = Path(__file__).parent

_TEMPLATE: Final = "jinja2.ext:babel_extract"
_SOURCES: Final = {
    LETTERS: (PACKAGE, {"templates/**.txt": _TEMPLATE, "letter*.py": "python"}),
    PAGE: (PACKAGE.parent, {"web/templates/notice.html": _TEMPLATE, "notices/page_words.py": "python"}),
}
"""Domain → a folder, and which files in it say its messages, and how they are found there."""

_OPTIONS: Final = {"newstyle_gettext": "true", "silent": "false"}
_KEYWORDS: Final[Mapping[str, Any]] = {
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "in_context": ((1, "c"), 2),
    "marked": None,
}
_PLURALS: Final = {
    "fr": "nplurals=3; plural=(n == 0 || n == 1) ? 0 : (n % 1000000 == 0) ? 1 : 2;",
    "es": "nplurals=3; plural=(n == 1) ? 0 : (n != 0 && n % 1000000 == 0) ? 1 : 2;",
    "it": "nplurals=3; plural=(n == 1) ? 0 : (n != 0 && n % 1000000 == 0) ? 1 : 2;",
    "ja": "nplurals=1; plural=0;",
}
"""Which form of a message stands for a number (CLDR); other languages tell one and several apart."""


def messages_said(domain: str = LETTERS) -> Catalog:
    """Return all messages of a domain, in English, with the files that they stand in."""
    folder, methods = _SOURCES[domain]
    said = Catalog()
    for file, _line, message, _comments, context in extract_from_dir(
        folder, list(methods.items()), dict.fromkeys(methods, _OPTIONS), keywords=_KEYWORDS, comment_tags=()
    ):
        said.add(message, locations=[(file, 1)], context=context)
    return said


def catalogue(language: str, domain: str = LETTERS) -> Catalog:
    """Return a catalogue of a language as it lies in the package; an empty one where there is none."""
    locale = language.replace("-", "_")
    try:
        return read_po(BytesIO(catalogue_bytes(language, domain)), locale=locale)
    except FileNotFoundError:
        return Catalog(locale)


def updated(language: str, domain: str = LETTERS) -> bytes:
    """Return a catalogue of a language as its file must be: every message that is said, and no other.

    A region's catalogue holds only what it says in another way than its language.
    """
    old, new = catalogue(language, domain), Catalog(language.replace("-", "_"))
    new.mime_headers = list(_headers(language).items())
    for message in messages_said(domain):
        if not message.id:
            continue
        kept = old.get(message.id, message.context)
        if kept is None and "-" in language:
            continue
        new.add(
            message.id,
            kept.string if kept is not None else None,
            locations=message.locations,
            context=message.context,
        )
    return _head(language) + _written(new)


def _headers(language: str) -> dict[str, str]:
    broader = language.partition("-")[0]
    return {
        "Language": language.replace("-", "_"),
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": _PLURALS.get(broader, "nplurals=2; plural=(n != 1);"),
    }


def _head(language: str) -> bytes:
    lines = "".join(f'"{name}: {value}\\n"\n' for name, value in _headers(language).items())
    return f'msgid ""\nmsgstr ""\n{lines}\n'.encode()


def _written(catalogue: Catalog) -> bytes:
    out = BytesIO()
    write_po(out, catalogue, width=110, omit_header=True, include_lineno=False)
    return out.getvalue().strip() + b"\n"


def main() -> None:
    """Write every catalogue anew, and name what is still to be translated."""
    for domain, language in product(_SOURCES, LANGUAGES[1:]):
        file = PACKAGE / "locales" / language.replace("-", "_") / "LC_MESSAGES" / f"{domain}.po"
        written = updated(language, domain)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(written)
        for message in read_po(BytesIO(written)):
            forms = message.string if isinstance(message.string, tuple) else (message.string,)
            if message.id and not all(forms):
                sys.stdout.write(f"{domain}, {language}: to be translated: {message.id}\n")


if __name__ == "__main__":
    main()
