"""Turn a profile of statements of reasons on or off, and read which are in force; counsel's act.

It holds for one contracting entity, as contracts name it, or for the provider as a whole: then for each entity for
which counsel has decided nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.clock import aware
from cjp_fraud.contracts.reason_profiles import ProfileInForce, ReasonProfile
from cjp_fraud.contracts.tables import (
    ContractDocuments,
    Provider,
    ReasonProfileVersion,
    Subscription,
    Tenant,
)
from cjp_fraud.errors import NotFoundError, refuse_unless
from cjp_fraud.people.model import Decision, Role
from cjp_fraud.storage.read_rows import has_none

# Made once: to make a statement takes longer than to run it.
_ENTERED: Final = (
    select(ReasonProfileVersion)
    .where(
        ReasonProfileVersion.provider_id == bindparam("provider_id"),
        or_(
            ReasonProfileVersion.contracting_entity == "",
            ReasonProfileVersion.contracting_entity == bindparam("entity"),
        ),
        ReasonProfileVersion.entered_at <= bindparam("at"),
    )
    # The provider's decisions come first, so that the entity's own, where it has any, takes their place.
    .order_by(
        ReasonProfileVersion.profile,
        ReasonProfileVersion.contracting_entity != "",
        ReasonProfileVersion.version,
    )
)


def enter_profile(
    decision: Decision,
    provider_id: str,
    profile: ReasonProfile,
    *,
    in_force: bool,
    source: str,
    entity: str = "",
    out_of_court: Sequence[str] = (),
    mediators: Sequence[str] = (),
) -> ReasonProfileVersion:
    """Record that counsel turns a profile on or off; what was so before stays on record.

    Parameters
    ----------
    source : what it rests on, for example counsel's opinion by its number.
    entity : contracting entity, as contracts of the provider name it; empty: the provider as a whole.

    Raises
    ------
    Refused
        If it is not counsel who acts, or no source is named.
    NotFoundError
        If there is no such provider, or no contract of it that is in force names the entity.
    """
    session, by = decision.session, decision.by
    for_whom = f"{entity} of provider {provider_id}" if entity else f"provider {provider_id}"
    refuse_unless(
        (by.may(Role.COUNSEL), f"{by} is not counsel"),
        (bool(source.strip()), "name the source: counsel's opinion, by its number or date"),
        action=f"change profile {profile} of {for_whom}",
    )
    if session.get(Provider, provider_id, with_for_update=True) is None:
        known = ", ".join(session.scalars(select(Provider.id).order_by(Provider.id)))
        raise NotFoundError(f"no provider {provider_id!r} is on record; there are {known or 'none'}")
    named = contracting_entities(session, provider_id)
    if entity and entity not in named:
        raise NotFoundError(
            f"no contract of provider {provider_id} names the contracting entity {entity!r}; there are "
            f"{', '.join(named) or 'none'}"
        )
    of_profile = (
        ReasonProfileVersion.provider_id == provider_id,
        ReasonProfileVersion.contracting_entity == entity,
        ReasonProfileVersion.profile == profile,
    )
    newest = session.scalar(select(func.max(ReasonProfileVersion.version)).where(*of_profile)) or 0
    version = ReasonProfileVersion(
        provider_id=provider_id,
        contracting_entity=entity,
        profile=profile,
        version=newest + 1,
        in_force=in_force,
        out_of_court=[each.strip() for each in out_of_court if each.strip()],
        mediators=[each.strip() for each in mediators if each.strip()],
        source=source.strip(),
        entered_by=by.reference,
        entered_at=aware(decision.at),
    )
    session.add(version)
    session.flush()
    content = {"profile": profile, "version": version.version, "in_force": in_force, "entity": entity}
    append(decision, "provider.reason_profile", "reason_profiles", version.id, content)
    return version


def profiles_in_force(
    session: Session, provider_id: str, entity: str | None, at: datetime
) -> tuple[ProfileInForce, ...]:
    """Return the profiles that are on at ``at`` (aware) for who contracted, in the order of their names.

    Parameters
    ----------
    entity : contracting entity, as the contract names it; None: it names none.
    """
    if has_none(session, ReasonProfileVersion, provider_id):
        return ()
    asked = {"provider_id": provider_id, "entity": entity or "", "at": aware(at)}
    rows = session.scalars(_ENTERED, asked)
    newest = {row.profile: row for row in rows}
    return tuple(
        ProfileInForce(profile, tuple(row.out_of_court), tuple(row.mediators))
        for profile, row in newest.items()
        if row.in_force
    )


def contracting_entities(session: Session, provider_id: str) -> tuple[str, ...]:
    """Return the contracting entities that the contracts in force name, and those with decisions, in their order."""
    documents = session.scalars(
        select(ContractDocuments.documents)
        .join(Subscription, Subscription.id == ContractDocuments.subscription_id)
        .join(Tenant, Tenant.id == Subscription.tenant_id)
        .where(Tenant.provider_id == provider_id, ContractDocuments.valid_to.is_(None))
    )
    named = {json.loads(each).get("contracting_entity") for each in documents}
    decided = session.scalars(
        select(ReasonProfileVersion.contracting_entity).where(ReasonProfileVersion.provider_id == provider_id)
    )
    return tuple(sorted({each for each in (*named, *decided) if each}))
