"""Value types of the contract domain, and which deployments the provider runs (clause 3); they know no database."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cjp_fraud.documents import UtcMoment

NAME_LENGTH: Final = 200
"""Longest tenant, party or provider id, characters."""

OFFERED_CLAUSE: Final = "2.4"
"""Clause of the offer description that gives the right to suspend."""

DEFAULT_LANGUAGE: Final = "en"
"""Language of notices where the contract names none: clause 2.2 serves in English."""


class Hosting(StrEnum):
    """Who runs a deployment (clause 3)."""

    PROVIDER = "provider"
    PARTNER = "partner"
    ON_PREMISES = "on_premises"

    @property
    def words(self) -> str:
        """Who that is, in words."""
        return {"provider": "the provider", "partner": "a partner", "on_premises": "the customer"}[self.value]


class PurchaseModel(StrEnum):
    """How agents are bought: exactly one of the two (clause 1)."""

    NAMED = "named"
    CONCURRENT = "concurrent"


class Right(StrEnum):
    """What the governing document says about suspending for fraudulent use (clause 2.4)."""

    CLAUSE_2_4 = "clause_2_4"
    NONE = "none"
    NOT_READ = "not_read"


class Reading(StrEnum):
    """Whether somebody has read a clause; ``not_read`` is a value of its own, and it shuts the gate."""

    READ = "read"
    NOT_READ = "not_read"


class Origin(StrEnum):
    """Where contract data came from; the tenants file never overwrites what counsel entered."""

    TENANTS_FILE = "tenants_file"
    COUNSEL = "counsel"


class EntryState(StrEnum):
    """Where a contract stands that counsel entered and a second person confirms."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"


class DeliveryStatus(StrEnum):
    """What is proven of a notice, from the least to the most (RFC 3461, 3464, 5321).

    ``sent``: our mail server answered 250 after DATA, or our carrier took it; ``accepted``: the recipient's own server
    did, or the carrier's books show it.
    """

    QUEUED = "queued"
    ATTEMPTED = "attempted"
    SENT = "sent"
    ACCEPTED = "accepted"
    RELAYED = "relayed"
    DELIVERED = "delivered"
    DISPLAYED = "displayed"
    ACKNOWLEDGED = "acknowledged"

    @property
    def place(self) -> int:
        """Place in the order, 0 the least."""
        return list(DeliveryStatus).index(self)

    def reaches(self, basis: DeliveryStatus) -> bool:
        """Whether this status proves at least as much as ``basis``."""
        return self.place >= basis.place


NOT_PROCESSED: Final = frozenset({"CCE", "PCCE", "CCX", "HCS-CC"})
"""Products of whose on-premises and partner-hosted deployments the provider processes no data (clause 3)."""

_ALIASES: Final = {"HSC-CC": "HCS-CC"}
"""Other spellings in use for the same product."""


def product_name(product: str) -> str:
    """Return a product's name in its one spelling."""
    name = product.strip().upper()
    name = _ALIASES.get(name, name)
    return name if name in NOT_PROCESSED else product.strip()


def inside_flex_plan(plan: str | None) -> bool:
    """Whether a plan is the Flex Plan, which another offer description governs (preamble)."""
    return "flex" in (plan or "").lower().replace("-", " ").replace("_", " ").split()


def why_not_accepted(hosting: Hosting | None, product: str | None) -> str | None:
    """Return why traffic of such a deployment is refused, or None where the provider runs it.

    Parameters
    ----------
    hosting : who runs it; None: unknown, which is refused too.
    product : what runs there; None: not given.
    """
    if hosting is Hosting.PROVIDER:
        return None
    if hosting is None:
        return "it is not known who runs the deployment (clause 3)"
    runs = {Hosting.PARTNER: "hosted by a partner", Hosting.ON_PREMISES: "on the customer's premises"}[
        hosting
    ]
    if product is not None and product_name(product) in NOT_PROCESSED:
        return f"{product_name(product)} {runs}: the provider processes no data of it (clause 3)"
    return f"the deployment is {runs}, so the provider does not run it (clause 3)"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One address to serve; names the address by id and digest, so that a proposal holds no personal text.

    Parameters
    ----------
    address_id : row of the address book.
    sha256 : salted digest of the address.
    role, method : what the contract calls it for, and how it is served.
    known : how we know it, and since when.
    replaced_at : when another took its place; None while it is the one in force. A replaced address is
        served too, and the approver is told, but only those in force decide.
    """

    address_id: str
    sha256: str
    role: str
    method: str
    known: str
    replaced_at: UtcMoment | None


@dataclass(frozen=True, slots=True)
class FeedStanding:
    """The newest edit by a feed, and who confirmed since.

    Parameters
    ----------
    feed : name of the feed; None: no feed ever edited this tenant.
    confirmed_by : ids of the users who confirmed after it was recorded.
    took_part : those of them who took part in the case that is asked about (claimed, commented, edited, determined), or
        approved in it.
    """

    feed: str | None
    confirmed_by: frozenset[str]
    took_part: frozenset[str] = frozenset()
