"""Email addresses: what may stand in an envelope, and nothing that could end a line there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.contracts.methods import is_email_address, require_email_address
from cjp_fraud.errors import BadInputError


@pytest.mark.parametrize(
    "text", ["a@b.example", "first.last+tag@sub.b-c.example", "o'neil@xn--bcher-kva.example", "x@localhost"]
)
def test_plain_addresses_are_accepted(text: str) -> None:
    assert require_email_address(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "@b.example",
        "a@",
        "a@@b.example",
        "a b@c.example",
        ".a@b.example",
        "a..b@c.example",
        "a@-b.example",
        "a@b..example",
        "a@b.example.",
        "a@bücher.example",
        "<a@b.example>",
        "a@b.example,c@d.example",
        "a@b.example\n",
        "a" * 65 + "@b.example",
        "a@" + "b" * 64 + ".example",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="not an email address"):
        require_email_address(text)


@given(st.text(max_size=60))
def test_no_accepted_address_can_leave_its_place_in_a_command_or_header(text: str) -> None:
    if is_email_address(text):
        assert text.isascii()
        assert text.isprintable()
        assert not set(text) & set(' <>,;:"\\()[]')
