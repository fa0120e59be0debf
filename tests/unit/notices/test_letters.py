"""Letters: what they say, what they never say, and what is left for the dispatch."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unicodedata import east_asian_width

import pytest
from babel.dates import get_month_names
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError, meta

from cjp_fraud.errors import BadInputError
from cjp_fraud.notices.letter_catalogues import words
from cjp_fraud.notices.letter_dates import LetterDates
from cjp_fraud.notices.letter_languages import LANGUAGES, letter_language
from cjp_fraud.notices.letter_moments import zone_in_words
from cjp_fraud.notices.letter_phrases import GROUNDS, ground_in_words
from cjp_fraud.notices.letter_words import LINE_WIDTH, wrapped
from cjp_fraud.notices.letters import (
    AT_DISPATCH,
    DISPATCHED,
    TEMPLATES,
    fill_at_dispatch,
    finished_body,
    render,
    values_at_dispatch,
)
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.review.grounds import Ground
from tests.letter_texts import (
    LEFT,
    NIGHT,
    SENDER,
    ZONE,
    a_letter,
    an_addressee,
    as_it_leaves,
    filled,
    in_one_line,
    said_by,
    seen,
)
from tests.letters_as_they_were import FOUR, all_that_was_said


@pytest.mark.parametrize(
    "said",
    [
        "Example Cloud Ltd. Contact: +1 555 0100",
        "Customer: Acme & Sons Customer reference: acme Service: contact-centre service Case: 17",
        "Date: 1 April 2015 at 08:00 (12:00 UTC)",
        "Times are given in the customer’s time zone (Eastern Time, America/New_York) and in UTC.",
        "one interval of 5 minutes, which began on 30 March 2015 at 23:00 (31 March 2015, 03:00 UTC)",
        "there were 1,412 contacts, where 3 are usual. By chance, that happens about once in 40,000",
        "carried by dialler-3",
        "On 31 March 2015 at 00:00 (04:00 UTC) that person determined that this traffic is fraudulent",
        "to which this traffic does not usually go. - The traffic ran while",
        "Another person has approved this notice.",
        "not about you: in most such cases the customer is the victim",
        "Offer 10.0, clause 2.4: after notice",
        "Suspension of the voice channel (outbound only).",
        "From: the moment the restriction takes effect, not before 1 April 2015 at 08:00 (12:00 UTC).",
        "Until: 4 April 2015 at 08:00 (12:00 UTC) at the latest.",
        "only if two authorised members of our staff so decide, each with fresh reasons; you would be told in "
        "writing before",
        "Emergency calls stay possible",
        "You may dispute this notice until 1 May 2015 at 08:00 (12:00 UTC): write to disputes@provider.example "
        "or use the contact named above, and name case 17.",
        "A person at Example Cloud Ltd. who took no part in this case decides within 72 hours of receiving",
    ],
)
def test_the_notice_says_what_counsel_needs(said: str) -> None:
    assert said in said_by(a_letter())


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("de", "üblich sind dort keine"),
        ("de", "der am 31. März 2015 um 05:00 Uhr (03:00 UTC) begann. Darin gab es 1.412 Kontakte"),
        ("de", "nicht vor dem 1. April 2015 um 14:00 Uhr (12:00 UTC)"),
        ("de", "spätestens am 4. April 2015 um 14:00 Uhr (12:00 UTC)"),
        ("de", "innerhalb von 72 Stunden"),
        ("fr", "alors qu’il n’y en a habituellement aucun"),
        ("fr", "pas avant le 1er avril 2015 à 14 h 00 (12 h 00 UTC)"),
        ("fr", "jusqu’au 1er mai 2015 à 14 h 00"),
        ("es", "cuando lo habitual es que no haya ninguno"),
        ("es", "no antes del 1 de abril de 2015 a las 14:00 (12:00 UTC)"),
        ("es", "En él hubo 1.412 contactos"),
        ("it", "iniziato in data 31 marzo 2015 alle ore 05:00 (03:00 UTC)"),
        ("it", "e non prima di: 1º aprile 2015 alle ore 14:00 (12:00 UTC)"),
        ("it", "entro 72 ore dal ricevimento"),
        ("nl", "dat begon op 31 maart 2015 om 05:00 uur (03:00 UTC)"),
        ("nl", "binnen 72 uur na ontvangst"),
        ("sv", "som började den 31 mars 2015 kl. 05:00 (03:00 UTC)"),
        ("sv", "inom 72 timmar från det att"),
        (
            "ja",
            "2015年3月31日5時00分（協定世界時3時00分）に始まる5分の時間帯1個。その間のコンタクトは1,412件",
        ),
        ("ja", "遅くとも2015年4月4日14時00分（協定世界時12時00分）"),
        ("fr-CA", "pas avant le 1er avril 2015 à 14 h (12 h UTC)"),
    ],
)
def test_it_is_written_as_the_language_writes(tag: str, said: str) -> None:
    body = said_by(a_letter(NoticeKind.SUSPENSION, seen(usual=0.2)), tag, "Europe/Berlin")
    assert said.casefold() in body.casefold()


@pytest.mark.parametrize(
    ("zone", "at", "said"),
    [
        ("Europe/Berlin", "2015-10-25T00:30Z", "on 25 October 2015 at 02:30 (00:30 UTC)"),
        ("Europe/Berlin", "2015-10-25T01:30Z", "on 25 October 2015 at 02:30 (01:30 UTC)"),
        ("America/New_York", "2015-03-08T06:55Z", "on 8 March 2015 at 01:55 (06:55 UTC)"),
        ("America/New_York", "2015-03-08T07:00Z", "on 8 March 2015 at 03:00 (07:00 UTC)"),
        ("Asia/Kolkata", "2015-03-31T20:00Z", "on 1 April 2015 at 01:30 (31 March 2015, 20:00 UTC)"),
        ("Asia/Kathmandu", "2015-03-31T03:00Z", "on 31 March 2015 at 08:45 (03:00 UTC)"),
        ("Etc/UTC", "2015-03-31T03:00Z", "on 31 March 2015 at 03:00 UTC. "),
    ],
)
def test_each_moment_is_told_in_the_customers_zone_and_in_utc(zone: str, at: str, said: str) -> None:
    flag = seen(interval_start=datetime.fromisoformat(at))
    assert said in said_by(a_letter(NoticeKind.SUSPENSION, flag), "en", zone)


def test_in_spanish_one_o_clock_is_singular() -> None:
    flag = seen(interval_start=datetime(2015, 3, 31, 5, 10, tzinfo=UTC))
    assert "el 31 de marzo de 2015 a la 01:10 (05:10 UTC)" in said_by(
        a_letter(NoticeKind.SUSPENSION, flag), "es"
    )


NEVER = re.compile(
    r"\btenants?\b|fraud by|threshold|\bscores?\b|p-value|p_value|baseline|isolation|forest|residual|anomal|"
    r"\bmodel|algorithm|notice page|Mitteilungsseite|page des avis|página de avisos|schwellwert|seuil|umbral|"
    r"soglia|drempel|tröskel|閾値|しきい値|"
    r"betrüger(?!isch)|fraudeur|defraudador|fraudster|frodator|truffator|fraudeur|bedrager|bedragare|"
    r"詐欺師|犯人|不正利用者",
    re.IGNORECASE,
)
CUSTOMER = {
    "en": "customer",
    "fr": "client",
    "fr-CA": "client",
    "de": "Kunde",
    "es": "cliente",
    "it": "cliente",
    "nl": "klant",
    "sv": "kund",
    "ja": "お客様",
}
VICTIM = {
    "en": "the customer is the victim",
    "fr": "le client est la victime",
    "fr-CA": "le client est la victime",
    "de": "der Kunde der Geschädigte",
    "es": "el cliente es la víctima",
    "it": "il cliente è la vittima",
    "nl": "de klant het slachtoffer",
    "sv": "kunden den drabbade",
    "ja": "お客様は被害を受けられた側でいらっしゃいます",
}
ABOUT_A_FINDING = (
    NoticeKind.SUSPENSION,
    NoticeKind.REAFFIRMATION,
    NoticeKind.CONDITIONAL_WARNING,
    NoticeKind.BREACH,
    NoticeKind.DISPUTE_ANSWER,
    NoticeKind.STAGED_REINSTATEMENT,
)
COUNTS = (0, 1, 2, 1000)
ZONES = ("Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Etc/UTC")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", NoticeKind)
def test_every_letter_is_whole_in_every_language(language: str, kind: NoticeKind) -> None:
    """All grounds, the counts at which words change, the night on which clocks change, half-hour zones."""
    dst_night = datetime(2015, 10, 25, 0, 30, tzinfo=UTC)
    for count, zone in zip(COUNTS, ZONES, strict=True):
        flags = [
            seen(observed=count, usual=count, application_id=None, channel="email", interval_start=dst_night),
            *(seen(interval_start=dst_night + step * timedelta(minutes=30)) for step in range(count % 3 + 1)),
            *(seen(application_id=f"app-{number:02}", p_value=0.0) for number in range(count % 12)),
        ]
        letter = replace(a_letter(kind, *flags), grounds=tuple(Ground))
        for shown in (letter, replace(letter, sender=replace(SENDER, contact=None))):
            rendered = render(shown, an_addressee(language, zone))
            values = filled(language, zone)
            body = wrapped(finished_body(rendered.body, values, language, simulated_clock=True))
            subject = fill_at_dispatch(rendered.subject, values)
            for text in (subject, body):
                assert not set("${}⟦⟧") & set(text)
                assert not NEVER.search(text), NEVER.search(text)
                assert "None" not in text
                assert "duration-" not in text
                assert not re.search(r"\S[ \u00a0]{2,}|\( | \)|\.\.|[ \n],|,,", text)
            assert all(len(line) <= 78 for line in body.split("\n"))
            assert "\n\n\n" not in body
            assert (rendered.language, rendered.template) == (language, f"{kind}.{language}")
            assert "acme" in body
            assert "Acme & Sons" in body
            assert "Example Cloud Ltd." in body


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", NoticeKind)
def test_every_letter_speaks_of_the_customer_and_accuses_nobody(language: str, kind: NoticeKind) -> None:
    body = said_by(a_letter(kind), language)
    assert CUSTOMER[language] in body
    assert "2.4" in body
    assert "Example Cloud Ltd." in body
    if kind in ABOUT_A_FINDING:
        assert VICTIM[language] in body


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", NoticeKind)
def test_every_letter_says_which_service_it_is_about(language: str, kind: NoticeKind) -> None:
    to = an_addressee(language, service="CJP")
    assert words(language).gettext("Service: %(service)s", service="CJP") in render(a_letter(kind), to).body
    unnamed = render(a_letter(kind), replace(to, service=None)).body
    assert words(language).gettext("contact-centre service") in unnamed


@pytest.mark.parametrize("kind", NoticeKind)
def test_japanese_lines_are_broken_where_japanese_breaks_them(kind: NoticeKind) -> None:
    letter = replace(a_letter(kind), grounds=tuple(Ground))
    for line in as_it_leaves(letter, "ja").split("\n"):
        columns = sum(2 if east_asian_width(character) in "WF" else 1 for character in line)
        assert columns <= LINE_WIDTH, line
        assert not re.match(r" *[、。）」：っょー]", line), line
        assert not line.endswith(("（", "「")), line


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_ground_of_the_catalogue_has_its_words_and_no_other_is_there(language: str) -> None:
    assert list(GROUNDS) == [str(ground) for ground in Ground]
    body = said_by(replace(a_letter(), grounds=tuple(Ground)), language)
    for ground in Ground:
        told = ground_in_words(ground, language)
        assert told.endswith((".", "。"))
        assert in_one_line(f"- {told}") in body


def test_a_letter_without_what_its_kind_needs_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="a suspension letter needs grounds"):
        replace(a_letter(), grounds=())
    with pytest.raises(ValueError, match="until"):
        replace(a_letter(NoticeKind.REAFFIRMATION), until=None)
    with pytest.raises(ValueError, match="restored"):
        replace(a_letter(NoticeKind.REINSTATEMENT), restored=None)


@pytest.mark.parametrize(
    ("tag", "numbers", "dates"),
    [
        ("es-MX", "1,234,567 contactos", "1 de abril de 2015"),
        ("es-ES", "1.234.567 contactos", "1 de abril de 2015"),
        ("es-US", "1,234,567 contactos", "1 de abril de 2015"),
        ("en", "1,234,567 contacts", "1 April 2015 at 08:00"),
        ("en-US", "1,234,567 contacts", "April 1, 2015 at 08:00"),
        ("en-CA", "1,234,567 contacts", "April 1, 2015 at 08:00"),
        ("en-GB", "1,234,567 contacts", "1 April 2015 at 08:00"),
        ("fr-CA", "1\u00a0234\u00a0567 contacts", "1er avril 2015 à 8 h (12 h UTC)"),
        ("fr-CH", "1\u202f234\u202f567 contacts", "1er avril 2015 à 8 h 00"),
        ("de-DE", "1.234.567 Kontakte", "1. April 2015 um 08:00 Uhr"),
        ("de-AT", "1.234.567 Kontakte", "1. April 2015 um 08:00 Uhr"),
        ("de-CH", "1’234’567 Kontakte", "1. April 2015 um 08:00 Uhr"),
    ],
)
def test_numbers_and_dates_are_written_as_the_region_writes_them(tag: str, numbers: str, dates: str) -> None:
    letter = a_letter(NoticeKind.SUSPENSION, seen(observed=1_234_567))
    rendered = render(letter, an_addressee(tag))
    values = values_at_dispatch(
        LetterDates(LEFT, LEFT, LEFT + timedelta(hours=72), LEFT + timedelta(days=30)),
        customer_name="Acme & Sons",
        notice_number="7-1",
        time_zone=ZONE,
        language=rendered.locale,
    )
    body = in_one_line(finished_body(rendered.body, values, rendered.language, simulated_clock=False))
    assert in_one_line(numbers) in body
    assert dates in body
    assert rendered.language == letter_language(tag)


def test_an_austrian_january_is_a_jaenner_and_only_there() -> None:
    january = replace(a_letter(), determined_at=datetime(2015, 1, 9, 12, tzinfo=UTC))
    assert "9. Jänner 2015" in said_by(january, "de-AT")
    assert "9. Januar 2015" in said_by(january, "de-DE")


def test_in_french_the_tenant_is_le_client() -> None:
    body = said_by(a_letter(), "fr-CA")
    assert "Au client" in body
    assert "le client est la victime" in body


def test_a_language_without_templates_is_refused_not_replaced() -> None:
    with pytest.raises(BadInputError, match="contract's language"):
        render(a_letter(), an_addressee("pt"))


@pytest.mark.parametrize(
    "words",
    [
        "$notice_number ${x} $$",
        "{{ case }} {% raw %} {# note #}",
        "⟦notice_number⟧ ⟦% if x %⟧ ⟦# note #⟧",
        "⟦⟦notice_number⟧⟧ ⟦",
        "<b>&amp;</b>",
    ],
)
def test_words_that_look_like_markup_stay_what_they_are(words: str) -> None:
    letter = replace(
        a_letter(NoticeKind.SUSPENSION, seen(application_id=words)), sender=replace(SENDER, contact=words)
    )
    rendered = render(letter, an_addressee())
    body = fill_at_dispatch(rendered.body, filled() | {"customer_name": words})
    assert f"carried by {words}: one interval" in body
    assert f"Contact: {words}\n" in body
    assert f"Customer: {words}\n" in body


@given(st.text(min_size=1, max_size=40).filter(lambda words: "\r" not in words))
def test_no_words_of_people_are_read_as_a_template(words: str) -> None:
    rendered = render(a_letter(), an_addressee(reference=words, document=words))
    body = fill_at_dispatch(rendered.body, filled())
    assert f"Customer reference: {words}\n" in body
    assert f"\n{words}, clause 2.4: after notice" in body


def test_lines_are_wrapped_between_words_and_an_address_stays_whole() -> None:
    address = "disputes-and-all-other-correspondence@a-rather-long-name-of-a-department.provider.example"
    letter = replace(a_letter(), sender=replace(SENDER, reply_to=address))
    lines = as_it_leaves(letter).split("\n")
    assert any(line == address for line in lines)
    assert all(len(line) <= LINE_WIDTH for line in lines if address not in line)
    item = lines.index("- The traffic ran while, as far as could be seen, none of the customer’s")
    assert lines[item + 1] == "  staff was at work on it."


def test_the_dispatch_must_fill_every_placeholder() -> None:
    rendered = render(replace(a_letter(), in_sequence=True), an_addressee())
    assert set(AT_DISPATCH) == meta.find_undeclared_variables(DISPATCHED.parse(rendered.body))
    with pytest.raises(UndefinedError):
        fill_at_dispatch(rendered.body, {"dispatched_on": "now"})


def test_there_is_one_template_for_each_kind_and_every_part_is_used() -> None:
    names = {entry.name for entry in TEMPLATES.iterdir()}
    texts = [(TEMPLATES / name).read_text(encoding="utf-8") for name in names]
    included = {name for text in texts for name in re.findall(r'include "([^"]+)"', text)}
    assert names == included | {f"{kind}.txt" for kind in NoticeKind}


@pytest.mark.parametrize("language", FOUR)
def test_what_counsel_had_read_in_four_languages_is_said_as_before(language: str) -> None:
    """All but the zone's name and the lines that name service and contract, which are new."""
    before = (Path(__file__).parent / "letters_as_they_were" / f"{language}.txt").read_text(encoding="utf-8")
    now = in_one_line(all_that_was_said(language)).replace(zone_in_words(ZONE, language), ZONE)
    contract = in_one_line(re.escape(words(language).gettext("Contract: %(clause)s", clause="Offer")))
    said = words(language)
    service = said.gettext("Service: %(service)s", service=said.gettext("contact-centre service"))
    now = now.replace(f"{in_one_line(service)} ", "")
    assert re.sub(rf"{contract} 10\.0, \S+ 2\.4 \([^)]+\) ", "", now) == in_one_line(before)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_line_is_broken_inside_a_date_or_between_a_number_and_its_unit(language: str) -> None:
    months = "|".join(get_month_names(locale=language.replace("-", "_")).values())
    broken = re.compile(rf"\d(\.|er| de)?\n *({months}|de\b|Uhr|UTC|min|Min|h\b)")
    for days in range(31):
        flag = seen(interval_start=NIGHT + timedelta(days=days), application_id="a" * (days + 1))
        body = as_it_leaves(a_letter(NoticeKind.SUSPENSION, flag), language)
        assert not broken.search(body), body
