"""Calendars of places from the library ``holidays``, fixed with its version and the days that it gave.

https://holidays.readthedocs.io: public holidays by country and subdivision. The library's history changes with its
versions, so a calendar is made once and kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from cjp_fraud.contracts.business_calendar import (
    GOVERNING_LAW,
    RECIPIENT,
    SENDER,
    BusinessCalendar,
    Calendars,
    Holiday,
)
from cjp_fraud.contracts.contract_terms import ContractTerms
from cjp_fraud.contracts.places import Place, place_words
from cjp_fraud.contracts.stated import stated
from cjp_fraud.errors import BadInputError

YEARS_BEFORE: Final = 1
YEARS_AFTER: Final = 3
"""How far a calendar reaches around the year that it is made in."""


def needed_calendars(
    terms: ContractTerms, *, recipient_zone: str, recipient_country: str | None, year: int
) -> Calendars:
    """Return the calendars that the terms of a contract count by.

    Where they count in hours and calendar days alone, that is the recipient's clock, without a list of holidays.
    """
    if not terms.places and not terms.counts_business_time:
        clock = BusinessCalendar(RECIPIENT, recipient_zone, recipient_zone, zone_data=_zone_data())
        return Calendars(recipient_zone, (clock,))
    return calendars_for(
        terms.places, recipient_zone=recipient_zone, recipient_country=recipient_country, year=year
    )


def calendars_for(
    places: Sequence[Place], *, recipient_zone: str, recipient_country: str | None, year: int
) -> Calendars:
    """Return the calendars of the places of a contract, and always the recipient's.

    Parameters
    ----------
    places : as counsel entered them.
    recipient_zone, recipient_country : of the tenant, where the terms do not say otherwise; country ISO 3166-1
        alpha-2, None: not on record, so that no business day of the recipient is known.
    year : around which the lists reach; UTC.

    Raises
    ------
    BadInputError
        If a place has no zone, or a country or subdivision that the library does not know.
    """
    named = {place.name: place for place in places}
    named.setdefault(RECIPIENT, Place(RECIPIENT))
    order = (RECIPIENT, SENDER, GOVERNING_LAW)
    made = []
    for name in sorted(named, key=lambda name: (order.index(name) if name in order else len(order), name)):
        place = named[name]
        of_recipient = name == RECIPIENT
        zone = stated(place.time_zone) or (recipient_zone if of_recipient else None)
        country = stated(place.country) or (recipient_country if of_recipient else None)
        if zone is None:
            raise BadInputError(f"the place {name!r} has no time_zone; write an IANA name")
        made.append(_calendar(place, zone, country, year))
    return Calendars(recipient_zone, tuple(made))


def _calendar(place: Place, zone: str, country: str | None, year: int) -> BusinessCalendar:
    first, last = date(year - YEARS_BEFORE, 1, 1), date(year + YEARS_AFTER, 12, 31)
    subdivision = stated(place.subdivision)
    days: dict[date, str] = {}
    source = "entered by counsel"
    if country is not None:
        days.update(_library_days(country, subdivision, range(first.year, last.year + 1)))
        source = f"holidays {_version('holidays')}, {country}{f'-{subdivision}' if subdivision else ''}"
    for day in place.removed:
        days.pop(day, None)
    days.update({holiday.day: holiday.name for holiday in place.added})
    if country is not None and (place.added or place.removed):
        source += f", with {len(place.added)} days added and {len(place.removed)} taken out by counsel"
    known = country is not None or bool(place.added)
    return BusinessCalendar(
        name=place.name,
        place=place_words(place, zone),
        time_zone=zone,
        opens=stated(place.opens),
        closes=stated(place.closes),
        weekend=place.weekend,
        holidays=tuple(Holiday(day, name) for day, name in sorted(days.items()) if first <= day <= last),
        first=first if known else None,
        last=last if known else None,
        source=source if known else "no list of holidays",
        zone_data=_zone_data(),
    )


def require_known_holidays(country: str, subdivision: str) -> None:
    """Raise BadInputError unless the library knows the public holidays of a subdivision of a country."""
    _library_days(country, subdivision, range(0))


@lru_cache(maxsize=64)
def _library_days(country: str, subdivision: str | None, years: range) -> Mapping[date, str]:
    import holidays  # every command that reads a contract loads this module, few need a calendar

    try:
        days = holidays.country_holidays(country, subdiv=subdivision, years=years, language="en_US")
    except NotImplementedError:
        raise BadInputError(
            f"no public holidays of {country}{f'-{subdivision}' if subdivision else ''} are known to the library "
            "holidays; correct the code, or leave the country out and enter the days under added"
        ) from None
    return dict(days.items())


def _zone_data() -> str:
    return f"tzdata {_version('tzdata')}"


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "of the system"
