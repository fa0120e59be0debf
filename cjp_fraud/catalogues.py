"""Catalogues of messages in other languages: messages marked for them, and gettext's translations out of their text."""

from __future__ import annotations

from io import BytesIO

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations


def _(message: str) -> str:
    """Mark a message for the catalogues."""
    return message


def read_catalogue(content: bytes, locale: str) -> Catalog:
    """Return the messages of a ``.po`` file; ``locale`` as Babel writes it (``es_MX``)."""
    return read_po(BytesIO(content), locale=locale)


def translations_of(catalogue: Catalog, domain: str | None = None) -> Translations:
    """Return what gettext translates by; compiled in memory, so that no compiled file is older than its source."""
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled, domain=domain)
