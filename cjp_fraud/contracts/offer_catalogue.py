"""What versions of the offer description say: data, a file each in ``offers/`` and in the deployment's own folder.

Countries and features (clause 2.5), how agents are bought (clause 1), of which deployments data are processed (clause
3). What is bought against it keeps nobody from being suspended: whoever approves is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from cjp_fraud.contracts.countries import is_country, no_country
from cjp_fraud.contracts.entered_file import EnteredFile, read_entered_file
from cjp_fraud.contracts.model import Hosting, PurchaseModel, product_name
from cjp_fraud.documents import Fault
from cjp_fraud.errors import BadInputError

_SHIPPED: Final = Path(__file__).parent / "offers"


@dataclass(frozen=True, slots=True)
class OfferedDeployment:
    """Whether data are processed of what runs somewhere.

    Parameters
    ----------
    products : those that it is said of; empty: of all.
    """

    hosting: Hosting
    processed: bool
    products: tuple[str, ...] = ()

    @property
    def product_names(self) -> tuple[str, ...]:
        """The products in their one spelling."""
        return tuple(product_name(product) for product in self.products)


@dataclass(frozen=True, slots=True)
class Offer:
    """One version of the offer description; None: it is not stated.

    Parameters
    ----------
    countries : two letters (ISO 3166-1) of each country in which it is sold.
    excluded : country → features that may not be used there.
    purchase_models : how agents may be bought.
    """

    version: str
    countries: tuple[str, ...] | None = None
    excluded: dict[str, tuple[str, ...]] | None = None
    purchase_models: tuple[PurchaseModel, ...] | None = None
    deployments: tuple[OfferedDeployment, ...] | None = None


@dataclass(frozen=True, slots=True)
class BoughtService:
    """What is compared with the offer; None: it is not known.

    Parameters
    ----------
    offer_version : of the offer description that was bought.
    country : of the provisioned site, or of the order (ISO 3166-1).
    features : in use, by their names (:func:`feature_name`).
    """

    offer_version: str | None
    country: str | None
    features: tuple[str, ...] = ()
    purchase_model: PurchaseModel | None = None
    hosting: Hosting | None = None
    product: str | None = None


@dataclass(frozen=True, slots=True)
class OfferCatalogue:
    """All versions of the offer description that are known, in the order of their names."""

    offers: tuple[Offer, ...]

    def version(self, name: str) -> Offer | None:
        """Return a version; None: it is not known."""
        return next((offer for offer in self.offers if offer.version == name), None)

    @property
    def features(self) -> frozenset[str]:
        """The features that any offer excludes anywhere: those of which the catalogue says something."""
        return frozenset(
            feature
            for offer in self.offers
            for of_country in (offer.excluded or {}).values()
            for feature in of_country
        )

    def remarks(self, bought: BoughtService) -> tuple[str, ...]:
        """Return what an approver is told of a service and its offer, a sentence each.

        What is not known is told too: nobody may take silence for a check.
        """
        unchecked = "countries, features, purchase model and deployment were not checked"
        if bought.offer_version is None:
            return (f"the offer version is not known (offer_version); {unchecked}",)
        offer = self.version(bought.offer_version)
        if offer is None:
            known = ", ".join(offer.version for offer in self.offers)
            return (f"offer version {bought.offer_version} is not in the catalogue ({known}); {unchecked}",)
        return (
            *_country_remarks(offer, bought.country),
            *_feature_remarks(offer, bought, self.features),
            *_purchase_remarks(offer, bought.purchase_model),
            *_deployment_remarks(offer, bought),
        )


def feature_name(words: str) -> str:
    """Return a feature's name as the catalogue writes it: ``Voice-driven IVR`` is ``voice_driven_ivr``.

    American spelling is the same name: ``Workforce Optimization`` is ``workforce_optimisation``.
    """
    plain = words.casefold().replace("-", " ").replace("_", " ").replace("ization", "isation")
    return "_".join(plain.split())


@cache
def shipped_offers() -> OfferCatalogue:
    """Return the versions that come with this program."""
    return _catalogue(_read_folder(_SHIPPED))


def offers_with(folder: Path | None) -> OfferCatalogue:
    """Return the versions that come with this program, and those of a deployment's own folder, a TOML file each.

    An own file takes the place of the version of the same name. None: there is no such folder.

    Raises
    ------
    BadInputError
        Naming file, line and field of what cannot be used; or if there is no such folder.
    """
    if folder is None:
        return shipped_offers()
    if not folder.is_dir():
        raise BadInputError(
            f"CJP_FRAUD_OFFERS_DIR: there is no folder {folder}; make it, or unset the variable"
        )
    own = {offer.version: offer for offer in _read_folder(folder)}
    return _catalogue(({offer.version: offer for offer in shipped_offers().offers} | own).values())


def _catalogue(offers: Iterable[Offer]) -> OfferCatalogue:
    return OfferCatalogue(tuple(sorted(offers, key=lambda offer: offer.version)))


def _read_folder(folder: Path) -> tuple[Offer, ...]:
    files: dict[str, str] = {}
    offers = []
    for path in sorted(folder.glob("*.toml")):
        file = read_entered_file(path)
        offer = file.read_as(Offer, file.table)
        faults = [*_faults(offer)]
        if offer.version in files:
            sentence = f"version {offer.version} stands in {files[offer.version]} too; keep one of the files"
            faults.append(Fault(("version",), sentence))
        _refuse_if(file, faults)
        files[offer.version] = path.name
        offers.append(offer)
    return tuple(offers)


def _refuse_if(file: EnteredFile, faults: list[Fault]) -> None:
    if faults:
        file.refuse(faults)


def _faults(offer: Offer) -> Iterator[Fault]:
    if offer.version != offer.version.strip() or not offer.version:
        yield Fault(("version",), "version is empty, or has blanks around it; write it as orders name it")
    for number, country in enumerate(offer.countries or ()):
        if not is_country(country):
            yield Fault(("countries", number), f"countries {number + 1}: {no_country(country)}")
    for country, features in (offer.excluded or {}).items():
        if not is_country(country):
            yield Fault(("excluded", country), f"excluded: {no_country(country)}")
        for number, feature in enumerate(features):
            if feature != feature_name(feature):
                yield Fault(
                    ("excluded", country, number),
                    f"excluded, {country} {number + 1}: write {feature_name(feature)!r}, not {feature!r}",
                )
    if offer.purchase_models == ():
        yield Fault(
            ("purchase_models",), "purchase_models is empty; name one, or leave it out: it is not stated"
        )


def _country_remarks(offer: Offer, country: str | None) -> Iterator[str]:
    if offer.countries is None:
        yield f"in which countries offer {offer.version} is sold is not known; countries were not checked"
    elif country is None:
        yield f"the tenant's country is not known; whether offer {offer.version} is sold there was not checked"
    elif country not in offer.countries:
        yield f"offer {offer.version} is not sold in {country} (clause 2.5)"


def _feature_remarks(offer: Offer, bought: BoughtService, known: frozenset[str]) -> Iterator[str]:
    country, features = bought.country, set(bought.features)
    excluded = (offer.excluded or {}).get(country or "", ())
    for feature in sorted(features & set(excluded)):
        yield f"offer {offer.version} excludes {feature} in {country} (clause 2.5), and it is in use"
    for feature in sorted(features if offer.excluded is None or country is None else features - known):
        yield f"whether offer {offer.version} excludes feature {feature} in {country or 'the country'} is not known"


def _purchase_remarks(offer: Offer, model: PurchaseModel | None) -> Iterator[str]:
    if offer.purchase_models is None:
        yield f"by which models agents of offer {offer.version} are bought is not known; it was not checked"
    elif model is None:
        yield "how the agents were bought is not known (purchase_model); it was not checked"
    elif model not in offer.purchase_models:
        served = " or ".join(offer.purchase_models)
        yield f"agents of offer {offer.version} are bought {served}, and these were bought {model} (clause 1)"


def _deployment_remarks(offer: Offer, bought: BoughtService) -> Iterator[str]:
    hosting = bought.hosting
    if offer.deployments is None:
        yield f"of which deployments offer {offer.version} lets data be processed is not known; it was not checked"
        return
    if hosting is None:
        yield "who runs the deployment is not known (hosting); it was not checked against the offer"
        return
    product = product_name(bought.product) if bought.product is not None else None
    said = [
        entry.processed
        for entry in offer.deployments
        if entry.hosting is hosting and (not entry.products or product in entry.product_names)
    ]
    what = f"{product or 'a product that is not named'}, run by {hosting.words}"
    if not said:
        yield f"whether data of {what}, are processed under offer {offer.version} is not known"
    elif not all(said):
        yield f"offer {offer.version} lets no data of {what}, be processed (clause 3)"
