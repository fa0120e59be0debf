"""Whether one measure restricts less than another, so that a standing one can be narrowed to it; pure rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from cjp_fraud.contracts.origins import origin_within
from cjp_fraud.contracts.restriction import MeasureKind, Scope, consent_reasons, in_words
from cjp_fraud.review.measure_candidates import candidates
from cjp_fraud.review.measure_fit import Flagged, measure_misfits
from cjp_fraud.review.measure_replay import ReplayedMeasure, replayed

_NAMED_ONE_BY_ONE: Final = ("channels", "directions", "principal_ids", "application_ids")


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class Restriction:
    """What a measure restricts; its JSON is made and read by :mod:`cjp_fraud.documents`."""

    kind: MeasureKind
    scope: Scope

    @property
    def words(self) -> str:
        """The kind, and what it names: ``block_destinations (voice, outbound, +371)``."""
        named = in_words(self.scope)
        return f"{self.kind} ({named})" if named else str(self.kind)


def narrower_faults(standing: Restriction, wanted: Restriction, flagged: Flagged) -> tuple[str, ...]:
    """Return why a standing measure cannot be narrowed to another one, a sentence each; none: it can.

    Parameters
    ----------
    flagged : what was frozen with the determination; the narrower measure must still fit it.
    """
    faults = list(measure_misfits(wanted.kind, wanted.scope, flagged))
    if not restricts_less(standing, wanted):
        faults.append(
            f"{wanted.words} is not narrower than {standing.words}, which is in force: it must restrict a part of "
            "that and nothing else"
        )
    if not _consent_needed(standing):  # else counsel has consented to more than this
        faults += _consent_needed(wanted)
    if flagged.replay is not None and replayed(wanted.kind, wanted.scope, flagged.replay).stops == 0:
        faults.append(
            f"{wanted.words} stops nothing of the excess; lift the measure instead (of a dispute: uphold it)"
        )
    return tuple(faults)


def narrower_candidates(
    standing: Restriction, flagged: Flagged, *, home: str | None = None
) -> tuple[ReplayedMeasure, ...]:
    """Return the measures that a standing one can be narrowed to, replayed, the narrowest first.

    Parameters
    ----------
    home : country of the tenant (ISO 3166-1); None: not known.
    """
    return tuple(
        each
        for each in candidates(flagged, home=home)
        if not narrower_faults(standing, narrowed_to(each.kind, each.scope), flagged)
    )


def narrowed_to(kind: MeasureKind, scope: Scope) -> Restriction:
    """Return what a standing measure becomes: of calls in progress it says nothing, since it begins nothing new."""
    return Restriction(kind, replace(scope, calls_in_progress=None, cut_calls_to=()))


def share_freed(before: Restriction, after: Restriction, flagged: Flagged) -> float | None:
    """Return which part of the usual contacts that were restricted passes again, 0 to 1; None: the rows do not tell."""
    if flagged.replay is None:
        return None
    was, is_now = (replayed(each.kind, each.scope, flagged.replay).cuts_per_hour for each in (before, after))
    if was is None or is_now is None or was <= 0:
        return None
    return min(1.0, max(0.0, 1 - is_now / was))


def restricts_less(standing: Restriction, wanted: Restriction) -> bool:
    """Whether ``wanted`` restricts a part of what ``standing`` restricts, and nothing else."""
    return _lies_within(standing, wanted) and not _lies_within(wanted, standing)


def chain_faults(approved: Restriction, steps: Iterable[tuple[Restriction, Restriction]]) -> tuple[str, ...]:
    """Return where the narrowings of one measure do not follow from each other, a sentence each.

    Parameters
    ----------
    approved : what the measure was approved as.
    steps : what each narrowing began from and led to, in their order.
    """
    faults, standing = [], approved
    for before, after in steps:
        if before != standing:
            faults.append(f"was narrowed from {before.words}, and {standing.words} was in force")
        if not restricts_less(before, after):
            faults.append(f"was narrowed from {before.words} to {after.words}, which is not narrower")
        standing = after
    return tuple(faults)


def _consent_needed(restriction: Restriction) -> tuple[str, ...]:
    """Return why a restriction needs counsel's consent by itself, whoever the tenant is."""
    return consent_reasons(restriction.kind, restriction.scope, critical=False, former_address_erased=False)


def _lies_within(outer: Restriction, inner: Restriction) -> bool:
    """Whether all that ``inner`` restricts is restricted by ``outer`` too."""
    for name in _NAMED_ONE_BY_ONE:
        if not _part_of(getattr(inner.scope, name), getattr(outer.scope, name)):
            return False
    for name in ("destination_prefixes", "origins"):
        if not _ranges_within(getattr(inner.scope, name), getattr(outer.scope, name)):
            return False
    passes = outer.scope.contacts_per_hour
    if passes is None:
        return True
    return inner.scope.contacts_per_hour is not None and inner.scope.contacts_per_hour >= passes


def _part_of(inner: Collection[str], outer: Collection[str]) -> bool:
    """Whether what one field names lies within what the other names; an empty field does not narrow a measure."""
    return not outer or (bool(inner) and set(inner) <= set(outer))


def _ranges_within(inner: Collection[str], outer: Collection[str]) -> bool:
    if not outer:
        return True
    return bool(inner) and all(any(origin_within(each, other) for other in outer) for each in inner)
