"""Languages of tenants."""

from __future__ import annotations

import pytest

from cjp_fraud.contracts.tenants_file import TenantRow


def language_of(cell: object) -> str | None:
    cells = {"tenant_id": "acme", "time_zone": "UTC", "language": cell}
    return TenantRow.model_validate({"line": 2, "given": frozenset(cells), **cells}).language


@pytest.mark.parametrize(("text", "tag"), [("EN", "en"), ("fr-CA", "fr-CA"), ("zh-Hant-TW", "zh-Hant-TW")])
def test_a_tag_keeps_its_region(text: str, tag: str) -> None:
    assert language_of(text) == tag


@pytest.mark.parametrize("text", ["", "english", "e", "fr_CA", "fr-", "xx", "fr-fr-fr"])
def test_what_is_no_tag_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="language tag"):
        language_of(text)


def test_a_number_is_no_language() -> None:
    with pytest.raises(ValueError, match="write it as text"):
        language_of(7)
