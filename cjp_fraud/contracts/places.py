"""Places whose days and hours notice terms count in: what counsel enters of each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cjp_fraud.contracts.business_calendar import Holiday
from cjp_fraud.contracts.countries import is_country, no_country
from cjp_fraud.contracts.stated import NOT_STATED, Stated, Unstated, WallTime, stated
from cjp_fraud.errors import BadInputError

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Place:
    """A place that notice terms name.

    Parameters
    ----------
    name : recipient, sender, governing_law, or a name that the terms use, in small letters.
    words : how sentences call it; not stated: by its zone.
    time_zone : IANA; of the recipient not stated: the tenant's.
    country, subdivision : ISO 3166-1 alpha-2 and the code after it in ISO 3166-2, whose public holidays count; of
        the recipient not stated: the country of the contract.
    opens, closes : business hours; not stated: a day's end counts, the later reading.
    weekend : days that are no business days, Monday is 1.
    added, removed : corrections of the list of holidays: days that are none in the list and count as one, and days of
        the list on which business is done.
    """

    name: str
    words: Stated[str] = NOT_STATED
    time_zone: Stated[str] = NOT_STATED
    country: Stated[str] = NOT_STATED
    subdivision: Stated[str] = NOT_STATED
    opens: Stated[WallTime] = NOT_STATED
    closes: Stated[WallTime] = NOT_STATED
    weekend: tuple[int, ...] = (6, 7)
    added: tuple[Holiday, ...] = ()
    removed: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            raise BadInputError(
                f"{self.name!r} is no name of a place; write small letters, for example sender"
            )
        if not isinstance(self.time_zone, Unstated):
            require_zone(self.time_zone)
        if not isinstance(self.country, Unstated) and not is_country(self.country):
            raise BadInputError(no_country(self.country))
        if not all(1 <= day <= 7 for day in self.weekend) or set(self.weekend) >= set(range(1, 8)):
            raise BadInputError(
                f"weekend {list(self.weekend)}: write days from 1 (Monday) to 7, not all of them"
            )
        if isinstance(self.opens, time) and isinstance(self.closes, time) and self.opens >= self.closes:
            raise BadInputError(f"business hours from {self.opens} to {self.closes} end before they begin")
        if isinstance(self.opens, time) != isinstance(self.closes, time):
            raise BadInputError("business hours need opens and closes, or neither")


def require_zone(name: str) -> str:
    """Return ``name`` if it is an IANA time zone; raises BadInputError if not."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInputError(
            f"{name!r} is no time zone; write an IANA name, for example America/Toronto"
        ) from None
    return name


def place_words(place: Place, zone: str) -> str:
    """Return how sentences call a place: in its own words, or by the city of its zone."""
    return stated(place.words) or zone.rpartition("/")[2].replace("_", " ")
