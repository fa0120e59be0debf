"""Mail addresses in texts and in the fields of reports (RFC 3461 xtext, RFC 6533 UTF-8 forms)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import getaddresses
from typing import Final

# Lengths are bounded and the first character is anchored, so that a long line costs no more than its length.
_ATOM = r"[^\s<>()\[\]\\,;:@\"'`\x00-\x1f|*（）＜＞「」『』【】、。，：；]"
ADDRESS: Final = re.compile(
    rf"(?:(?<![^\s<>()\[\]\\,;:\"'`|*（）＜＞「」『』【】、。，：；])'?{_ATOM}(?:{_ATOM}|'){{0,127}}|\"[^\"\r\n@]{{1,64}}\")"
    r"@(?:[^\W_](?:[\w.-]{0,252}[^\W_])?|\[[0-9A-Fa-f:.]{3,45}\])"
)
"""An address as it stands in a text."""

_SMTP = re.compile(r"^SMTP=", re.IGNORECASE)
_SCHEME = re.compile(r"^(?:mailto|smtp|rfc822)[:=;]", re.IGNORECASE)


def addresses_in(text: str) -> Iterator[str]:
    """Yield the addresses in a text, in order, as they stand."""
    for match in ADDRESS.finditer(text):
        if not match[0].startswith("/"):  # the rest of a URL
            yield _SMTP.sub("", match[0].lstrip("'")).rstrip(".")


def header_addresses(values: list[str]) -> tuple[str, ...]:
    """Return the addresses of address headers, as they stand; values that break the grammar give what is in them."""
    parsed = [address for _, address in getaddresses(values) if "@" in address]
    return tuple(parsed or [each for value in values for each in addresses_in(value)])


def typed_address(field: str) -> str | None:
    """Return the address of a field ``type; address`` (RFC 3464, section 2.1.2; RFC 6533), decoded.

    A type may be missing, and the address may stand in angle brackets; None: it holds no address with a domain.
    """
    kind, semicolon, rest = field.partition(";")
    if not semicolon or "@" in kind:
        kind, rest = "", field
    plain = rest.strip()
    if kind.strip().lower() == "utf-8":
        plain = _from_utf8_xtext(plain)
    plain = _SCHEME.sub("", plain)
    if "<" in plain and ">" in plain:
        plain = (
            plain[plain.rindex("<") + 1 : plain.rindex(">")]
            if plain.rindex("<") < plain.rindex(">")
            else plain
        )
    plain = plain.strip().strip("<>").strip()
    if "@" not in plain:
        return None
    if any(character.isspace() for character in plain) and not plain.startswith('"'):
        return next(addresses_in(plain), None)
    return plain


def original_address(field: str) -> str | None:
    """Return the address of ``Original-Recipient``, which carries what ORCPT said, in xtext (RFC 3461)."""
    address = typed_address(field)
    return from_xtext(address) if address is not None else None


def xtext(text: str) -> str:
    """Return ``text`` in the encoding of RFC 3461, section 4: +XX for what is not plain."""
    return "".join(
        character if "!" <= character <= "~" and character not in "+=" else f"+{ord(character):02X}"
        for character in text
    )


def from_xtext(text: str) -> str:
    """Return what :func:`xtext` encoded."""
    return re.sub(r"\+([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), text)


def _from_utf8_xtext(text: str) -> str:
    r"""Return the address in ``utf-8-addr-xtext`` or ``utf-8-addr-unitext`` (RFC 6533, section 3): ``\x{HEX}``."""

    def character(match: re.Match[str]) -> str:
        code = int(match[1], 16)
        return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else match[0]

    return re.sub(r"\\x\{([0-9A-Fa-f]{1,6})\}", character, text)
