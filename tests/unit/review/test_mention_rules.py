"""Whom a text mentions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cjp_fraud.review.mention_rules import mail_is_due, names_mentioned


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


def test_a_mail_is_tried_at_once_then_after_waits_that_double_and_not_after_a_day() -> None:
    mentioned_at, minute = datetime(2026, 1, 31, 9, tzinfo=UTC), timedelta(minutes=1)
    tried, tried_at = [], None
    for minutes in range(3 * 24 * 60):
        now = mentioned_at + minutes * minute
        if mail_is_due(mentioned_at, tried_at, now):
            tried_at = now
            tried.append(minutes)
    assert tried == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
