"""What the catalogue of offers says of a service is told to whoever approves; a new version is a new file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cjp_fraud.contracts.model import Hosting, PurchaseModel
from cjp_fraud.contracts.offer_catalogue import (
    BoughtService,
    feature_name,
    offers_with,
    shipped_offers,
)
from cjp_fraud.errors import BadInputError

NAMED, CONCURRENT = PurchaseModel.NAMED, PurchaseModel.CONCURRENT


def remarks(version: str | None, country: str | None, *features: str, **other: Any) -> tuple[str, ...]:
    bought: dict[str, Any] = {"purchase_model": NAMED, "hosting": Hosting.PROVIDER, **other}
    return shipped_offers().remarks(BoughtService(version, country, features, **bought))


@pytest.mark.parametrize("model", PurchaseModel)
@pytest.mark.parametrize(
    "country", ["US", "CA", "MX", "JP", "AU", "NZ", "GB", "DE", "NL", "LU", "BE", "SE", "ES", "IT", "FR"]
)
def test_nothing_is_said_of_what_the_offer_sells(country: str, model: PurchaseModel) -> None:
    assert remarks("10.0", country, purchase_model=model, product="CJP") == ()


def test_a_country_in_which_it_is_not_sold_is_told() -> None:
    assert remarks("10.0", "BR") == ("offer 10.0 is not sold in BR (clause 2.5)",)


def test_of_a_version_that_states_nothing_it_is_told_that_nothing_is_known() -> None:
    assert remarks("9.9", "BR", "voice_driven_ivr") == (
        "in which countries offer 9.9 is sold is not known; countries were not checked",
        "whether offer 9.9 excludes feature voice_driven_ivr in BR is not known",
        "by which models agents of offer 9.9 are bought is not known; it was not checked",
        "of which deployments offer 9.9 lets data be processed is not known; it was not checked",
    )


@pytest.mark.parametrize("words", ["Voice-driven IVR", "voice_driven_ivr", " VOICE DRIVEN  IVR "])
def test_a_feature_is_recognised_however_it_is_written(words: str) -> None:
    said = remarks("10.0", "JP", feature_name(words))

    assert said == ("offer 10.0 excludes voice_driven_ivr in JP (clause 2.5), and it is in use",)
    assert remarks("10.0", "US", feature_name(words)) == ()


@pytest.mark.parametrize("words", ["Workforce Optimization", "workforce-optimisation"])
def test_american_spelling_is_the_same_feature(words: str) -> None:
    assert "excludes workforce_optimisation in JP" in remarks("10.0", "JP", feature_name(words))[0]


def test_a_feature_that_the_catalogue_does_not_name_is_told_to_be_unknown() -> None:
    assert remarks("10.0", "JP", "wfo") == ("whether offer 10.0 excludes feature wfo in JP is not known",)


def test_a_country_that_is_not_known_is_told_and_its_features_are_not_checked() -> None:
    said = remarks("10.0", None, "voice_driven_ivr")

    assert "the tenant's country is not known" in said[0]
    assert said[1:] == ("whether offer 10.0 excludes feature voice_driven_ivr in the country is not known",)


def test_a_version_that_is_not_in_the_catalogue_or_not_known_is_told() -> None:
    assert "11.0 is not in the catalogue (10.0, 9.9)" in remarks("11.0", "BR")[0]
    assert "the offer version is not known" in remarks(None, "BR")[0]


def test_how_agents_were_bought_is_told_where_it_is_not_known() -> None:
    said = remarks("10.0", "US", purchase_model=None)
    assert said == ("how the agents were bought is not known (purchase_model); it was not checked",)


@pytest.mark.parametrize("hosting", [Hosting.PARTNER, Hosting.ON_PREMISES])
@pytest.mark.parametrize("product", ["CCE", "PCCE", "CCX", "HCS-CC", "hsc-cc"])
def test_a_deployment_whose_data_are_not_processed_is_told(hosting: Hosting, product: str) -> None:
    (said,) = remarks("10.0", "US", hosting=hosting, product=product)
    assert re.fullmatch(r"offer 10\.0 lets no data of [A-Z-]+, run by .*, be processed \(clause 3\)", said)


def test_a_deployment_of_which_the_offer_says_nothing_is_told_to_be_unknown() -> None:
    for product in ("CJP", None):
        (said,) = remarks("10.0", "US", hosting=Hosting.PARTNER, product=product)
        assert "run by a partner, are processed under offer 10.0 is not known" in said
    assert "who runs the deployment is not known" in remarks("10.0", "US", hosting=None)[0]


NEW = """\
version = "10.1"
countries = ["US",
    "BR"]
purchase_models = ["concurrent"]

[excluded]
BR = ["callback"]

[[deployments]]
hosting = "provider"
processed = true
"""


def test_a_new_version_is_a_new_file(tmp_path: Path) -> None:
    (tmp_path / "any name.toml").write_text(NEW)
    catalogue = offers_with(tmp_path)
    assert [offer.version for offer in catalogue.offers] == ["10.0", "10.1", "9.9"]
    bought = BoughtService("10.1", "BR", ("callback",), NAMED, Hosting.PROVIDER)
    assert catalogue.remarks(bought) == (
        "offer 10.1 excludes callback in BR (clause 2.5), and it is in use",
        "agents of offer 10.1 are bought concurrent, and these were bought named (clause 1)",
    )
    assert catalogue.remarks(BoughtService("10.1", "US", (), CONCURRENT, Hosting.PROVIDER)) == ()


def test_an_own_file_takes_the_place_of_the_version_that_is_shipped(tmp_path: Path) -> None:
    (tmp_path / "9.9.toml").write_text('version = "9.9"\ncountries = ["US"]\n')
    said = offers_with(tmp_path).remarks(BoughtService("9.9", "BR"))
    assert said[0] == "offer 9.9 is not sold in BR (clause 2.5)"
    assert "is not known" in remarks("9.9", "BR")[0]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"BR"]', '"Brazil"]', "line 3: countries 2: 'Brazil' is no country; write two capital letters"),
        ('"BR"]', '"ZZ"]', "line 3: countries 2: 'ZZ' is no country; write two capital letters"),
        ('BR = ["callback"]', 'Br = ["callback"]', "line 7: excluded: 'Br' is no country"),
        ('["callback"]', '["Call-back"]', "line 7: excluded, BR 1: write 'call_back', not 'Call-back'"),
        ('["concurrent"]', '["per call"]', "line 4: purchase_models 1: 'per call' is not served; write 'named'"),
        ('["concurrent"]', "[]", "line 4: purchase_models is empty"),
        ('"provider"', '"cloud"', "line 10: deployments 1, hosting: 'cloud' is not served; write 'provider'"),
        ("processed = true", "", "line 9: deployments 1, processed missing; enter it"),
        ("purchase_models", "purchase_model", "line 4: purchase_model not known; did you mean purchase_models?"),
        ('version = "10.1"', "version = 10.1", "line 1: version: 10.1 must be text, in quotes"),
        ('version = "10.1"', 'version = " "', "line 1: version is empty"),
        ('version = "10.1"', "", "line 1: version missing; enter it"),
        ('"BR"]', '"BR"', "it is no TOML"),
    ],
)  # fmt: skip
def test_a_fault_of_a_file_names_its_line_and_how_to_mend_it(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    (tmp_path / "new.toml").write_text(NEW.replace(old, new, 1))
    with pytest.raises(
        BadInputError, match=rf"new\.toml {re.escape(said)}|new\.toml line \d+: {re.escape(said)}"
    ):
        offers_with(tmp_path)


def test_two_files_of_one_version_and_no_folder_are_refused(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(NEW)
    with pytest.raises(BadInputError, match=r"b\.toml line 1: version 10\.1 stands in a\.toml too; keep one"):
        offers_with(tmp_path)
    with pytest.raises(BadInputError, match="CJP_FRAUD_OFFERS_DIR: there is no folder"):
        offers_with(tmp_path / "none")
