"""The rule of joint spikes: in a quarter of an hour many more tenants of a group are flagged than usual."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import exp, log
from typing import Final

QUARTER_SECONDS: Final = 900
FEWEST_TENANTS: Final = 5
LEAST_USUAL_SHARE: Final = 0.001
"""Of the quarters of an hour of a series, flagged: however quiet the weeks before were, so many count as usual."""
MOST_BY_CHANCE: Final = 1e-6
"""About one quarter of an hour in a year, with thirty groups, if tenants had nothing to do with each other."""


class GroupKind(StrEnum):
    """What the tenants of a group have in common."""

    ALL = "all"
    COUNTRY = "country"
    STREAM = "stream"
    APPLICATION = "application"


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """Tenants that may be hit by the same thing.

    Parameters
    ----------
    name : of the country (ISO 3166-1, two letters), of channel and direction (``voice outbound``), of the application;
        empty for all.
    """

    kind: GroupKind
    name: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """Traffic of a tenant, whatever the length of its intervals."""

    tenant_id: str
    channel: str
    direction: str
    application_id: str | None


@dataclass(frozen=True, slots=True)
class JointGroup:
    """A group of which many more tenants than usual are flagged in the same quarter of an hour.

    Parameters
    ----------
    tenants : those flagged, sorted.
    with_traffic : tenants of the group that were scored in it.
    usual : how many flagged tenants would be usual.
    by_chance : how likely so many are, at most, if the tenants had nothing to do with each other.
    """

    group: Group
    tenants: tuple[str, ...]
    with_traffic: int
    usual: float
    by_chance: float


@dataclass(frozen=True, slots=True)
class JointSpikeRow:
    """A joint group with its time: ``quarter_start``, first flagged interval's start, last one's end; aware."""

    quarter_start: datetime
    begins_at: datetime
    ends_at: datetime
    joint: JointGroup


def joint_groups(
    with_traffic: Collection[Line],
    flagged: Collection[Line],
    country_of: Mapping[str, str],
    usual_share: float,
) -> list[JointGroup]:
    """Find the groups that are flagged together in one quarter of an hour, the least likely first.

    Once a group is found, its lines are left out and the rest is looked at again, so that a flag belongs to one group
    at most.

    Parameters
    ----------
    with_traffic : lines that were scored in the quarter.
    flagged : those of them that were flagged in it.
    country_of : country of a tenant, where it is known.
    usual_share : of the quarters of an hour of a line, flagged.

    Notes
    -----
    With n tenants in the group, of whom k are flagged, l lines, and p = usual_share · l / n: the chance of k or more is
    at most exp(−n · (q ln(q / p) + (1 − q) ln((1 − q) / (1 − p)))), q = k / n > p (Hoeffding 1963, theorem 1; for
    independent tenants that need not be alike). Joint are at least 5 tenants, at least three times the usual number
    n · p, with a chance of at most 1e-6.
    """
    rest, hit = set(with_traffic) | set(flagged), set(flagged)
    joint = []
    while best := _least_likely(rest, hit, country_of, max(usual_share, LEAST_USUAL_SHARE)):
        joint.append(best)
        own = members(best.group, rest, country_of)
        rest.difference_update(own)
        hit.difference_update(own)
    return joint


def groups_of(line: Line, country_of: Mapping[str, str]) -> tuple[Group, ...]:
    """The groups that a line belongs to."""
    country = country_of.get(line.tenant_id)
    return (
        Group(GroupKind.ALL),
        Group(GroupKind.STREAM, f"{line.channel} {line.direction}"),
        *((Group(GroupKind.COUNTRY, country),) if country else ()),
        *((Group(GroupKind.APPLICATION, line.application_id),) if line.application_id else ()),
    )


def chance_of(flagged: int, tenants: int, usual: float) -> float:
    """Bound of the chance that so many of the tenants or more are flagged where ``usual`` are; 1: it says nothing."""
    share, p = flagged / tenants, usual / tenants
    if share <= p or p >= 1:
        return 1.0
    divergence = share * log(share / p)
    if share < 1:
        divergence += (1 - share) * log((1 - share) / (1 - p))
    return exp(-tenants * divergence)


def _least_likely(
    lines: Collection[Line], hit: Collection[Line], country_of: Mapping[str, str], usual_share: float
) -> JointGroup | None:
    # Few lines are flagged, and a group with too few of them cannot be joint: only the others are counted whole.
    flagged: dict[Group, set[str]] = defaultdict(set)
    for line in hit:
        for group in groups_of(line, country_of):
            flagged[group].add(line.tenant_id)
    joint = []
    for group, tenants in flagged.items():
        if len(tenants) < FEWEST_TENANTS:
            continue
        present = [line.tenant_id for line in members(group, lines, country_of)]
        n, usual = len(set(present)), usual_share * len(present)
        chance = chance_of(len(tenants), n, usual)
        if len(tenants) >= 3 * usual and chance <= MOST_BY_CHANCE:
            joint.append(JointGroup(group, tuple(sorted(tenants)), n, usual, chance))
    return min(joint, key=_likelihood, default=None)


def members(group: Group, lines: Iterable[Line], country_of: Mapping[str, str]) -> list[Line]:
    """The lines that belong to a group: those of which :func:`groups_of` names it."""
    name = group.name
    match group.kind:
        case GroupKind.ALL:
            return list(lines)
        case GroupKind.COUNTRY:
            return [line for line in lines if country_of.get(line.tenant_id) == name]
        case GroupKind.STREAM:
            return [line for line in lines if f"{line.channel} {line.direction}" == name]
        case GroupKind.APPLICATION:
            return [line for line in lines if line.application_id == name]


def _likelihood(joint: JointGroup) -> tuple[float, int, Group]:
    """The chance and, where it is the same, the wider group first."""
    return joint.by_chance, list(GroupKind).index(joint.group.kind), joint.group
