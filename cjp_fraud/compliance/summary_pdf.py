"""Facts set as a PDF/A: the same facts give the same bytes, and no character is left out in silence."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files as package_files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cjp_fraud.clock import aware
from cjp_fraud.compliance.readable_json import readable_json
from cjp_fraud.errors import CjpFraudError

if TYPE_CHECKING:
    import typst

_STANDARD: Final = "a-2b"
SUMMARY: Final = "summary.typ"
CLAIMS: Final = "claims_view.typ"
_NO_GLYPH: Final = re.compile(r"the text `\"(.+?)\"` could not be displayed")
_ESCAPED: Final = re.compile(r"\\u\{([0-9a-f]+)\}")


def summary_pdf(
    document: Mapping[str, Any], charts: Mapping[str, bytes], as_of: datetime, *, template: str = SUMMARY
) -> bytes:
    """Return the summary of a bundle, or another paper with a title and sections.

    The fonts that typst brings are used. Only where a character is in none of them, those of the system are asked too,
    so that the bytes depend on the machine in this case alone. What no font can show (a control character, a rare
    script) is shown by its number, ``[U+0015]``, and the paper says so at its head: whoever writes such a sign into a
    comment or a dispute must not keep a bundle from being made.

    Parameters
    ----------
    document : what :meth:`~cjp_fraud.compliance.summary_facts.SummaryFacts.document` returns.
    charts : name → SVG.
    as_of : aware; the date that the file says of itself.
    template : file of this package that sets it.
    """
    import typst  # inside: only an export needs it

    with tempfile.TemporaryDirectory() as folder:
        for name, content in {**charts, template: _template(template)}.items():
            Path(folder, name).write_bytes(content)
        unshown: set[str] = set()
        for system_fonts in (False, True, True):
            Path(folder, "summary.json").write_bytes(_by_number(document, unshown))
            try:
                return _compiled(Path(folder, template), as_of, system_fonts=system_fonts)
            except typst.TypstError as error:
                missing = _signs_without_a_font(error)
                if not missing or missing <= unshown:
                    raise
                if system_fonts:
                    unshown |= missing
    raise CjpFraudError(
        f"the summary cannot be written: no font of this machine has {''.join(sorted(missing))!r}"
    )


def _signs_without_a_font(error: typst.TypstError) -> set[str]:
    """Return the characters that a refusal of typst names; it names all of them at once, some by their number."""
    named = _NO_GLYPH.findall(str(error.diagnostic))
    return set("".join(_ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), text) for text in named))


def _by_number(document: Mapping[str, Any], unshown: set[str]) -> bytes:
    """Return the document as JSON, each character of ``unshown`` by its number; ``unshown`` lists these."""
    numbers = str.maketrans({sign: f"[U+{ord(sign):04X}]" for sign in unshown})

    def shown(node: Any) -> Any:
        match node:
            case str():
                return node.translate(numbers)
            case dict():
                return {name: shown(inside) for name, inside in node.items()}
            case list():
                return [shown(inside) for inside in node]
        return node

    plain = shown(json.loads(readable_json(document)))
    return readable_json({**plain, "unshown": [numbers[ord(sign)] for sign in sorted(unshown)]})


def _compiled(template: Path, as_of: datetime, *, system_fonts: bool) -> bytes:
    import typst

    compiler = typst.Compiler(
        input=template, root=template.parent, font_paths=_fonts(system_fonts=system_fonts)
    )
    pdf = compiler.compile(format="pdf", pdf_standards=_STANDARD, timestamp=int(aware(as_of).timestamp()))
    assert isinstance(pdf, bytes)
    return pdf


@cache
def _fonts(*, system_fonts: bool) -> typst.Fonts:
    import typst

    return typst.Fonts(include_system_fonts=system_fonts, include_embedded_fonts=True)


def _template(name: str) -> bytes:
    return package_files("cjp_fraud.compliance").joinpath(name).read_bytes()
