"""The countries that simulated tenants are in: zones, language, and how many tenants each has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    """A country.

    Attributes
    ----------
    code : ISO 3166-1, two letters; also the calendar of its holidays.
    zones : IANA names, drawn evenly.
    language : of its tenants' letters.
    weight : how many tenants are in it, relative to the others.
    neighbour : where its tenants' few international calls go.
    """

    code: str
    zones: tuple[str, ...]
    language: str
    weight: float
    neighbour: str


COUNTRIES = (
    Country(
        "US",
        ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Phoenix"),
        "en",
        40,
        "CA",
    ),
    Country("CA", ("America/Toronto", "America/Vancouver", "America/St_Johns"), "en", 5, "US"),
    Country("GB", ("Europe/London",), "en", 12, "IE"),
    Country("DE", ("Europe/Berlin",), "de", 8, "AT"),
    Country("FR", ("Europe/Paris",), "fr", 5, "BE"),
    Country("ES", ("Europe/Madrid",), "es", 3, "PT"),
    Country("NL", ("Europe/Amsterdam",), "nl", 3, "BE"),
    Country("PL", ("Europe/Warsaw",), "pl", 2, "DE"),
    Country("BR", ("America/Sao_Paulo",), "pt", 4, "PT"),
    Country("MX", ("America/Mexico_City",), "es", 3, "US"),
    Country("IN", ("Asia/Kolkata",), "en", 4, "AE"),
    Country("JP", ("Asia/Tokyo",), "ja", 3, "KR"),
    Country("AU", ("Australia/Sydney", "Australia/Adelaide", "Australia/Perth"), "en", 4, "NZ"),
    Country("ZA", ("Africa/Johannesburg",), "en", 2, "NA"),
    Country("SG", ("Asia/Singapore",), "en", 2, "MY"),
)

ZONES = tuple(sorted({zone for country in COUNTRIES for zone in country.zones}))
"""All zones of tenants."""
