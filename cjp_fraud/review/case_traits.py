"""What cases of different tenants may share: which traits a case shows, and how alike two cases are; a pure rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from cjp_fraud.review.case_outline import OutlinedFlag

MOST_SHOWN: Final = 5
"""Similar cases that a reader is shown."""
MOST_CHARACTERS: Final = 200

_MOST_PRINCIPALS: Final = 10
_MOST_COUNTRIES: Final = 3


class TraitKind(StrEnum):
    """In what cases may be alike, the most telling first."""

    PRINCIPAL = "principal"
    DESTINATION_RANGE = "destination_range"
    APPLICATION = "application"
    COUNTRY = "country"
    GROUND = "ground"
    HOUR = "hour"


WEIGHT: Final[Mapping[TraitKind, int]] = {
    TraitKind.PRINCIPAL: 8,
    TraitKind.DESTINATION_RANGE: 6,
    TraitKind.APPLICATION: 4,
    TraitKind.COUNTRY: 3,
    TraitKind.GROUND: 2,
    TraitKind.HOUR: 1,
}
"""How telling it is that two cases share a trait of a kind."""

LEAST_WEIGHT: Final = 2
"""Cases that share no more than the hour of the day are not similar."""


class Trait(NamedTuple):
    """Something that a case shows.

    ``value`` is the id of a user, a credential or an application; a range as ``+3712``; ``outbound LV``; a ground;
    or ``outbound voice 02`` for the hour of the tenant's local day in which the flags begin.
    """

    kind: TraitKind
    value: str


@dataclass(frozen=True, slots=True)
class Match:
    """A case that shares traits with another, the most telling first."""

    case_id: str
    shares: tuple[Trait, ...]

    @property
    def weight(self) -> int:
        """How telling it is: each kind of trait counts once."""
        return sum(WEIGHT[kind] for kind in {trait.kind for trait in self.shares})


def traits_of_flags(flags: Collection[OutlinedFlag], time_zone: str) -> frozenset[Trait]:
    """Return what a case's flags show: applications, countries that they name, and the hour in which they begin.

    Parameters
    ----------
    flags : at least one.
    time_zone : IANA zone of the tenant.
    """
    first = min(flags, key=lambda flag: flag.start)
    hour = f"{first.direction} {first.channel} {_hour(first.start, time_zone):02d}"
    return frozenset(
        [
            Trait(TraitKind.HOUR, hour),
            *(Trait(TraitKind.APPLICATION, flag.application_id) for flag in flags if flag.application_id),
            *(
                Trait(TraitKind.COUNTRY, f"{flag.direction} {country}")
                for flag in flags
                if (country := flag.reasons.get("country"))
            ),
        ]
    )


def traits_of_rows(rows: Iterable[Mapping[str, Any]]) -> frozenset[Trait]:
    """Return what rows by principal of flagged intervals show: the busiest principals and countries.

    Parameters
    ----------
    rows : ``principal_id``, ``direction``, ``contacts_offered``, and ``countries`` (pairs of country and contacts)
        where the source says it.
    """
    principals: Counter[str] = Counter()
    countries: Counter[str] = Counter()
    for row in rows:
        principals[str(row["principal_id"])] += row.get("contacts_offered") or 0
        if "direction" in row:
            for country, contacts in dict(row.get("countries") or ()).items():
                countries[f"{row['direction']} {country}"] += contacts
    return frozenset(
        [
            *(
                Trait(TraitKind.PRINCIPAL, name)
                for name, count in principals.most_common(_MOST_PRINCIPALS)
                if count
            ),
            *(
                Trait(TraitKind.COUNTRY, name)
                for name, count in countries.most_common(_MOST_COUNTRIES)
                if count
            ),
        ]
    )


def traits_of_finding(grounds: Iterable[str], prefixes: Iterable[str]) -> frozenset[Trait]:
    """Return what a finding of fraud shows: its grounds, and the ranges that are to be blocked."""
    return frozenset(
        [
            *(Trait(TraitKind.GROUND, str(ground)) for ground in grounds),
            *(Trait(TraitKind.DESTINATION_RANGE, prefix) for prefix in prefixes),
        ]
    )


def ranked(shared: Mapping[str, Collection[Trait]]) -> tuple[Match, ...]:
    """Return the cases that are similar, the most alike first, of these the newest.

    Parameters
    ----------
    shared : id of a case (it grows with time) → traits that it shares.
    """
    matches = (Match(case_id, tuple(sorted(traits, key=_telling))) for case_id, traits in shared.items())
    alike = [match for match in matches if match.weight >= LEAST_WEIGHT]
    return tuple(sorted(alike, key=lambda match: (match.weight, match.case_id), reverse=True))


def _telling(trait: Trait) -> tuple[int, str]:
    return -WEIGHT[trait.kind], trait.value


def _hour(at: datetime, time_zone: str) -> int:
    return at.astimezone(ZoneInfo(time_zone)).hour
