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

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.errors import BadInputError
from cjp_fraud.notices.letter_catalogues import words
from cjp_fraud.notices.letter_dates import LetterDates
from cjp_fraud.notices.letter_facts import (
    Announced,
    Answered,
    LaterStage,
    Letter,
    Restored,
    Seen,
    Sender,
    Staged,
    WhyRestored,
    WhyWithdrawn,
    Withdrawn,
)
from cjp_fraud.notices.letter_languages import LANGUAGES, letter_language
from cjp_fraud.notices.letter_measures import measure_in_words
from cjp_fraud.notices.letter_moments import zone_in_words
from cjp_fraud.notices.letter_phrases import GROUNDS, ground_in_words, place_in_sequence
from cjp_fraud.notices.letter_traffic import MOST_SERIES
from cjp_fraud.notices.letter_words import LINE_WIDTH, wrapped
from cjp_fraud.notices.letters import (
    AT_DISPATCH,
    DISPATCHED,
    TEMPLATES,
    Addressee,
    fill_at_dispatch,
    finished_body,
    render,
    values_at_dispatch,
)
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.review.grounds import Ground
from tests.letters_as_they_were import FOUR, all_that_was_said

NIGHT = datetime(2015, 3, 31, 3, tzinfo=UTC)
LEFT = datetime(2015, 4, 1, 12, tzinfo=UTC)
SENDER = Sender("Example Cloud Ltd.", "disputes@provider.example", "+1 555 0100")
ZONE = "America/New_York"


def seen(**changes: object) -> Seen:
    fields: dict[str, object] = {
        "channel": "voice",
        "direction": "outbound",
        "application_id": "dialler-3",
        "interval_start": NIGHT,
        "interval_seconds": 300,
        "observed": 1412.0,
        "usual": 3.4,
        "p_value": 2.5e-5,
    }
    return Seen(**(fields | changes))  # type: ignore[arg-type]


def a_letter(kind: NoticeKind = NoticeKind.SUSPENSION, *flags: Seen) -> Letter:
    return Letter(
        kind=kind,
        case_reference="17",
        sender=SENDER,
        measure=MeasureKind.SUSPEND_CHANNEL,
        scope=Scope(channels=("voice",), directions=("outbound",)),
        seen=flags or (seen(),),
        grounds=("unusual_destinations", "unattended"),
        determined_at=NIGHT + timedelta(hours=1),
        lasts=timedelta(hours=72),
        until=LEFT + timedelta(days=6),
        began=LEFT - timedelta(days=1),
        restored=Restored(LEFT - timedelta(minutes=5), WhyRestored.LAPSED),
        term_concerned="Offer 10.0, 3.2",
        cure_until=LEFT + timedelta(days=10),
        consent="Order form 7, section 4.2",
        answered=Answered(LEFT - timedelta(days=2), LEFT - timedelta(days=1), upheld=False, in_force=True),
        staged=Staged(
            LEFT - timedelta(hours=1),
            (MeasureKind.BLOCK_DESTINATIONS, Scope(destination_prefixes=("+371",))),
            (LaterStage(MeasureKind.LIMIT_RATE, Scope(contacts_per_hour=300), LEFT + timedelta(hours=3)),),
            LEFT + timedelta(hours=9),
        ),
    )


def an_addressee(tag: str = "en", time_zone: str = ZONE, **changes: str | None) -> Addressee:
    to = Addressee(tag, "acme", time_zone, document="Offer 10.0", notice_clause=None)
    return replace(to, **changes)  # type: ignore[arg-type]


def filled(language: str = "en", time_zone: str = ZONE) -> dict[str, str]:
    dates = LetterDates(LEFT, LEFT, LEFT + timedelta(hours=72), LEFT + timedelta(days=30))
    return values_at_dispatch(
        dates, customer_name="Acme & Sons", notice_number="7-1", time_zone=time_zone, language=language
    )


def as_it_leaves(letter: Letter, tag: str = "en", time_zone: str = ZONE) -> str:
    rendered = render(letter, an_addressee(tag, time_zone))
    values = filled(rendered.language, time_zone)
    return wrapped(finished_body(rendered.body, values, rendered.language, simulated_clock=False))


def in_one_line(text: str) -> str:
    """Return a text as it was before its lines were broken; Japanese has no blanks between characters."""
    text = re.sub(r"(?<=[\u3000-\uffef])\n *(?=\S)|(?<=\S)\n *(?=[\u3000-\uffef])", "", text)
    return re.sub(r"[ \n\u00a0]+", " ", text)


def said_by(letter: Letter, tag: str = "en", time_zone: str = ZONE) -> str:
    return in_one_line(as_it_leaves(letter, tag, time_zone))


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
    ("language", "contacts"),
    [
        ("en", ("were no contacts", "was one contact", "were 2 contacts", "were 1,000 contacts")),
        ("fr", ("aucun contact", "un contact", "2 contacts", "1\u202f000 contacts")),
        ("de", ("keine Kontakte", "einen Kontakt", "2 Kontakte", "1.000 Kontakte")),
        ("es", ("no hubo ningún contacto", "hubo un contacto", "hubo 2 contactos", "hubo 1.000 contactos")),
        ("it", ("alcun contatto", "registrato un contatto", "registrati 2 contatti", "1.000 contatti")),
        ("nl", ("geen contacten", "was er één contact", "waren er 2 contacten", "1.000 contacten")),
        ("sv", ("inga kontakter", "en kontakt", "förekom 2 kontakter", "1 000 kontakter")),
        ("ja", ("コンタクトは0件", "コンタクトは1件", "コンタクトは2件", "コンタクトは1,000件")),
    ],
)
def test_plurals_are_right_and_none_is_a_word(language: str, contacts: tuple[str, ...]) -> None:
    for count, said in zip((0, 1, 2, 1000), contacts, strict=True):
        assert said in said_by(a_letter(NoticeKind.SUSPENSION, seen(observed=count)), language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_usual_number_agrees_with_its_verb(language: str) -> None:
    bodies = {
        count: said_by(a_letter(NoticeKind.SUSPENSION, seen(usual=count)), language) for count in (0, 1, 2)
    }
    said = words(language)
    assert said.gettext("none are usual") in bodies[0]
    for count in (1, 2):
        assert said.ngettext("one is usual", "%(n)s are usual", count) in bodies[count]


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


@pytest.mark.parametrize(
    ("language", "direction", "said"),
    [
        ("en", "outbound", "Voice, outbound, country of destination: Latvia, carried by dialler-3:"),
        ("en", "inbound", "Voice, inbound, country of origin: Latvia,"),
        ("de", "outbound", "Sprache, ausgehend, Zielland: Lettland, befördert durch dialler-3:"),
        ("fr", "outbound", "pays de destination : Lettonie,"),
        ("ja", "outbound", "宛先の国：ラトビア、dialler-3経由"),
    ],
)
def test_where_one_country_rose_it_is_named(language: str, direction: str, said: str) -> None:
    flag = seen(country="LV", direction=direction, interval_seconds=7 * 24 * 3600)
    assert said in said_by(a_letter(NoticeKind.SUSPENSION, flag), language)


def test_the_same_traffic_to_two_countries_is_told_apart() -> None:
    body = said_by(a_letter(NoticeKind.SUSPENSION, seen(country="LV"), seen(country="LT"), seen()))
    assert body.count("one interval of 5 minutes") == 3


def test_a_warning_says_that_nothing_is_found_yet_and_what_the_customer_can_do() -> None:
    body = said_by(replace(a_letter(NoticeKind.CONDITIONAL_WARNING), grounds=(), determined_at=None))
    for told in (
        "It has not been determined whether it is fraudulent, and nothing is restricted because of this letter alone.",
        "From: not before 1 April 2015 at 08:00 (12:00 UTC). For how long: at most 72 hours.",
        "tell us before 1 April 2015 at 08:00",
        "You may dispute this notice until 1 May 2015",
    ):
        assert told in body
    assert "was determined" not in body


def test_a_notice_of_breach_names_the_term_and_the_time_to_put_it_right() -> None:
    body = said_by(a_letter(NoticeKind.BREACH))
    assert "this term of the contract is not met: Offer 10.0, 3.2. This says nothing about who caused" in body
    assert "Please see to it until 11 April 2015 at 08:00 (12:00 UTC) that this traffic ends" in body


@pytest.mark.parametrize(
    ("upheld", "in_force", "said"),
    [
        (True, True, "The restriction is being lifted."),
        (True, False, "The restriction is not in force"),
        (False, True, "The restriction stays as announced, until 7 April 2015"),
    ],
)
def test_the_answer_to_a_dispute_says_what_was_decided_and_what_follows(
    upheld: bool, in_force: bool, said: str
) -> None:
    answered = Answered(LEFT - timedelta(days=2), LEFT, upheld, in_force)
    body = said_by(replace(a_letter(NoticeKind.DISPUTE_ANSWER), answered=answered))
    assert said in body
    assert ("decided your dispute in your favour" in body) is upheld
    assert ("came to the same finding" in body) is not upheld
    assert "We received your dispute on 30 March 2015" in body


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
    ("why", "said"),
    [
        (WhyRestored.LAPSED, "its time had run out and nobody had decided to keep it longer"),
        (WhyRestored.DECIDED, "authorised staff of ours decided to lift it"),
        (WhyRestored.DISPUTE_UPHELD, "your dispute was decided in your favour"),
    ],
)
def test_the_reinstatement_says_that_service_was_restored_when_and_why(why: WhyRestored, said: str) -> None:
    letter = replace(a_letter(NoticeKind.REINSTATEMENT), restored=Restored(LEFT, why))
    rendered = render(letter, an_addressee())
    assert rendered.subject == "Your service was restored, case 17"
    body = said_by(letter)
    assert "The temporary restriction in case 17 ended on 1 April 2015 at 08:00 (12:00 UTC):" in body
    assert "Service was restored then: what had been restricted is available again." in body
    assert said in body
    assert "is suspended" not in body


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_reason_of_an_end_has_its_own_words(language: str) -> None:
    bodies = {
        said_by(replace(a_letter(NoticeKind.REINSTATEMENT), restored=Restored(LEFT, why)), language)
        for why in WhyRestored
    }
    assert len(bodies) == len(WhyRestored)


def test_the_continuation_says_until_when_why_and_how_to_dispute() -> None:
    body = said_by(a_letter(NoticeKind.REAFFIRMATION))
    for said in (
        "The temporary restriction in case 17 is kept: Suspension of the voice channel (outbound only).",
        "Until: 7 April 2015 at 08:00 (12:00 UTC) at the latest.",
        "Two authorised members of our staff looked at your traffic since the restriction began",
        "They found that usage had risen unusually again: - Voice, outbound",
        "On 31 March 2015 at 00:00 (04:00 UTC) the traffic",
        "The traffic ran while",
        "You may dispute this notice until 1 May 2015",
    ):
        assert said in body
    quiet = said_by(replace(a_letter(NoticeKind.REAFFIRMATION), seen=()))
    assert "They found no further unusual increase in usage" in quiet
    assert "Voice, outbound" not in quiet


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", MeasureKind)
@pytest.mark.parametrize("several", [False, True])
def test_every_measure_can_be_told_in_every_language(language: str, kind: MeasureKind, several: bool) -> None:
    def some(*names: str) -> tuple[str, ...]:
        return names if several else names[:1]

    scope = Scope(
        channels=some("voice", "sms"),
        directions=some("outbound", "inbound"),
        principal_ids=some("secret-hash", "other-hash"),
        application_ids=some("bot", "dialler"),
        destination_prefixes=some("+37060", "+882"),
        origins=some("+1900", "+1976"),
        contacts_per_hour=60 if several else 1,
    )
    said = measure_in_words(kind, scope, language)
    assert said.endswith((".", "。"))
    assert not set("${}⟦⟧") & set(said)
    assert "secret-hash" not in said
    assert "(s)" not in said
    assert "  " not in said


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


@pytest.mark.parametrize(
    ("language", "first", "second", "dates"),
    [
        (
            "en",
            "This is notice 1 of 2. The next one follows before a restriction begins.",
            "This is notice 2 of 2, the last one before the restriction begins.",
            "the latest beginning and the earliest end hold.",
        ),
        (
            "de",
            "Dies ist Mitteilung 1 von 2. Die nächste folgt, bevor eine Einschränkung beginnt.",
            "Dies ist Mitteilung 2 von 2, die letzte vor dem Beginn der Einschränkung.",
            "so gelten der späteste Beginn und das früheste Ende.",
        ),
        ("ja", "全2通のうち1通目です。", "全2通のうち2通目で、", "最も遅い開始日時と最も早い終了日時"),
    ],
)
def test_a_notice_of_several_says_which_it_is_and_which_dates_hold(
    language: str, first: str, second: str, dates: str
) -> None:
    rendered = render(replace(a_letter(), in_sequence=True), an_addressee(language))
    for step, place, other in ((1, first, second), (2, second, first)):
        values = filled(language) | {"sequence": place_in_sequence(step, 2, language)}
        body = in_one_line(finished_body(rendered.body, values, language, simulated_clock=False))
        assert place in body
        assert other not in body
        assert dates in body
    alone = finished_body(
        render(a_letter(), an_addressee(language)).body, filled(language), language, simulated_clock=False
    )
    assert dates not in in_one_line(alone)


ANNOUNCED = (Announced("0a1b2c-1", LEFT), Announced("3d4e5f-2.2", LEFT + timedelta(minutes=30)))


@pytest.mark.parametrize(
    ("language", "one", "two", "since"),
    [
        (
            "en",
            "our notice 0a1b2c-1 of 1 April 2015 at 08:00 (12:00 UTC)",
            "our notices 0a1b2c-1 of",
            "In force since: ",
        ),
        (
            "de",
            "unsere Mitteilung 0a1b2c-1 vom 1. April 2015 um 08:00 Uhr",
            "unsere Mitteilungen 0a1b2c-1 vom",
            "In Kraft seit: ",
        ),
        (
            "fr",
            "notre avis 0a1b2c-1 du 1er avril 2015 à 8 h 00",
            "nos avis 0a1b2c-1 du",
            "En vigueur depuis le ",
        ),
        (
            "es",
            "nuestro aviso 0a1b2c-1 del 1 de abril de 2015 a las 08:00",
            "nuestros avisos 0a1b2c-1 del",
            "En vigor desde el ",
        ),
    ],
)
def test_letters_that_follow_name_the_notice_before_them(
    language: str, one: str, two: str, since: str
) -> None:
    for kind in (NoticeKind.REAFFIRMATION, NoticeKind.WITHDRAWAL):
        letter = replace(a_letter(kind), announced=ANNOUNCED[:1], began=LEFT)
        assert one in said_by(letter, language)
        assert two in said_by(replace(letter, announced=ANNOUNCED), language)
        assert (since in said_by(letter, language)) is (kind is NoticeKind.REAFFIRMATION)
        text = as_it_leaves(letter, language)
        assert "\n\n\n" not in text
        assert not re.search(r"\S[ \u00a0]{2,}|\( | \)|\.\.|[ \n],|,,", text)


@pytest.mark.parametrize(
    ("language", "upheld", "begun"),
    [
        ("en", "because your dispute was decided in your favour", "may have been in force for a time"),
        ("de", "dass Ihrem Einspruch stattgegeben wurde", "zeitweise wirksam gewesen"),
        ("fr", "parce que votre contestation a été accueillie", "a pu être en vigueur"),
        ("es", "porque su impugnación fue estimada", "la restricción estuviera en vigor"),
    ],
)
def test_a_withdrawal_says_why_and_whether_anything_may_have_begun(
    language: str, upheld: str, begun: str
) -> None:
    plain = replace(a_letter(NoticeKind.WITHDRAWAL), announced=ANNOUNCED[:1])
    for why in WhyWithdrawn:
        for may_have_begun in (True, False):
            said = said_by(replace(plain, withdrawn=Withdrawn(why, may_have_begun)), language)
            assert (upheld in said) is (why is WhyWithdrawn.DISPUTE_UPHELD)
            assert (begun in said) is may_have_begun


@pytest.mark.parametrize(
    ("principal", "told"),
    [
        ("rosa@acme.example", "rosa@acme.example"),
        ("sip:4711@pbx.acme.example", "sip:4711@pbx.acme.example"),
        ("rosa.miller", "rosa.miller"),
        ("agent-0042", "agent-0042"),
        ("sk_live_51H8x", "ending in “1H8x”"),
        ("AKIAIOSFODNN7EXAMPLE", "ending in “MPLE”"),
        ("9f86d081884c7d659a2feaa0c55ad015", "ending in “d015”"),
        ("3f2a9c1e-77aa-4b0e-9d52-0e6f5a1b2c3d", "ending in “2c3d”"),
        ("secret", "ending in “et”"),
        ("x" * 200, "ending in “xxxx”"),
    ],
)
def test_the_letter_names_whose_access_is_suspended_and_no_secret_whole(principal: str, told: str) -> None:
    said = measure_in_words(MeasureKind.SUSPEND_PRINCIPAL, Scope(principal_ids=(principal,)), "en")
    assert said == f"Suspension of the access of the user, credential or key {told}."


@pytest.mark.parametrize("language", LANGUAGES)
def test_several_are_all_named(language: str) -> None:
    scope = Scope(principal_ids=("rosa", "adam", "9f86d081884c7d659a2feaa0c55ad015"))
    said = measure_in_words(MeasureKind.SUSPEND_PRINCIPAL, scope, language)
    assert "rosa" in said
    assert "adam" in said
    assert "d015" in said
    assert "9f86" not in said


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Suspension of the voice and SMS channels (outbound only)."),
        ("fr", "Suspension des canaux voix et SMS (sens sortant uniquement)."),
        ("de", "Sperre der Kanäle Sprache und SMS (nur ausgehend)."),
        ("es", "Suspensión de los canales de voz y SMS (solo sentido saliente)."),
    ],
)
def test_a_measure_on_two_channels_is_in_the_plural(language: str, said: str) -> None:
    scope = Scope(channels=("voice", "sms"), directions=("outbound",))
    assert measure_in_words(MeasureKind.SUSPEND_CHANNEL, scope, language) == said


def test_the_clause_is_named_in_the_language_of_the_letter() -> None:
    body = render(a_letter(), an_addressee("de", notice_clause="§ 12.9")).body
    assert "Offer 10.0, Ziffer 2.4 (Mitteilungen: § 12.9): Nach vorheriger Mitteilung" in body


@pytest.mark.parametrize(
    ("clause", "notices", "said"),
    [
        ("12", "§ 9", "Offer 10.0, Ziffer 12 (Mitteilungen: § 9): Nach vorheriger"),
        ("12", None, "Offer 10.0, Ziffer 12: Nach vorheriger"),
        (None, "§ 9", "Offer 10.0 (Mitteilungen: § 9): Nach vorheriger"),
        (None, None, "Offer 10.0: Nach vorheriger"),
    ],
)
def test_the_clause_is_the_one_that_counsel_entered_and_none_where_none_was(
    clause: str | None, notices: str | None, said: str
) -> None:
    assert said in render(a_letter(), an_addressee("de", clause=clause, notice_clause=notices)).body


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_measure_without_prior_notice_names_the_provision_that_allows_it(language: str) -> None:
    told = render(replace(a_letter(), provision="fraudulent use (7.2)"), an_addressee(language)).body
    assert "fraudulent use (7.2)" in told
    assert ("without prior notice: fraudulent use (7.2)." in told) == (language == "en")
    assert "fraudulent use" not in render(a_letter(), an_addressee(language)).body


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


def test_odds_too_small_to_tell_are_told_as_less_than() -> None:
    for p_value in (0.0, 5e-324, 1e-12, float("nan")):
        assert "less than once in 1,000,000,000" in said_by(
            a_letter(NoticeKind.SUSPENSION, seen(p_value=p_value))
        )


@pytest.mark.parametrize(
    ("language", "p_value", "said"),
    [
        ("fr", 1 / 3_000_000, "une fois sur 3\u202f000\u202f000 d’intervalles"),
        ("fr", 1 / 3_100_000, "une fois sur 3\u202f100\u202f000 intervalles"),
        ("es", 1 / 3_000_000, "una vez cada 3.000.000 de intervalos"),
        ("es", 1 / 3_100_000, "una vez cada 3.100.000 intervalos"),
        ("de", 1 / 3_000_000, "einmal in 3.000.000 solchen Zeitabschnitten"),
    ],
)
def test_whole_millions_are_said_as_the_language_says_them(language: str, p_value: float, said: str) -> None:
    assert said in said_by(a_letter(NoticeKind.SUSPENSION, seen(p_value=p_value)), language)


def test_flags_of_a_series_share_a_line_and_many_series_are_counted() -> None:
    later = seen(interval_start=NIGHT + timedelta(minutes=5), p_value=1e-3)
    body = said_by(a_letter(NoticeKind.SUSPENSION, later, seen()), "en", "Etc/UTC")
    assert (
        "2 intervals of 5 minutes each, between 31 March 2015 at 03:00 UTC and 31 March 2015 at 03:10 UTC"
        in body
    )
    for count, said in ((1, "- and one further kind of traffic"), (3, "- and 3 further kinds of traffic")):
        many = tuple(seen(application_id=f"app-{number:02}") for number in range(MOST_SERIES + count))
        assert said in said_by(a_letter(NoticeKind.SUSPENSION, *many))


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
