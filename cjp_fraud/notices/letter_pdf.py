"""A letter as PDF/A for an envelope with a window: the same letter gives the same bytes, and no sign is missing.

Typst sets it (``layouts/letter.typ``). The level is PDF/A-2a: archival, with the text's structure and its characters
(ISO 19005-2). Fonts come with the ``typst`` package (Libertinus: Latin, Greek, Cyrillic, Hebrew); Japanese takes Noto
from the system, and only from the folders named here, so that one machine sets a letter as another does.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cjp_fraud.digests import canonical_json
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.notices.letter_layout import blocks

if TYPE_CHECKING:
    import typst

    from cjp_fraud.notices.letter_chart import LetterChart

STANDARD: Final = "a-2a"

LETTER_COUNTRIES: Final = frozenset({"US", "CA", "MX", "CL", "CO", "VE", "PH", "PR", "CR", "GT", "PA", "DO"})
"""Countries in which letters are printed on US letter paper; everywhere else it is A4 (CLDR, ``paperSize``)."""

MOST_ADDRESS_LINES: Final = {"a4": 6, "us-letter": 5}
"""Lines that the window shows."""

FONT_FOLDERS: Final = ("/usr/share/fonts/opentype/noto", "/usr/share/fonts/truetype/noto")
"""Where Debian's font packages put their files; ``CJP_FRAUD_FONTS`` names another folder."""

_LATIN: Final = "Libertinus Serif"
_JAPANESE: Final = ("Noto Serif CJK JP", "Noto Sans CJK JP")
_OTHERS: Final = ("Noto Serif", "Noto Sans")
_PACKAGES: Final = "fonts-noto-cjk (Chinese, Japanese, Korean) or fonts-noto-core (others)"


class LetterFontError(CjpFraudError):
    """A letter has a sign that no font at hand can show."""


@dataclass(frozen=True, slots=True)
class PaperLetter:
    """A letter as it is printed.

    Parameters
    ----------
    language : of its words (BCP 47).
    body : a line a paragraph.
    sender : legal name of who writes; ``return_address``: its postal address, a line; None: not known.
    recipient : lines of the address in the window.
    country : of the recipient, ISO 3166-1; it decides paper and envelope.
    chart : stands below its first list, which is what was seen; None: there is none.
    """

    language: str
    subject: str
    body: str
    sender: str
    return_address: str | None
    recipient: tuple[str, ...]
    country: str | None
    dated: date
    chart: LetterChart | None = None

    @property
    def paper(self) -> str:
        """Its paper, as Typst names it."""
        return "us-letter" if self.country in LETTER_COUNTRIES else "a4"


def pdf(letter: PaperLetter, fonts: Path | None = None) -> bytes:
    """Return a letter as PDF/A-2a; the same letter and the same fonts give the same bytes.

    Parameters
    ----------
    fonts : a folder of fonts beside those of :data:`FONT_FOLDERS`; None: none.

    Raises
    ------
    LetterFontError
        If a sign of it is in none of the fonts; names the package that has it.
    CjpFraudError
        If its address has more lines than the window shows, or it cannot be set.
    """
    return _compiled(letter, fonts, "pdf")[0]


def pictures(letter: PaperLetter, fonts: Path | None = None) -> tuple[bytes, ...]:
    """Return the pages of a letter as PNG pictures."""
    return _compiled(letter, fonts, "png")


def _compiled(letter: PaperLetter, fonts: Path | None, form: str) -> tuple[bytes, ...]:
    import typst

    most = MOST_ADDRESS_LINES[letter.paper]
    if len(letter.recipient) > most:
        raise CjpFraudError(
            f"the address has {len(letter.recipient)} lines, and the window of the envelope shows {most} "
            f"({letter.paper}): shorten it (cjp-fraud tenants load)"
        )
    book = _book(fonts)
    compiler = typst.Compiler(_layout(), font_paths=book, sys_inputs={"letter": _data(letter, book)})
    moment = datetime.combine(letter.dated, time(), tzinfo=UTC)
    try:
        if form == "pdf":
            made = compiler.compile(format="pdf", pdf_standards=[STANDARD], timestamp=moment)
        else:
            made = compiler.compile(format="png", ppi=110.0)
    except typst.TypstError as error:
        raise _why(error, letter) from error
    assert made is not None, "bytes are asked for, not a file"
    return tuple(made) if isinstance(made, list) else (made,)


def _why(error: typst.TypstError, letter: PaperLetter) -> CjpFraudError:
    said = str(error.message).partition("\n")[0]
    if "could not be displayed" in said:
        return LetterFontError(
            f"the letter in {letter.language} has a sign that no font at hand shows ({said}): install {_PACKAGES}, or "
            "name a folder of fonts in CJP_FRAUD_FONTS"
        )
    return CjpFraudError(f"the letter cannot be set: {said}")


def _data(letter: PaperLetter, book: typst.Fonts) -> str:
    language, _, region = letter.language.partition("-")
    return canonical_json(
        {
            "title": letter.subject,
            "sender": letter.sender,
            "return_line": " · ".join(filter(None, (letter.sender, letter.return_address))),
            "recipient": list(letter.recipient),
            "chart": (
                {"svg": letter.chart.svg.decode(), "said": letter.chart.said}
                if letter.chart is not None
                else None
            ),
            "blocks": [asdict(block) for block in blocks(letter.body)],
            "language": language,
            "region": region or None,
            "dated": letter.dated.isoformat(),
            "paper": letter.paper,
            "fonts": _families(language, book),
        }
    ).decode()


def _families(language: str, book: typst.Fonts) -> list[str]:
    """Return the fonts of a language in the order in which they are asked for a sign; only those that are there."""
    there = set(book.families())
    order = (*_JAPANESE, _LATIN, *_OTHERS) if language == "ja" else (_LATIN, *_OTHERS, *_JAPANESE)
    return [family for family in order if family in there]


@cache
def _book(fonts: Path | None) -> typst.Fonts:
    import typst

    folders = [
        folder for folder in (*FONT_FOLDERS, *([str(fonts)] if fonts else [])) if Path(folder).is_dir()
    ]
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=list(folders))


def _layout() -> bytes:
    return (files("cjp_fraud.notices") / "layouts" / "letter.typ").read_bytes()
