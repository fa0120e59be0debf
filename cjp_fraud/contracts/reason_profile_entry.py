"""Turn a profile of statements of reasons on or off for a provider, and read which are in force; counsel's act."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.clock import aware
from cjp_fraud.contracts.reason_profiles import ProfileInForce, ReasonProfile
from cjp_fraud.contracts.tables import Provider, ReasonProfileVersion
from cjp_fraud.errors import NotFoundError, refuse_unless
from cjp_fraud.people.model import Decision, Role


def enter_profile(
    decision: Decision,
    provider_id: str,
    profile: ReasonProfile,
    *,
    in_force: bool,
    source: str,
    out_of_court: Sequence[str] = (),
    mediators: Sequence[str] = (),
) -> ReasonProfileVersion:
    """Record that counsel turns a profile on or off; what was so before stays on record.

    Parameters
    ----------
    source : what it rests on, for example counsel's opinion by its number.

    Raises
    ------
    Refused
        If it is not counsel who acts, or no source is named.
    NotFoundError
        If there is no such provider.
    """
    session, by = decision.session, decision.by
    refuse_unless(
        (by.may(Role.COUNSEL), f"{by} is not counsel"),
        (bool(source.strip()), "name the source: counsel's opinion, by its number or date"),
        action=f"change profile {profile} of provider {provider_id}",
    )
    if session.get(Provider, provider_id, with_for_update=True) is None:
        known = ", ".join(session.scalars(select(Provider.id).order_by(Provider.id)))
        raise NotFoundError(f"no provider {provider_id!r} is on record; there are {known or 'none'}")
    of_profile = (
        ReasonProfileVersion.provider_id == provider_id,
        ReasonProfileVersion.profile == profile,
    )
    newest = session.scalar(select(func.max(ReasonProfileVersion.version)).where(*of_profile)) or 0
    version = ReasonProfileVersion(
        provider_id=provider_id,
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
    content = {"profile": profile, "version": version.version, "in_force": in_force}
    append(decision, "provider.reason_profile", "reason_profiles", version.id, content)
    return version


def profiles_in_force(session: Session, provider_id: str, at: datetime) -> tuple[ProfileInForce, ...]:
    """Return the profiles that are on for a provider at ``at`` (aware), in the order of their names."""
    rows = session.scalars(
        select(ReasonProfileVersion)
        .where(ReasonProfileVersion.provider_id == provider_id, ReasonProfileVersion.entered_at <= aware(at))
        .order_by(ReasonProfileVersion.profile, ReasonProfileVersion.version)
    )
    newest = {row.profile: row for row in rows}
    return tuple(
        ProfileInForce(profile, tuple(row.out_of_court), tuple(row.mediators))
        for profile, row in newest.items()
        if row.in_force
    )
