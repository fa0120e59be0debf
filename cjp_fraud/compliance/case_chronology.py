"""Whether what is on record of the cases happened in the order that it must: the gate's rule, asked of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from cjp_fraud.audit.row_digests import Record
from cjp_fraud.config import PlatformMode
from cjp_fraud.suspension.chronology import Step, chronology_faults


class CaseChronology:
    """Takes in the rows of one case or of many, one by one, and keeps only their moments."""

    def __init__(self) -> None:
        self._proposals: list[tuple[str, dict[Step, Any]]] = []
        self._approvals: list[tuple[str, dict[Step, Any]]] = []
        self._plans: dict[str, dict[Step, Any]] = {}
        self._dispatches: list[tuple[str, str, Any]] = []
        self._measures: list[tuple[str, str, dict[Step, Any]]] = []

    def through(self, records: Iterable[Record]) -> Iterator[Record]:
        """Yield the records, and take their moments in."""
        for record in records:
            self.add(record)
            yield record

    def add(self, record: Record) -> None:
        """Take in the moments of one row; rows of other tables have none."""
        fields, where = record.fields, record.where
        match record.table:
            case "proposals":
                moments = {Step.DETERMINED: fields["determined_at"], Step.DRAWN_UP: fields["drawn_at"]}
                self._proposals.append((where, moments))
            case "approvals":
                moments = {Step.DRAWN_UP: fields["drawn_at"], Step.APPROVED: fields["at"]}
                self._approvals.append((where, moments))
            case "notice_plans":
                moments = {Step.APPROVED: fields["approved_at"], Step.PLANNED: fields["created_at"]}
                self._plans[record.id] = moments
            case "notices" if fields.get("dispatched_at") is not None:
                self._dispatches.append((where, fields["plan_id"], fields["dispatched_at"]))
            case "measures":
                acts = fields["mode"] == PlatformMode.ACT and fields.get("without_notice") is None
                moments = {
                    Step.APPROVED: fields["approved_at"],
                    Step.EMERGENCY: fields.get("emergency_at"),
                    Step.PERMITTED: fields.get("permitted_at") if acts else None,
                    Step.ORDERED: fields["ordered_at"],
                    Step.IN_FORCE: fields.get("in_force_at"),
                    Step.ENDED: fields.get("ended_at"),
                }
                self._measures.append((where, fields["notice_plan_id"], moments))

    def faults(self) -> Iterator[str]:
        """Yield a sentence for each step that comes before what it must follow."""
        plans = [(f"notice_plans {plan_id}", moments) for plan_id, moments in self._plans.items()]
        dispatches = [
            (where, {**self._plans.get(plan_id, {}), Step.DISPATCHED: dispatched_at})
            for where, plan_id, dispatched_at in self._dispatches
        ]
        left: dict[str, Any] = {}
        for _, plan_id, dispatched_at in self._dispatches:
            left[plan_id] = min(dispatched_at, left.get(plan_id, dispatched_at))
        # A measure's own moments last: it is bound to the approval on record, whatever its notice's plan says of that.
        measures = [
            (where, {**self._plans.get(plan_id, {}), Step.DISPATCHED: left.get(plan_id), **moments})
            for where, plan_id, moments in self._measures
        ]
        for where, moments in (*self._proposals, *self._approvals, *plans, *dispatches, *measures):
            at = {step: datetime.fromisoformat(text) for step, text in moments.items() if text is not None}
            yield from (f"{where}: {fault}" for fault in chronology_faults(at))
