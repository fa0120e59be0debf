"""Clause 3: which deployments the provider runs, by hosting and product."""

from __future__ import annotations

from typing import Final

from cjp_fraud.contracts.model import Hosting

NOT_PROCESSED: Final = frozenset({"CCE", "PCCE", "CCX", "HCS-CC"})
"""Products of whose on-premises and partner-hosted deployments the provider processes no data (clause 3)."""

_ALIASES: Final = {"HSC-CC": "HCS-CC"}
"""Other spellings in use for the same product."""


def product_name(product: str) -> str:
    """Return a product's name in its one spelling."""
    name = product.strip().upper()
    name = _ALIASES.get(name, name)
    return name if name in NOT_PROCESSED else product.strip()


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
