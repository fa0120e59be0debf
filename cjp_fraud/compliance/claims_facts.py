"""What a tenant's claims view says: use, cases, disputes and measures of some days, as on record at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cjp_fraud.compliance.summary_facts import Section, moment_shown

if TYPE_CHECKING:
    from cjp_fraud.detection.usage import StreamUsage
    from cjp_fraud.review.tenant_history import TenantCase, TenantDispute
    from cjp_fraud.suspension.cap_views import CapView
    from cjp_fraud.suspension.views import MeasureView


@dataclass(frozen=True, slots=True)
class ClaimsFacts:
    """All that a claims view is made of; no names of staff are in it.

    Parameters
    ----------
    customer : legal name; None: not given.
    first, last : days of the customer's calendar (of UTC for ``usage``), both included.
    as_of : aware; when it was read.
    governing_document : None: not known.
    """

    tenant_id: str
    customer: str | None
    time_zone: str
    first: date
    last: date
    as_of: datetime
    simulated: bool
    governing_document: str | None
    usage: Sequence[StreamUsage]
    cases: Sequence[TenantCase]
    disputes: Sequence[TenantDispute]
    measures: Sequence[MeasureView]
    caps: Sequence[CapView]

    def document(self) -> dict[str, Any]:
        """Return it as the paper is set from it."""
        return {
            "title": f"Claims view of {self.customer or self.tenant_id}",
            "customer": f"{self.customer or '?'} (reference {self.tenant_id})",
            "days": f"{self.first} to {self.last}",
            "as_of": self._when(self.as_of),
            "zone": self.time_zone,
            "simulated": self.simulated,
            "sections": [
                asdict(section)
                for section in (
                    self._use(),
                    self._cases(),
                    self._measures(),
                    self._caps(),
                    self._disputes(),
                )
            ],
        }

    def _use(self) -> Section:
        rows = tuple(
            (
                f"{each.channel}, {each.direction}",
                f"{each.total:,}",
                "not known" if each.charge_cents is None else f"{each.charge_cents / 100:,.2f}",
                str(sum(count is None for count in each.contacts)),
            )
            for each in self.usage
        )
        text = "By UTC day. Charges are in the currency in which the traffic was delivered."
        return Section("Use", (text,), ("stream", "contacts", "charge", "days not known"), rows)

    def _cases(self) -> Section:
        rows = tuple(
            (
                str(case.number),
                self._when(case.first_flag_at),
                case.state.replace("_", " "),
                case.finding.replace("_", " ") if case.finding else "–",
                self._when(case.found_at),
                _exposure(case),
            )
            for case in self.cases
            if self._is_within(case.opened_at, case.closed_at)
        )
        document = self.governing_document or "not known"
        head = ("case", "first flag", "state", "finding", "found", "charge of the excess")
        return Section("Cases", (f"Governing document: {document}.",), head, rows)

    def _measures(self) -> Section:
        rows = tuple(
            (
                str(measure.case),
                measure.kind.replace("_", " "),
                measure.mode.value,
                self._when(measure.in_force_at),
                self._when(measure.ended_at),
                measure.standing.replace("_", " "),
            )
            for measure in self.measures
            if measure.in_force_at is not None and self._is_within(measure.in_force_at, measure.ended_at)
        )
        return Section("Measures", (), ("case", "measure", "mode", "in force", "ended", "stands"), rows)

    def _caps(self) -> Section:
        rows = tuple(
            (
                str(cap.case),
                cap.kind.replace("_", " "),
                ", ".join(cap.scope.destination_prefixes),
                self._when(cap.in_force_at),
                self._when(cap.ended_at),
            )
            for cap in self.caps
            if cap.in_force_at is not None and self._is_within(cap.in_force_at, cap.ended_at)
        )
        head = ("case", "measure", "destinations", "in force", "ended")
        return Section("Caps that the customer has signed", (), head, rows)

    def _disputes(self) -> Section:
        rows = tuple(
            (str(each.case), self._when(each.opened_at), self._when(each.decided_at), each.state.value)
            for each in self.disputes
            if self._is_within(each.opened_at, each.decided_at)
        )
        return Section("Disputes", (), ("case", "received", "decided", "stands"), rows)

    def _is_within(self, begin: datetime, end: datetime | None) -> bool:
        """Whether what lasted from ``begin`` to ``end`` (None: until now) touches the days."""
        zone = ZoneInfo(self.time_zone)
        first = datetime(self.first.year, self.first.month, self.first.day, tzinfo=zone)
        after = self.last + timedelta(days=1)
        return begin < datetime(after.year, after.month, after.day, tzinfo=zone) and (
            end is None or end >= first
        )

    def _when(self, at: datetime | None) -> str:
        return moment_shown(at, self.time_zone)


def _exposure(case: TenantCase) -> str:
    if case.outline is None or not case.outline.charge_known:
        return "not known"
    return f"{case.outline.exposure_cents / 100:,.2f}"
