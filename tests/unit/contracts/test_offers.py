"""What the catalogue of offers says about countries and features is told to whoever approves."""

from __future__ import annotations

import pytest

from cjp_fraud.contracts.offers import feature_name, offer_remarks


@pytest.mark.parametrize(
    "country", ["US", "CA", "MX", "JP", "AU", "NZ", "GB", "DE", "NL", "LU", "BE", "SE", "ES"]
)
def test_nothing_is_said_of_a_country_in_which_the_offer_is_sold(country: str) -> None:
    assert offer_remarks("10.0", country, ()) == ()


def test_a_country_in_which_it_is_not_sold_is_told() -> None:
    assert offer_remarks("10.0", "BR", ()) == ("offer 10.0 is not sold in BR (clause 2.5)",)


def test_of_a_version_that_states_no_countries_nothing_is_said() -> None:
    assert offer_remarks("9.9", "BR", ("voice_driven_ivr",)) == ()


@pytest.mark.parametrize("words", ["Voice-driven IVR", "voice_driven_ivr", " VOICE DRIVEN  IVR "])
def test_a_feature_is_recognised_however_it_is_written(words: str) -> None:
    said = offer_remarks("10.0", "JP", (feature_name(words), "callback"))

    assert said == ("offer 10.0 excludes voice_driven_ivr in JP (clause 2.5), and it is in use",)
    assert offer_remarks("10.0", "US", (feature_name(words),)) == ()


def test_a_version_that_is_not_in_the_catalogue_is_told_and_an_unknown_one_is_not() -> None:
    assert "11.0 is not in the catalogue (10.0, 9.9)" in offer_remarks("11.0", "BR", ())[0]
    assert offer_remarks(None, "BR", ()) == ()
