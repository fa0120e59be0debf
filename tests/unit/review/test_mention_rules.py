"""Whom a text mentions."""

from __future__ import annotations

import pytest

from cjp_fraud.review.mention_rules import names_mentioned


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@adam look at this", ("adam",)),
        ("thanks, @Adam. And (@bella-1)!", ("adam", "bella-1")),
        ("@adam @ADAM @adam", ("adam",)),
        ("@ada.lovelace: yes", ("ada.lovelace",)),
        ("write to notices@acme.example or ada+x@acme.example", ()),
        ("https://social.example/@acme", ()),
        ("12 @ 3 cents, @@, @", ()),
        ("@jos\u00e9", ("jos\u00e9",)),
        ("", ()),
    ],
)
def test_a_name_is_a_word_that_begins_with_an_at_sign(text: str, names: tuple[str, ...]) -> None:
    assert names_mentioned(text) == names
