"""Letters as PDF: archival, whole, the same bytes again, in a window's place, with no sign missing."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date

import pytest
from pypdf import PdfReader

from cjp_fraud.errors import CjpFraudError
from cjp_fraud.notices import letter_pdf
from cjp_fraud.notices.letter_layout import BlockKind, blocks
from cjp_fraud.notices.letter_pdf import LetterFontError, PaperLetter, pdf, pictures
from cjp_fraud.notices.postal_address import PostalAddress, country_named, postal_address, window_lines
from tests.fonts import with_japanese_fonts

POINTS_A_MM = 72 / 25.4
BODY = (
    "Example Cloud Ltd.\n\nMitteilung 7-1\nKunde: Acme & Söhne\n\n1. Was beobachtet wurde\n\n"
    "In Ihrem Verkehr gab es einen Anstieg:\n\n- Sprache, ausgehend\n- Chat #let x = 1 \\ *fett*\n\nEnde."
)
DE = ("Acme & Söhne", "Hauptstraße 1", "10115 Berlin")


def a_letter(**changes: object) -> PaperLetter:
    letter = PaperLetter(
        language="de",
        subject="Mitteilung über eine Einschränkung, Fall 17",
        body=BODY,
        sender="Example Cloud Ltd.",
        return_address="1 Cloud Road, Dublin 2, Ireland",
        recipient=DE,
        country="DE",
        dated=date(2015, 4, 1),
    )
    return replace(letter, **changes)  # type: ignore[arg-type]


def read(content: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(content), strict=True)


def text_of(content: bytes) -> str:
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in read(content).pages))


def places(content: bytes) -> dict[str, tuple[float, float]]:
    """Return where pieces of text of the first page begin: mm from the left and from the top."""
    page, found = read(content).pages[0], {}
    height = float(page.mediabox.height)

    def visit(text: str, cm: list[float], tm: list[float], _font: object, _size: object) -> None:
        if text.strip():
            left = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
            above = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
            found[text.strip()] = (left / POINTS_A_MM, (height - above) / POINTS_A_MM)

    page.extract_text(visitor_text=visit)
    return found


def test_the_same_letter_gives_the_same_bytes_and_another_date_others() -> None:
    assert pdf(a_letter()) == pdf(a_letter())
    assert pdf(a_letter()) != pdf(a_letter(dated=date(2015, 4, 2)))


def test_it_is_archival_and_carries_its_fonts() -> None:
    reader = read(pdf(a_letter()))
    marks = reader.xmp_metadata
    assert marks is not None
    about = marks.stream.get_data().decode()
    assert re.search(r"pdfaid:part[>=\"]+2", about)
    assert re.search(r"pdfaid:conformance[>=\"]+A", about)
    assert reader.metadata is not None
    assert reader.metadata.title == "Mitteilung über eine Einschränkung, Fall 17"
    assert reader.metadata.creation_date is not None
    assert reader.metadata.creation_date.date() == date(2015, 4, 1)
    assert reader.trailer["/Root"]["/Lang"] == "de"
    fonts = [
        font.get_object()
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()  # type: ignore[index]
    ]
    assert fonts
    for font in fonts:
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        assert {"/FontFile2", "/FontFile3"} & set(descriptor), "embedded"
        assert "/ToUnicode" in font, "what is shown can be read out"


def test_every_word_of_the_letter_is_in_it_and_none_is_read_as_markup() -> None:
    text = text_of(pdf(a_letter()))
    for word in BODY.replace("- ", "").split():
        assert word in text
    assert "Chat #let x = 1 \\ *fett*" in text


def test_the_address_stands_in_the_window_of_din_5008() -> None:
    found = places(pdf(a_letter()))
    for line in DE:
        left, top = found[line]
        assert 20 <= left <= 105, line
        assert 62.7 <= top <= 90, line
    return_line = next(place for text, place in found.items() if text.startswith("Example Cloud Ltd. ·"))
    assert 45 <= return_line[1] <= 62.8
    assert found["Kunde: Acme & Söhne"][1] > 98
    width, height = (float(side) / POINTS_A_MM for side in read(pdf(a_letter())).pages[0].mediabox[2:])
    assert (round(width), round(height)) == (210, 297)


def test_the_address_stands_in_the_window_of_a_number_ten_envelope() -> None:
    """Window 7/8 in from the left, 1/2 in from below, 4 1/2 x 1 1/8 in; the sheet may slide by 0.46 in."""
    address = ("Acme Inc.", "Legal Department", "1 Main Street", "Suite 5", "New York NY 10001")
    content = pdf(a_letter(recipient=address, country="US"))
    found = places(content)
    for line in address:
        left, top = (side / 25.4 for side in found[line])
        assert 0.875 <= left <= 5.3, line
        assert 2.5 <= top <= 3.17, (line, top)
    seen = {text for text, (_left, top) in found.items() if 2.042 <= top / 25.4 <= 3.625}
    assert seen == set(address), "nothing else is seen in the window"
    assert [float(side) for side in read(content).pages[0].mediabox[2:]] == [612, 792]


def test_an_address_that_the_window_does_not_show_whole_is_refused() -> None:
    with pytest.raises(CjpFraudError, match="has 7 lines, and the window of the envelope shows 6"):
        pdf(a_letter(recipient=tuple("1234567")))


def test_a_sign_without_a_font_is_an_error_that_names_the_package() -> None:
    with pytest.raises(LetterFontError, match=r"fonts-noto-cjk.*CJP_FRAUD_FONTS"):
        pdf(a_letter(body="cuneiform: \U00012000"))


def test_a_letter_of_several_pages_is_numbered() -> None:
    long = pdf(a_letter(body="\n\n".join(f"Absatz {number}: " + "wort " * 80 for number in range(20))))
    pages = read(long).pages
    assert len(pages) > 2
    for number, page in enumerate(pages, 1):
        assert f"{number} / {len(pages)}" in re.sub(r"\s+", " ", page.extract_text())


def test_a_page_can_be_looked_at_as_a_picture() -> None:
    (page,) = pictures(a_letter())
    assert page.startswith(b"\x89PNG")


@with_japanese_fonts
def test_japanese_is_set_in_a_japanese_font() -> None:
    body = "アクメ株式会社 御中\n\n1. 確認された事実\n\n音声、アウトバウンド：2015年3月31日"
    content = pdf(a_letter(language="ja", subject="制限に関する通知", body=body, country="JP"))
    assert "音声、アウトバウンド" in text_of(content).replace(" ", "")
    assert b"NotoSerifCJK" in content


def test_without_a_japanese_font_a_japanese_letter_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letter_pdf, "FONT_FOLDERS", ())
    letter_pdf._book.cache_clear()
    try:
        with pytest.raises(LetterFontError, match="the letter in ja has a sign that no font at hand shows"):
            pdf(a_letter(language="ja", body="お客様へ"))
    finally:
        letter_pdf._book.cache_clear()


def test_a_letters_text_is_cut_into_headings_paragraphs_and_lists() -> None:
    parts = blocks(BODY)
    assert [part.kind for part in parts] == [
        BlockKind.PARAGRAPH,
        BlockKind.PARAGRAPH,
        BlockKind.HEADING,
        BlockKind.PARAGRAPH,
        BlockKind.ITEMS,
        BlockKind.PARAGRAPH,
    ]
    assert parts[4].lines == ("Sprache, ausgehend", "Chat #let x = 1 \\ *fett*")


@pytest.mark.parametrize(
    ("text", "lines", "country"),
    [
        ("Acme; 1 Main Street; New York NY 10001; US", ("Acme", "1 Main Street", "New York NY 10001"), "US"),
        ("Acme\nHauptstr. 1\n10115 Berlin\nDeutschland", ("Acme", "Hauptstr. 1", "10115 Berlin"), "DE"),
        ("アクメ\n丸の内1-1-1\n日本", ("アクメ", "丸の内1-1-1"), "JP"),
        ("Acme\n1 High Street\nLondon", ("Acme", "1 High Street", "London"), None),
    ],
)
def test_the_last_line_of_an_address_is_its_country(
    text: str, lines: tuple[str, ...], country: str | None
) -> None:
    assert postal_address(text) == PostalAddress(lines, country)


def test_the_country_is_written_on_letters_abroad_alone() -> None:
    address = PostalAddress(("Acme", "Berlin"), "DE")
    assert window_lines(address, "DE") == ("Acme", "Berlin")
    assert window_lines(address, "IE") == window_lines(address, None) == ("Acme", "Berlin", "GERMANY")
    assert country_named("Royaume-Uni") == country_named("uk") == "GB"
    assert country_named("Atlantis") is None
