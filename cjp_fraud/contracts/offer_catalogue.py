"""What an offer description says about countries and features (clause 2.5): data, one file a version in ``offers/``.

A country in which the offer is not sold, or a feature that it excludes, keeps nobody from being suspended: whoever
approves is told.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from functools import cache
from importlib.resources import files

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from cjp_fraud.documents import from_document


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Offer:
    """One version of the offer description.

    Parameters
    ----------
    countries : two letters (ISO 3166-1) of each country in which it is sold; None: not stated.
    excluded : country → features that may not be used there.
    """

    version: str
    countries: tuple[str, ...] | None = None
    excluded: dict[str, tuple[str, ...]] | None = None


def feature_name(words: str) -> str:
    """Return a feature's name as the catalogue writes it: ``Voice-driven IVR`` is ``voice_driven_ivr``.

    American spelling is the same name: ``Workforce Optimization`` is ``workforce_optimisation``.
    """
    plain = words.casefold().replace("-", " ").replace("_", " ").replace("ization", "isation")
    return "_".join(plain.split())


def offer_remarks(version: str | None, country: str | None, features: Collection[str]) -> tuple[str, ...]:
    """Return what an approver is told about the place and the features of a subscription, a sentence each.

    Parameters
    ----------
    version : of the offer description that was bought; None: not known.
    country : of the provisioned site, or of the order (ISO 3166-1); None: not known.
    features : in use, by their names (:func:`feature_name`).

    What is not known is told too: nobody may take silence for a check.
    """
    if version is None:
        return ("the offer version is not known (offer_version); countries and features were not checked",)
    offer = _offers().get(version)
    if offer is None:
        known = ", ".join(sorted(_offers()))
        return (
            f"offer version {version} is not in the catalogue ({known}); countries and features were not checked",
        )
    remarks = []
    if offer.countries is None:
        remarks.append(f"in which countries offer {version} is sold is not known; countries were not checked")
    elif country is None:
        remarks.append(
            f"the tenant's country is not known; whether offer {version} is sold there was not checked"
        )
    elif country not in offer.countries:
        remarks.append(f"offer {version} is not sold in {country} (clause 2.5)")
    excluded = (offer.excluded or {}).get(country or "", ())
    remarks += [
        f"offer {version} excludes {feature} in {country} (clause 2.5), and it is in use"
        for feature in sorted(set(features) & set(excluded))
    ]
    unchecked = set(features) if offer.excluded is None or country is None else set(features) - _features()
    remarks += [
        f"whether offer {version} excludes feature {feature} in {country or 'the country'} is not known"
        for feature in sorted(unchecked)
    ]
    return tuple(remarks)


def _features() -> set[str]:
    """Return the features that any offer excludes anywhere: those of which the catalogue says something."""
    return {
        feature
        for offer in _offers().values()
        for of_country in (offer.excluded or {}).values()
        for feature in of_country
    }


@cache
def _offers() -> dict[str, Offer]:
    texts = [
        file.read_text(encoding="utf-8")
        for file in (files("cjp_fraud.contracts") / "offers").iterdir()
        if file.name.endswith(".toml")
    ]
    offers = [from_document(Offer, tomllib.loads(text)) for text in texts]
    return {offer.version: offer for offer in offers}
