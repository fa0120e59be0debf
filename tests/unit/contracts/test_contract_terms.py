"""The notice terms of a whole contract: what is not read is named, what is not understood is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cjp_fraud.contracts.contract_terms import ContractTerms, contract_terms_from, whole_terms
from cjp_fraud.contracts.methods import METHODS
from cjp_fraud.contracts.terms import plain_terms
from cjp_fraud.documents import to_document
from cjp_fraud.errors import BadInputError
from tests.contract_builders import terms_of_file


def a_document(**more: Any) -> dict[str, Any]:
    return {**to_document(whole_terms(plain_terms())), **more}


def the_method(document: dict[str, Any]) -> dict[str, Any]:
    method: dict[str, Any] = document["suspension"]["steps"][0]["methods"][0]
    return method


def test_terms_of_the_first_form_are_those_of_a_suspension() -> None:
    old = {
        "clause": "12.9",
        "steps": [
            {
                "number": 1,
                "combine": "any_of",
                "methods": [{"method": "email", "basis": "sent", "address_roles": ["notice"]}],
                "wait": {"amount": 0, "unit": "hours"},
            }
        ],
    }
    read = contract_terms_from(old)
    assert read.suspension == plain_terms().__class__(plain_terms().steps, "12.9")
    assert read.fault is None


def test_each_value_that_was_not_read_is_named_by_its_place() -> None:
    document = a_document(longest_measure="not_read", places=[{"name": "sender", "country": "not_read"}])
    the_method(document)["receipt"]["offset"] = "not_read"
    the_method(document)["force"] = "not_read"
    terms = contract_terms_from(document)
    assert terms.unread == (
        "suspension, steps 1, methods email, force",
        "suspension, steps 1, methods email, receipt, offset",
        "places sender, country",
        "longest measure",
    )
    assert terms.fault is not None
    assert "suspension, steps 1, methods email, receipt, offset" in terms.fault


def test_a_suspension_that_is_left_out_was_not_read() -> None:
    assert contract_terms_from({}).fault == "of the notice terms these have not been read: suspension"
    assert contract_terms_from({"suspension": "not_stated"}).fault is not None


def test_words_of_an_unread_value_are_no_text_of_a_clause() -> None:
    assert contract_terms_from({"source": {"text": "not_read"}}).unread[-1] == "source, text"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"hurry": True}, "hurry not known"),
        ({"lift": "perhaps"}, "lift: expected named fields"),
        ({"filing_stops": "yes"}, "filing stops|filing_stops"),
        ({"places": [{"name": "Sender"}]}, "no name of a place"),
        ({"places": [{"name": "sender"}, {"name": "sender"}]}, "named twice"),
        ({"places": [{"name": "sender", "time_zone": "Mars/Olympus"}]}, "no time zone"),
        ({"places": [{"name": "sender", "opens": "09:00:00"}]}, "opens and closes"),
        (
            {"places": [{"name": "sender", "opens": "09:00Z", "closes": "17:00"}]},
            "opens: 09:00:00.* has an offset",
        ),
        ({"places": [{"name": "sender", "weekend": [1, 2, 3, 4, 5, 6, 7]}]}, "not all of them"),
        ({"longest_measure": {"amount": 3, "unit": "business_days"}}, "give hours or calendar_days"),
        ({"source": {"page_sha256": "abc"}}, "no SHA-256"),
        ({"operational_controls": [{"kind": "hang_up"}]}, "hang_up"),
    ],
)
def test_what_is_not_understood_is_refused(more: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        contract_terms_from(a_document(**more))


def test_a_place_that_nobody_described_is_refused() -> None:
    document = a_document()
    the_method(document)["receipt"]["place"] = "sender"
    with pytest.raises(BadInputError, match="place 'sender' is not described"):
        contract_terms_from(document)


@pytest.mark.parametrize("shown", ["09:00:00+02:00", "09:00Z"])
def test_a_time_of_day_with_an_offset_is_refused(shown: str) -> None:
    document = a_document()
    the_method(document)["receipt"]["time_of_day"] = shown
    with pytest.raises(BadInputError, match=r"time_of_day: 09:00:00.* has an offset"):
        contract_terms_from(document)


def test_a_window_with_offsets_is_refused() -> None:
    document = a_document()
    document["suspension"]["windows"] = {
        "windows": [{"days": [1], "opens": "08:00Z", "closes": "21:00Z"}],
    }
    with pytest.raises(BadInputError, match=r"windows 1, opens: 08:00:00.* has an offset"):
        contract_terms_from(document)


def test_a_file_names_itself_and_the_place_of_its_fault(tmp_path: Path) -> None:
    path = tmp_path / "terms.toml"
    with pytest.raises(BadInputError, match=r"terms\.toml: cannot be read"):
        terms_of_file(path)
    path.write_text("law = 'England'\nsuspension = ", encoding="utf-8")
    with pytest.raises(BadInputError, match=r"terms\.toml line 2: it is no TOML"):
        terms_of_file(path)
    path.write_text("law = 'England'\n[suspension]\nsteps = []\n", encoding="utf-8")
    with pytest.raises(BadInputError, match=r"terms\.toml line 2: suspension: steps must be numbered"):
        terms_of_file(path)


@pytest.mark.parametrize("opens", ["09:00:00", "'09:00'"])
def test_times_of_a_file_are_times_of_the_terms(tmp_path: Path, opens: str) -> None:
    path = tmp_path / "terms.toml"
    path.write_text(f"[[places]]\nname = 'sender'\nopens = {opens}\ncloses = 17:30:00\n")
    terms = terms_of_file(path)
    assert isinstance(terms, ContractTerms)
    assert (str(terms.places[0].opens), str(terms.places[0].closes)) == ("09:00:00", "17:30:00")


POSTAL = "Acme GmbH\nHauptstr. 1\n10115 Berlin\nGermany"


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("email", "notices@example.com"),
        ("letter", POSTAL),
        ("letter", "Acme GmbH; Hauptstr. 1; 10115 Berlin; Germany"),
        ("courier", POSTAL),
        ("registered", POSTAL),
        ("hand", POSTAL),
        ("fax", "+1 (416) 555-0100"),
        ("publication", ""),
    ],
)
def test_each_method_knows_its_addresses(method: str, address: str) -> None:
    assert METHODS[method](address) == address


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("letter", "notices@example.com"),
        ("letter", "Acme\n---"),
        ("letter", "A\n" * 9),
        ("courier", ""),
        ("hand", "x" * 70 + "\nBerlin"),
        ("fax", "0100"),
        ("publication", "a\nb"),
    ],
)
def test_what_is_no_address_of_a_method_is_refused(method: str, address: str) -> None:
    with pytest.raises(BadInputError):
        METHODS[method](address)
