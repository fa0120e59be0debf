"""Language tags."""

from __future__ import annotations

import pytest

from cjp_fraud.contracts.language_tag import language_tag, primary_language


@pytest.mark.parametrize(("text", "tag"), [("EN", "en"), ("fr-CA", "fr-CA"), ("zh-Hant-TW", "zh-Hant-TW")])
def test_a_tag_keeps_its_region(text: str, tag: str) -> None:
    assert language_tag(text) == tag
    assert primary_language(tag) == tag[:2]


@pytest.mark.parametrize("text", ["", "english", "e", "fr_CA", 7, "fr-"])
def test_what_is_no_tag_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="language tag"):
        language_tag(text)
