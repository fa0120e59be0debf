"""Origins are number ranges, networks, domains or addresses; none of them is everybody."""

from __future__ import annotations

import pytest

from cjp_fraud.contracts.origins import OriginForm, origin_faults, origin_form


@pytest.mark.parametrize(
    ("origin", "form"),
    [
        ("+37120", OriginForm.NUMBERS),
        ("192.0.2.0/24", OriginForm.NETWORK),
        ("192.0.2.7", OriginForm.NETWORK),
        ("2001:db8::/32", OriginForm.NETWORK),
        ("spam.example.com", OriginForm.DOMAIN),
        ("Sender@Example.com", OriginForm.ADDRESS),
    ],
)
def test_an_origin_is_read_in_its_form(origin: str, form: OriginForm) -> None:
    assert origin_form(origin) is form
    assert origin_faults([origin], ()) == ()


@pytest.mark.parametrize(
    "origin",
    [
        *("everything", "any", "*", "com", ".com", "*.com", "x", "-.com", "a@b", "@example.com"),
        *("37120", "+0", "+", "0/0", "1.2.3", "1.2.3.256", "10.0.0.1/8", "1.2", ""),
    ],
)
def test_a_word_is_no_origin(origin: str) -> None:
    assert origin_form(origin) is None
    assert "is no number range" in origin_faults([origin], ())[0]


@pytest.mark.parametrize(
    "origins",
    [
        ["0.0.0.0/0"],
        ["::/0"],
        ["0.0.0.0/1", "128.0.0.0/1"],
        [f"{first}.0.0.0/8" for first in range(1, 100)],
        ["2000::/3"],
        ["::ffff:0:0/96"],
        ["::ffff:0.0.0.0/96"],
        ["64:ff9b::/96"],
    ],
)
def test_networks_of_everybody_are_refused(origins: list[str]) -> None:
    assert any("more than a /" in fault for fault in origin_faults(origins, ()))


@pytest.mark.parametrize("origin", ["127.0.0.1", "0.0.0.0", "::", "::1", "224.0.0.1"])
def test_networks_from_which_nothing_comes_are_refused(origin: str) -> None:
    assert "name the network outside" in origin_faults([origin], ())[0]


@pytest.mark.parametrize(
    ("channel", "origin", "fits"),
    [
        ("email", "+37120", False),
        ("email", "example.com", True),
        ("sms", "example.com", False),
        ("sms", "+37120", True),
        ("voice", "example.com", True),
    ],
)
def test_an_origin_is_one_that_the_channel_has(channel: str, origin: str, fits: bool) -> None:
    assert (origin_faults([origin], [channel]) == ()) is fits
