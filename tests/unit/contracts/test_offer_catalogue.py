"""What the catalogue of offers says about countries and features is told to whoever approves."""

from __future__ import annotations

import pytest

from cjp_fraud.contracts.offer_catalogue import feature_name, offer_remarks


@pytest.mark.parametrize(
    "country", ["US", "CA", "MX", "JP", "AU", "NZ", "GB", "DE", "NL", "LU", "BE", "SE", "ES"]
)
def test_nothing_is_said_of_a_country_in_which_the_offer_is_sold(country: str) -> None:
    assert offer_remarks("10.0", country, ()) == ()


def test_a_country_in_which_it_is_not_sold_is_told() -> None:
    assert offer_remarks("10.0", "BR", ()) == ("offer 10.0 is not sold in BR (clause 2.5)",)


def test_of_a_version_that_states_neither_countries_nor_exclusions_it_is_told_that_they_are_not_known() -> (
    None
):
    assert offer_remarks("9.9", "BR", ("voice_driven_ivr",)) == (
        "in which countries offer 9.9 is sold is not known; countries were not checked",
        "whether offer 9.9 excludes feature voice_driven_ivr in BR is not known",
    )


@pytest.mark.parametrize("words", ["Voice-driven IVR", "voice_driven_ivr", " VOICE DRIVEN  IVR "])
def test_a_feature_is_recognised_however_it_is_written(words: str) -> None:
    said = offer_remarks("10.0", "JP", (feature_name(words),))

    assert said == ("offer 10.0 excludes voice_driven_ivr in JP (clause 2.5), and it is in use",)
    assert offer_remarks("10.0", "US", (feature_name(words),)) == ()


@pytest.mark.parametrize("words", ["Workforce Optimization", "workforce-optimisation"])
def test_american_spelling_is_the_same_feature(words: str) -> None:
    assert "excludes workforce_optimisation in JP" in offer_remarks("10.0", "JP", (feature_name(words),))[0]


def test_a_feature_that_the_catalogue_does_not_name_is_told_to_be_unknown() -> None:
    assert offer_remarks("10.0", "JP", ("wfo",)) == (
        "whether offer 10.0 excludes feature wfo in JP is not known",
    )


def test_a_country_that_is_not_known_is_told_and_its_features_are_not_checked() -> None:
    said = offer_remarks("10.0", None, ("voice_driven_ivr",))

    assert "the tenant's country is not known" in said[0]
    assert said[1:] == ("whether offer 10.0 excludes feature voice_driven_ivr in the country is not known",)


def test_a_version_that_is_not_in_the_catalogue_or_not_known_is_told() -> None:
    assert "11.0 is not in the catalogue (10.0, 9.9)" in offer_remarks("11.0", "BR", ())[0]
    assert "the offer version is not known" in offer_remarks(None, "BR", ())[0]
