"""The summary of a bundle as a PDF/A: the same facts give the same bytes, and no character is left out in silence."""

from __future__ import annotations

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
_TEMPLATE: Final = "summary.typ"
_NO_GLYPH: Final = re.compile(r"the text `\"(.+?)\"` could not be displayed")


def summary_pdf(document: Mapping[str, Any], charts: Mapping[str, bytes], as_of: datetime) -> bytes:
    """Return the summary.

    The fonts that typst brings are used. Only where a character is in none of them, those of the system are asked too,
    so that the bytes depend on the machine in this case alone.

    Parameters
    ----------
    document : what :meth:`~cjp_fraud.compliance.summary_facts.SummaryFacts.document` returns.
    charts : name → SVG.
    as_of : aware; the date that the file says of itself.

    Raises
    ------
    CjpFraudError
        If a character is in no font at hand; it names the character and how to get a font.
    """
    import typst  # inside: only an export needs it

    with tempfile.TemporaryDirectory() as folder:
        files = {**charts, "summary.json": readable_json(document), _TEMPLATE: _template()}
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        try:
            return _compiled(folder, as_of, system_fonts=False)
        except typst.TypstError as error:
            if _NO_GLYPH.search(error.message) is None:
                raise
        try:
            return _compiled(folder, as_of, system_fonts=True)
        except typst.TypstError as error:
            missing = _NO_GLYPH.search(error.message)
            if missing is None:
                raise
            raise CjpFraudError(
                f"the summary cannot be written: no font of this machine has {missing.group(1)!r}. Install one that "
                "has it (Debian: apt-get install fonts-noto-core fonts-noto-cjk), and export again"
            ) from error


def _compiled(folder: str, as_of: datetime, *, system_fonts: bool) -> bytes:
    import typst

    compiler = typst.Compiler(
        input=Path(folder, _TEMPLATE), root=folder, font_paths=_fonts(system_fonts=system_fonts)
    )
    pdf = compiler.compile(format="pdf", pdf_standards=_STANDARD, timestamp=int(aware(as_of).timestamp()))
    assert isinstance(pdf, bytes)
    return pdf


@cache
def _fonts(*, system_fonts: bool) -> typst.Fonts:
    import typst

    return typst.Fonts(include_system_fonts=system_fonts, include_embedded_fonts=True)


def _template() -> bytes:
    return package_files("cjp_fraud.compliance").joinpath(_TEMPLATE).read_bytes()
