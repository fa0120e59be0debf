"""Where calls and messages come from: number ranges, networks, domains and mail addresses that a measure may limit."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from enum import StrEnum
from fractions import Fraction
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Final

from cjp_fraud.contracts.numbering import PREFIX


class OriginForm(StrEnum):
    """In which form an origin is written."""

    NUMBERS = "numbers"
    NETWORK = "network"
    DOMAIN = "domain"
    ADDRESS = "address"


FORMS_OF_CHANNEL: Final[dict[str, frozenset[OriginForm]]] = {
    "voice": frozenset(OriginForm),
    "sms": frozenset({OriginForm.NUMBERS, OriginForm.NETWORK}),
    "chat": frozenset(OriginForm),
    "email": frozenset({OriginForm.NETWORK, OriginForm.DOMAIN, OriginForm.ADDRESS}),
    "social": frozenset(OriginForm),
}
"""Channel → forms of what it comes from: a mail comes from no number, a text message from no domain."""

WIDEST_IPV4: Final = 8
"""All IPv4 networks of one measure together are no more than one of this prefix length."""
WIDEST_IPV6: Final = 20
"""The same of IPv6."""

_INSIDE_IPV6: Final = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
"""IPv4 written as IPv6 (RFC 4291, RFC 6052): the last 32 bits are the IPv4 address."""
_LABEL: Final = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_DOMAIN: Final = re.compile(rf"({_LABEL}\.)+(?!-)(?=[a-z0-9-]*[a-z])[a-z0-9-]{{2,63}}(?<!-)")
_LOCAL_PART: Final = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")


def origin_form(origin: str) -> OriginForm | None:
    """Return in which form an origin is written; None: in none of them."""
    text = origin.casefold()
    local, at, domain = text.rpartition("@")
    if PREFIX.fullmatch(origin):
        return OriginForm.NUMBERS
    if _network(origin) is not None:
        return OriginForm.NETWORK
    if not at and _DOMAIN.fullmatch(text):
        return OriginForm.DOMAIN
    if _LOCAL_PART.fullmatch(local) and _DOMAIN.fullmatch(domain):
        return OriginForm.ADDRESS
    return None


def origin_faults(origins: Collection[str], channels: Collection[str]) -> tuple[str, ...]:
    """Return what is wrong with the origins that a measure limits, a sentence each; none: they are origins.

    Parameters
    ----------
    channels : that are limited; none: not said.
    """
    faults = []
    for origin in origins:
        form = origin_form(origin)
        if form is None:
            faults.append(
                f"origin {origin!r} is no number range (+37120), network (192.0.2.0/24), domain (example.com) "
                "or address (name@example.com)"
            )
            continue
        strange = sorted(
            channel
            for channel in channels
            if form not in FORMS_OF_CHANNEL.get(channel, frozenset(OriginForm))
        )
        if strange:
            faults.append(f"origin {origin!r} is a {form}; {', '.join(strange)} does not come from one")
    return (*faults, *_network_faults(origins))


def origin_within(inner: str, outer: str) -> bool:
    """Whether an origin, or a beginning of numbers, names a part of what the other one names, or the same."""
    if PREFIX.fullmatch(inner) and PREFIX.fullmatch(outer):
        return inner.startswith(outer)
    within, around = _network(inner), _network(outer)
    if isinstance(within, IPv4Network) and isinstance(around, IPv4Network):
        return within.subnet_of(around)
    if isinstance(within, IPv6Network) and isinstance(around, IPv6Network):
        return within.subnet_of(around)
    name, domain = inner.casefold(), outer.casefold()
    if name == domain:
        return True
    return origin_form(outer) is OriginForm.DOMAIN and name.endswith((f"@{domain}", f".{domain}"))


def _network_faults(origins: Iterable[str]) -> list[str]:
    networks = [network for origin in origins if (network := _network(origin)) is not None]
    faults = [
        f"origin {network} is this machine's, a group's or nobody's; name the network outside"
        for network in networks
        if network.is_loopback or network.is_multicast or network.is_unspecified
    ]
    in_ipv4 = collapse_addresses(each for each in networks if isinstance(each, IPv4Network))
    in_ipv6 = collapse_addresses(each for each in networks if isinstance(each, IPv6Network))
    for apart, widest in ((in_ipv4, WIDEST_IPV4), (in_ipv6, WIDEST_IPV6)):
        covered = sum((Fraction(1, 2**network.prefixlen) for network in apart), Fraction(0))
        if covered > Fraction(1, 2**widest):
            faults.append(
                f"the networks are more than a /{widest} in all, which is not where a flood comes from; "
                "name those that it came from"
            )
    return faults


def _network(origin: str) -> IPv4Network | IPv6Network | None:
    """Return the network or the single address that an origin names; None: it names none."""
    try:
        network = ip_network(origin)
    except ValueError:
        return None
    if isinstance(network, IPv6Network):
        for outer in _INSIDE_IPV6:
            if network.subnet_of(outer):
                inner = int(network.network_address) & 0xFFFFFFFF
                return IPv4Network((inner, network.prefixlen - 96))
    return network
