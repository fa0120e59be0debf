"""What the notice page is made of: links, codes, words, and the letter's lines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.config import load_settings
from cjp_fraud.errors import BadInputError
from cjp_fraud.notices.letter_words import wrapped
from cjp_fraud.notices.page_codes import code_digest, code_fits, new_code
from cjp_fraud.notices.page_key import page_key
from cjp_fraud.notices.page_links import PageKey, PageLinks
from cjp_fraud.notices.page_words import page_words
from cjp_fraud.notices.served_text import served_text
from cjp_fraud.web.client_limit import Allowance, ClientLimit

KEY = PageKey(b"k" * 32)
NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


@given(st.uuids(), st.timedeltas(timedelta(0), timedelta(days=20_000)))
def test_a_link_names_its_notice_and_its_end_and_another_key_makes_another(
    notice: object, later: timedelta
) -> None:
    end = NOW + later
    token = KEY.token(str(notice), end)
    linked = KEY.linked(token)
    assert linked is not None
    assert (linked.notice_id, linked.expires_at) == (str(notice), end.replace(microsecond=0))
    assert PageKey(b"o" * 32).linked(token) is None


@given(st.integers(0, 59), st.sampled_from("ABCDEFabcdef0123456789-_"))
def test_a_link_of_which_one_character_was_changed_is_not_ours(place: int, character: str) -> None:
    token = KEY.token("0198c1d0-0000-7000-8000-000000000001", NOW)
    changed = f"{token[:place]}{character}{token[place + 1 :]}"
    assert (KEY.linked(changed) is None) == (changed != token)


@pytest.mark.parametrize("text", ["", "x", "é" * 60, "=" * 60, "A" * 60, "A" * 61, "A" * 59 + "\n"])
def test_what_is_no_link_is_refused(text: str) -> None:
    assert KEY.linked(text) is None


def test_a_link_is_valid_from_the_letters_date_on() -> None:
    links = PageLinks(KEY, "https://notices.example", timedelta(days=90))
    token = links.link("0198c1d0-0000-7000-8000-000000000001", NOW).rpartition("/")[2]
    linked = KEY.linked(token)
    assert linked is not None
    assert linked.expires_at == NOW + timedelta(days=90)


def test_a_code_is_known_by_key_salt_and_digits_together() -> None:
    digest = code_digest(KEY, "salt", "012345")
    assert code_fits(KEY, "salt", " 012 345", digest)
    assert not code_fits(KEY, "salt", "12345", digest)
    assert not code_fits(KEY, "other", "012345", digest)
    assert not code_fits(PageKey(b"o" * 32), "salt", "012345", digest)
    assert all(len(code) == 6 and code.isdigit() for code in (new_code() for _ in range(50)))


def test_the_key_is_made_once_and_read_by_its_owner_alone(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    assert page_key(settings) == page_key(settings)
    assert (tmp_path / "keys" / "notice-page.key").stat().st_mode & 0o777 == 0o600
    given_key = load_settings(home=tmp_path, notice_page_key="ab" * 32)
    assert page_key(given_key).secret == bytes.fromhex("ab" * 32)


@pytest.mark.parametrize(
    "url",
    ["http://notices.example", "notices.example", "https://u:p@x.example", "https://x.example/?a=1", ""],
)
def test_an_address_at_which_no_customer_may_read_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="CJP_FRAUD_PUBLIC_URL"):
        load_settings(home=tmp_path, public_url=url)


def test_a_public_address_has_no_slash_at_its_end(tmp_path: Path) -> None:
    assert load_settings(home=tmp_path, public_url="https://x.example/n/").public_url == "https://x.example/n"
    assert (
        load_settings(home=tmp_path, public_url="http://127.0.0.1:8470").public_url == "http://127.0.0.1:8470"
    )


@pytest.mark.parametrize(
    ("tag", "locale"),
    [("fr-CA", "fr_CA"), ("es_MX", "es_MX"), ("sv", "sv"), ("pt-BR", "en"), ("??", "en"), ("de", "de")],
)
def test_a_language_that_has_no_words_is_answered_in_english(tag: str, locale: str) -> None:
    assert page_words(tag).locale == locale


def test_lines_that_were_broken_because_they_were_full_are_whole_again() -> None:
    full = "word " * 14 + "ab"  # 72 columns
    message = f"Subject: S\n\n{full}\nsecond half.\nNext: item\n- a point\n- another\n\nLast."
    text = served_text(message.replace("\n", "\r\n").encode())
    assert text is not None
    assert text.subject == "S"
    assert text.paragraphs == (
        (f"{full} second half.", "Next: item", "- a point", "- another"),
        ("Last.",),
    )


@pytest.mark.parametrize(
    "paragraph",
    [
        "Date: 2 April 2015",
        "- a point of a list that is longer than a line of a letter, so that it is broken twice or more, as here",
        "この通知は、お客様の契約に定める連絡先に送付されます。トラフィックの異常な増加が確認されました。"
        "二〇一五年四月二日、午前三時から午前五時まで。",
    ],
)
def test_a_wrapped_paragraph_is_read_back_as_it_was(paragraph: str) -> None:
    message = f"Subject: S\nContent-Type: text/plain; charset=utf-8\n\n{wrapped(paragraph)}\n"
    text = served_text(message.encode())
    assert text is not None
    assert text.paragraphs == ((paragraph,),)


def test_a_document_is_no_text() -> None:
    assert served_text(b"%PDF-1.7\n...") is None


def test_a_client_is_counted_by_itself_and_anew_after_the_span() -> None:
    limit = ClientLimit(2, timedelta(minutes=10))
    counted = [limit.count("a", NOW) for _ in range(4)]
    assert counted == [Allowance.YES, Allowance.YES, Allowance.FIRST_TOO_MANY, Allowance.TOO_MANY]
    assert limit.count("b", NOW) is Allowance.YES
    assert limit.count("a", NOW + timedelta(minutes=10)) is Allowance.YES
