"""A fresh look at the traffic since a measure is in force: frozen, so that who reaffirms can name what was seen."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.clock import aware
from cjp_fraud.errors import refuse_unless
from cjp_fraud.people.model import Decision, Part, Role
from cjp_fraud.people.participation import record_part
from cjp_fraud.review.cases import flags_in_force, in_words, note
from cjp_fraud.review.decision_tables import DeterminationFlag, Proposal
from cjp_fraud.review.evidence import FlagView, ReadRows, RowsWanted
from cjp_fraud.review.evidence_store import store_frozen
from cjp_fraud.review.model import CaseState, EvidenceOccasion
from cjp_fraud.review.tables import Case, EvidenceSet, Flag
from cjp_fraud.suspension.commands import lock_measure
from cjp_fraud.suspension.fresh_reasons import LookSummary
from cjp_fraud.suspension.tables import Measure

FRESH: Final = timedelta(hours=24)
"""How long a look may be named as a reason."""

_DIGITS: Final = 8
"""How many digits of its digest name a look."""

_LONGEST: Final = timedelta(days=7)
"""How far back it looks, at most."""


@dataclass(frozen=True, slots=True)
class SeriesLook:
    """One flagged series since the measure is in force.

    Parameters
    ----------
    intervals : how many of them the platform's traffic has.
    contacts, usual : sums over these intervals; usual is None where no baseline is known.
    """

    channel: str
    direction: str
    application_id: str | None
    intervals: int
    contacts: int
    usual: float | None


@dataclass(frozen=True, slots=True)
class TrafficLook:
    """What somebody saw of the traffic from ``since`` to ``until`` (aware); ``sha256`` names it.

    Parameters
    ----------
    flags : flags in force of the case that begin in this time.
    """

    sha256: str
    since: datetime
    until: datetime
    series: tuple[SeriesLook, ...]
    flags: tuple[FlagView, ...]

    @property
    def reference(self) -> str:
        """Return the digits by which reasons name it."""
        return self.sha256[:_DIGITS]

    @property
    def is_quiet(self) -> bool:
        """Whether it shows nothing unusual since: no flag, and no series with more than is usual."""
        return _is_quiet(len(self.flags), ((series.contacts, series.usual) for series in self.series))


def take_look(decision: Decision, case_id: str, read_rows: ReadRows) -> TrafficLook:
    """Read, freeze and return the flagged series' traffic since the measure is in force, the last 7 days of it.

    Parameters
    ----------
    read_rows : reads the lake, as for a determination.

    Raises
    ------
    Refused
        If no measure of the case is in force, or the person is not an approver.
    """
    session, by, at = decision.session, decision.by, decision.at
    case, measure = lock_measure(session, case_id)
    refuse_unless(
        (case.state is CaseState.SUSPENDED, f"it is {case.state}; only a suspended case is looked at again"),
        (by.may(Role.APPROVER), f"{by} is not an approver"),
        action=f"look at the traffic of {in_words(case)}",
    )
    assert measure is not None, "a suspended case has a measure"
    assert measure.in_force_at is not None, "it is in force"
    since = max(measure.in_force_at, at - _LONGEST)
    named = _named_flags(session, measure)
    series_ids = tuple(sorted({flag.series_id for flag in named}))
    rows = read_rows(RowsWanted(case.tenant_id, series_ids, since, at))
    series = tuple(_series_looks(named, rows))
    flags = tuple(
        FlagView.of(flag) for flag in flags_in_force(session, case.id) if flag.interval_start >= since
    )
    frozen = {
        "measure_id": measure.id,
        "looked_by": by.reference,
        "window": {"start": since, "end": aware(at)},
        "series": [asdict(each) for each in series],
        "flags": [asdict(flag) for flag in flags],
        "rows": [dict(row) for row in rows],
    }
    record_part(session, by, Part.LOOKED, case.tenant_id, at, case_id=case.id)
    look = store_frozen(session, case, EvidenceOccasion.LOOKED_AGAIN, frozen, at, row_count=len(rows))
    content = {"measure_id": measure.id, "evidence_set_id": look.id, "evidence_sha256": look.sha256}
    note(decision, case, "measure.looked_at", content)
    return TrafficLook(look.sha256, since, aware(at), series, flags)


def look_faults(
    decision: Decision, case: Case, measure: Measure, reference: str, after: datetime | None
) -> tuple[EvidenceSet | None, tuple[str, ...]]:
    """Return the look that a person names, and why it does not count; no sentence: it does.

    Parameters
    ----------
    reference : 8 or more digits of its digest.
    after : end of the round of reaffirmations before; a look must be newer. None: there was none.
    """
    how = f"cjp-fraud measures reaffirm {case.number} --as USER shows the traffic and names the look"
    digits = reference.strip().lower()
    look = decision.session.scalar(
        select(EvidenceSet).where(
            EvidenceSet.case_id == case.id,
            EvidenceSet.occasion == EvidenceOccasion.LOOKED_AGAIN,
            EvidenceSet.sha256.startswith(digits, autoescape=True),
        )
    )
    if look is None or len(digits) < _DIGITS:
        return None, (f"no look at the traffic is named; {how}",)
    document = json.loads(look.document)
    checks = (
        (document["measure_id"] == measure.id, f"the look {digits} is of another measure; {how}"),
        (
            document["looked_by"] == decision.by.reference,
            f"the look {digits} is another person's; look yourself: {how}",
        ),
        (
            decision.at - look.frozen_at <= FRESH,
            f"the look {digits} is older than 24 hours; look again: {how}",
        ),
        (
            after is None or look.frozen_at > after,
            f"the look {digits} was a reason before; look again: {how}",
        ),
    )
    return look, tuple(sentence for holds, sentence in checks if not holds)


def summary_of(look: EvidenceSet) -> LookSummary:
    """Return a look on record in one line, as the reasons that rest on it name it."""
    document = json.loads(look.document)
    series = document["series"]
    return LookSummary(
        reference=look.sha256[:_DIGITS],
        contacts=sum(each["contacts"] for each in series),
        intervals=sum(each["intervals"] for each in series),
        flags=len(document["flags"]),
        is_quiet=_is_quiet(len(document["flags"]), ((each["contacts"], each["usual"]) for each in series)),
    )


def _is_quiet(flags: int, series: Iterable[tuple[int, float | None]]) -> bool:
    return not flags and not any(usual is not None and contacts > usual for contacts, usual in series)


def _named_flags(session: Session, measure: Measure) -> Sequence[Flag]:
    """Return the flags that the determination behind a measure names."""
    return session.scalars(
        select(Flag)
        .join(DeterminationFlag, DeterminationFlag.flag_id == Flag.id)
        .join(Proposal, Proposal.determination_id == DeterminationFlag.determination_id)
        .where(Proposal.id == measure.proposal_id)
        .order_by(Flag.id)
    ).all()


def _series_looks(flags: Sequence[Flag], rows: Iterable[Mapping[str, Any]]) -> Iterable[SeriesLook]:
    series = {flag.series_id: flag for flag in flags}
    contacts: dict[str, list[int]] = defaultdict(list)
    usual: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.get("contacts_offered") is not None:
            contacts[row["series_id"]].append(row["contacts_offered"])
        if row.get("baseline") is not None:
            usual[row["series_id"]].append(row["baseline"])
    for series_id, flag in sorted(series.items()):
        yield SeriesLook(
            channel=flag.channel,
            direction=flag.direction,
            application_id=flag.application_id,
            intervals=len(contacts[series_id]),
            contacts=sum(contacts[series_id]),
            usual=sum(usual[series_id]) if usual[series_id] else None,
        )
