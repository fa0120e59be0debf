"""Clause 3: the provider runs it, or its traffic is refused."""

from __future__ import annotations

import pytest

from cjp_fraud.contracts.model import NOT_PROCESSED, Hosting, product_name, why_not_accepted


@pytest.mark.parametrize("product", [*sorted(NOT_PROCESSED), "CJP", None])
def test_what_the_provider_hosts_is_accepted_whatever_it_is(product: str | None) -> None:
    assert why_not_accepted(Hosting.PROVIDER, product) is None


@pytest.mark.parametrize("hosting", [Hosting.PARTNER, Hosting.ON_PREMISES])
@pytest.mark.parametrize("product", [*sorted(NOT_PROCESSED), "hsc-cc", "CJP", None])
def test_what_others_host_is_refused_whatever_it_is(hosting: Hosting, product: str | None) -> None:
    assert "clause 3" in (why_not_accepted(hosting, product) or "")


def test_not_knowing_who_hosts_it_refuses_it() -> None:
    assert "not known" in (why_not_accepted(None, "CCX") or "")


def test_a_product_has_one_spelling() -> None:
    assert product_name(" hsc-cc ") == product_name("HCS-CC") == "HCS-CC"
    assert product_name("Something Else") == "Something Else"
