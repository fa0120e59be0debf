"""Cases of other tenants that share something with a case: what each shows is kept, and found again by index."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import CompoundSelect, bindparam, func, select, union_all
from sqlalchemy.orm import Session

from cjp_fraud.people.model import Reach
from cjp_fraud.review.case_reach import within_reach
from cjp_fraud.review.case_traits import MOST_CHARACTERS, MOST_SHOWN, WEIGHT, Match, Trait, TraitKind, ranked
from cjp_fraud.review.decision_tables import Determination
from cjp_fraud.review.model import CaseState, Finding
from cjp_fraud.review.tables import Case, CaseTrait
from cjp_fraud.storage.database import in_parts

# Made once: to make a statement takes longer than to run it.
_OWN: Final = (
    select(CaseTrait.kind, CaseTrait.value).where(CaseTrait.case_id == bindparam("case_id")).distinct()
)

_MOST_TRAITS: Final = 24
_MOST_OF_A_TRAIT: Final = 50
"""Cases that are looked at for one trait, the newest ones."""
_MOST_LOOKED_AT: Final = 50
"""Matches of which it is asked whether the reader may see them."""


@dataclass(frozen=True, slots=True)
class SharedTrait:
    """Something that two cases share; ``value`` as :class:`~cjp_fraud.review.case_traits.Trait` has it."""

    kind: TraitKind
    value: str


@dataclass(frozen=True, slots=True)
class SimilarCase:
    """A case of another tenant with what it shares, the most telling first.

    Parameters
    ----------
    finding, found_at : of the newest determination; None: nobody found anything yet.
    """

    number: int
    tenant_id: str
    state: CaseState
    opened_at: datetime
    finding: Finding | None
    found_at: datetime | None
    shares: tuple[SharedTrait, ...]


def keep_traits(session: Session, traits: Mapping[str, Collection[Trait]]) -> None:
    """Keep what cases show, beside what is kept of them; a trait stays, also where its flag was taken back.

    Parameters
    ----------
    traits : id of a case → what it shows.
    """
    kept: set[tuple[str, Trait]] = set()
    for some in in_parts(sorted(traits)):
        rows = select(CaseTrait.case_id, CaseTrait.kind, CaseTrait.value).where(CaseTrait.case_id.in_(some))
        kept |= {(case_id, Trait(kind, value)) for case_id, kind, value in session.execute(rows)}
    session.add_all(
        CaseTrait(case_id=case_id, kind=trait.kind, value=trait.value)
        for case_id in sorted(traits)
        for trait in sorted(traits[case_id])
        if len(trait.value) <= MOST_CHARACTERS and (case_id, trait) not in kept
    )


def similar_cases(session: Session, case: Case, reach: Collection[Reach] | None) -> tuple[SimilarCase, ...]:
    """Return the cases of other tenants that are most alike, five at most; none that the reader's roles do not reach.

    Parameters
    ----------
    reach : how far the reader's roles reach; None: to every case.
    """
    matches = ranked(_shared(session, case))[:_MOST_LOOKED_AT]
    if not matches:
        return ()
    newest = (
        select(Determination.case_id, func.max(Determination.number).label("number"))
        .where(Determination.case_id.in_([match.case_id for match in matches]))
        .group_by(Determination.case_id)
        .subquery()
    )
    rows = session.execute(
        select(Case, Determination.finding, Determination.at)
        .outerjoin(newest, newest.c.case_id == Case.id)
        .outerjoin(
            Determination, (Determination.case_id == Case.id) & (Determination.number == newest.c.number)
        )
        .where(
            Case.id.in_([match.case_id for match in matches]),
            Case.tenant_id != case.tenant_id,
            within_reach(reach),
        )
    )
    seen = {row.id: (row, finding, at) for row, finding, at in rows}
    return tuple(_view(match, *seen[match.case_id]) for match in matches if match.case_id in seen)[
        :MOST_SHOWN
    ]


def _shared(session: Session, case: Case) -> Mapping[str, Collection[Trait]]:
    """Return the newest cases that show a trait of this one, with what they share."""
    traits = [Trait(kind, value) for kind, value in session.execute(_OWN, {"case_id": case.id})]
    traits = sorted(traits, key=lambda trait: (-WEIGHT[trait.kind], trait.value))[:_MOST_TRAITS]
    if not traits:
        return {}
    asked: dict[str, Any] = {"case_id": case.id}
    for number, trait in enumerate(traits):
        asked |= {f"kind_{number}": trait.kind, f"value_{number}": trait.value}
    shared: dict[str, set[Trait]] = defaultdict(set)
    for case_id, kind, value in session.execute(_of_traits(len(traits)), asked):
        shared[case_id].add(Trait(TraitKind(kind), value))
    return shared


@cache
def _of_traits(count: int) -> CompoundSelect[Any]:
    """Return what reads the newest cases that show each of so many traits ``:kind_0``, ``:value_0``, ``:kind_1`` ..."""
    newest = (
        select(CaseTrait.case_id, CaseTrait.kind, CaseTrait.value)
        .where(
            CaseTrait.kind == bindparam(f"kind_{number}"),
            CaseTrait.value == bindparam(f"value_{number}"),
            CaseTrait.case_id != bindparam("case_id"),
        )
        .order_by(CaseTrait.case_id.desc())
        .limit(_MOST_OF_A_TRAIT)
        for number in range(count)
    )
    return union_all(*(select(each.subquery()) for each in newest))


def _view(match: Match, case: Case, finding: Finding | None, found_at: datetime | None) -> SimilarCase:
    return SimilarCase(
        number=case.number,
        tenant_id=case.tenant_id,
        state=case.state,
        opened_at=case.opened_at,
        finding=finding,
        found_at=found_at,
        shares=tuple(SharedTrait(*trait) for trait in match.shares),
    )
