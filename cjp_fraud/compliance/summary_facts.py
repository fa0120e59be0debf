"""What the summary of a bundle says: the case in the order in which it happened, as text for a template."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import log10
from typing import Any, Final
from zoneinfo import ZoneInfo

from cjp_fraud.audit.row_digests import Record
from cjp_fraud.compliance.evidence_charts import EvidenceChart
from cjp_fraud.compliance.inclusion_proof import Entry
from cjp_fraud.compliance.model import Edition

_BACK: Final = "withheld in this edition; its digest is in the records"
_ERASED: Final = "erased since; its digest is in the records"
_MOST_FLAGS: Final = 12
_READABLE: Final = 1e12


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, paragraphs, a table (``head``, ``rows``; widths: relative), lines of reasoning, charts."""

    title: str
    text: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    steps: tuple[str, ...] = ()
    charts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class SummaryFacts:
    """All that the summary is made of.

    Parameters
    ----------
    records : as the edition shows them.
    names : user → how the edition names the person.
    receipts, contracts : what ``receipts.json`` and ``contract.json`` of the edition hold.
    """

    edition: Edition
    records: Sequence[Record]
    entries: Sequence[Entry]
    names: Mapping[str, str]
    receipts: Sequence[Mapping[str, Any]]
    contracts: Sequence[Mapping[str, Any]]
    charts: Sequence[EvidenceChart]
    time_zone: str
    simulated_clock: bool

    def document(self) -> dict[str, Any]:
        """Return what the template is given.

        Raises
        ------
        KeyError, TypeError, ValueError
            If the records do not have the form of their tables' rows.
        """
        [case] = self._of("cases")
        tenant = next(iter(self._of("tenants")), {})
        customer = tenant.get("name") or tenant.get("id") or "?"
        return {
            "title": f"Case {case['number']}: summary of the evidence",
            "edition": self.edition.value,
            "simulated": self.simulated_clock,
            "customer": f"{customer} (reference {case['tenant_id']})",
            "state": str(case["state"]).replace("_", " "),
            "opened": self._when(case["opened_at"]),
            "zone": self.time_zone,
            "sections": [asdict(section) for section in self._sections()],
        }

    def _sections(self) -> Iterator[Section]:
        yield self._seen()
        yield self._determined()
        yield self._approved()
        yield self._contract()
        yield self._notices()
        yield self._measures()
        yield self._objections()
        yield self._timeline()

    def _seen(self) -> Section:
        flags = sorted(self._of("flags"), key=lambda flag: (flag["interval_start"], flag["channel"]))
        rows = tuple(
            (
                self._when(flag["interval_start"]),
                f"{flag['channel']}, {flag['direction']}",
                _length(flag.get("span_seconds") or flag["interval_seconds"]),
                _number(flag["observed"]),
                _number(flag["baseline"]),
                _odds(flag.get("p_value")),
            )
            for flag in flags[:_MOST_FLAGS]
        )
        more = (
            f" The first {_MOST_FLAGS} are listed; all are in records/flags.json."
            if len(flags) > _MOST_FLAGS
            else ""
        )
        return Section(
            "What was seen",
            (f"{len(flags)} intervals or longer spans were flagged as unusual upward.{more}",),
            ("began", "channel", "span", "contacts", "usual", "by chance"),
            rows,
            charts=tuple((chart.name, chart.caption) for chart in self.charts),
        )

    def _determined(self) -> Section:
        rows = tuple(
            (
                self._when(row["at"]),
                self._who(row["by_user_id"]),
                str(row["finding"]).replace("_", " "),
                ", ".join(str(ground).replace("_", " ") for ground in row["grounds"]) or "–",
                str(row.get("tenants_part") or "–"),
                self._words(row["reasons_text_id"]),
            )
            for row in self._in_order("determinations", "at")
        )
        head = ("when", "who", "finding", "grounds", "customer’s part", "reasons")
        return Section(
            "What was determined, and by whom", () if rows else ("Nothing was determined.",), head, rows
        )

    def _approved(self) -> Section:
        approvals = self._in_order("approvals", "at")
        rows = tuple(
            (
                self._when(row["at"]),
                self._who(row["by_user_id"]),
                str(row["capacity"]),
                self._who(row["determined_by"]),
                "two persons" if row["by_user_id"] != row["determined_by"] else "ONE PERSON",
                str(row["proposal_sha256"])[:16] + "…",
            )
            for row in approvals
        )
        text = (
            "An approval is of one exact version of the proposal, by a person who took no part in the case."
            if rows
            else "Nothing was approved."
        )
        ordered = tuple(
            f"{self._when(row['at'])}: {self._who(row['by_user_id'])} ordered the measure in an emergency, before an "
            f"approval: {self._words(row['reasons_text_id'])}"
            for row in self._in_order("emergency_orders", "at")
        )
        head = ("when", "who approved", "as", "who determined", "four eyes", "version approved (SHA-256)")
        return Section("Who approved it", (text, *ordered), head, rows)

    def _contract(self) -> Section:
        rows = []
        for decision in self.contracts:
            contract = decision.get("contract") or {}
            sources = {source["source"] for source in decision.get("sources", ()) if "source" in source}
            term = [contract.get("term_from"), contract.get("term_to")]
            rows.append(
                (
                    str(decision["decision"]).split()[0].removesuffix("s"),
                    self._when(decision["at"]),
                    str(contract.get("clause") or decision.get("not_computed") or _BACK),
                    " to before ".join(self._day(end) for end in term),
                    str(contract.get("provisioning_notice_proof") or "–"),
                    "; ".join(sorted(sources)) or _BACK,
                )
            )
        head = ("decision", "when", "clause relied on", "term", "proof of provisioning", "how we know it")
        text = "What the contract said at the moment of each decision, and where that is from."
        return Section("What the contract said", (text,), head, tuple(rows))

    def _notices(self) -> Section:
        plans = {row["id"]: row for row in self._of("notice_plans")}
        rows = tuple(
            (
                str(row["kind"]).replace("_", " "),
                str(row["method"]),
                self._when(row.get("dispatched_at")),
                str(row["state"]).replace("_", " "),
                str(row.get("message_sha256") or "–")[:16] + ("…" if row.get("message_sha256") else ""),
            )
            for row in self._in_order("notices", "due_at")
        )
        steps = tuple(
            f"{str(plans.get(receipt['plan_id'], {}).get('kind', 'notice')).replace('_', ' ')}: {sentence}"
            for receipt in self.receipts
            for sentence in _reasoning(receipt)
        )
        text = (
            "Each notice is in the archive in the exact bytes that were sent. Why it counts as received:"
            if rows
            else "No notice was served."
        )
        head = ("notice of", "method", "dispatched", "state", "SHA-256 of its bytes")
        return Section("The notices", (text,), head, rows, steps)

    def _measures(self) -> Section:
        rows = tuple(
            (
                str(row["kind"]).replace("_", " "),
                _scope(row.get("scope") or {}),
                self._when(row["ordered_at"]),
                self._when(row.get("in_force_at")),
                self._when(row["ends_at"]),
                f"{self._when(row['ended_at'])} ({row.get('ending')})" if row.get("ended_at") else "–",
            )
            for row in self._in_order("measures", "ordered_at")
        )
        rows += tuple(
            (
                f"{str(row['kind']).replace('_', ' ')}, as the customer had signed",
                _scope(row.get("scope") or {}),
                self._when(row["ordered_at"]),
                self._when(row.get("in_force_at")),
                self._when(row["ends_at"]),
                self._when(row.get("ended_at")),
            )
            for row in self._in_order("caps", "ordered_at")
        )
        text = "Emergency calls, the notice page, disputes and billing stay possible under every measure."
        head = ("measure", "what it restricts", "ordered", "in force", "ends at the latest", "ended")
        return Section("The measures", (text,) if rows else ("No measure was taken.",), head, rows)

    def _objections(self) -> Section:
        disputes = tuple(
            (
                "dispute",
                self._when(row["opened_at"]),
                self._words(row["text_id"]),
                str(row["state"]),
                self._when(row.get("decided_at")),
                self._who(row.get("decided_by")),
            )
            for row in self._in_order("disputes", "opened_at")
        )
        stops = tuple(
            (
                f"stop ({str(row['kind']).replace('_', ' ')})",
                self._when(row["opened_at"]),
                self._words(row.get("reason_text_id")),
                "cleared" if row.get("cleared_at") else "stands",
                self._when(row.get("cleared_at")),
                self._who(row.get("cleared_by")),
            )
            for row in self._in_order("stops", "opened_at")
        )
        rows = disputes + stops
        head = ("what", "opened", "words", "state", "decided or cleared", "by")
        return Section("Disputes and stops", () if rows else ("There were none.",), head, rows)

    def _timeline(self) -> Section:
        rows = tuple(
            (
                str(entry.sequence),
                self._when(entry.at),
                self._who(entry.actor),
                entry.action,
                f"{entry.subject_type} {entry.subject_id[:8]}…",
            )
            for entry in self.entries
        )
        text = "The entries of the audit log about this case. audit.jsonl holds them as they are hashed."
        return Section("Who did what, when", (text,), ("entry", "when", "who", "did", "to"), rows)

    def _of(self, table: str) -> Iterator[dict[str, Any]]:
        return ({"id": record.id, **record.fields} for record in self.records if record.table == table)

    def _in_order(self, table: str, column: str) -> list[dict[str, Any]]:
        return sorted(self._of(table), key=lambda row: (row.get(column) or "", row["id"]))

    def _who(self, user: Any) -> str:
        return self.names.get(str(user), str(user)) if user is not None else "–"

    def _words(self, text_id: Any) -> str:
        if text_id is None:
            return "–"
        text = next((row for row in self._of("personal_texts") if row["id"] == text_id), None)
        if text is None:
            return "–"
        if text.get("erased_at") is not None:
            return _ERASED
        return str(text.get("body") or _BACK)

    def _when(self, text: Any) -> str:
        return moment_shown(None if text is None else datetime.fromisoformat(str(text)), self.time_zone)

    def _day(self, text: Any) -> str:
        if text is None:
            return "not stated"
        return f"{datetime.fromisoformat(str(text)).astimezone(ZoneInfo(self.time_zone)):%Y-%m-%d}"


def _reasoning(receipt: Mapping[str, Any]) -> Iterable[str]:
    """Return the sentences by which a plan's receipt was computed."""
    if "not_computed" in receipt:
        return (f"cannot be computed ({receipt['not_computed']})",)
    progress = receipt.get("progress") or {}
    sentences = progress.get("explanation") or ("nothing counts as received yet",)
    return (
        (*sentences, "a contradiction about it stands")
        if progress.get("contradictions")
        else tuple(sentences)
    )


def _scope(scope: Mapping[str, Any]) -> str:
    parts = [
        f"{name.replace('_', ' ')}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in scope.items()
        if value and name != "keeps"
    ]
    return "; ".join(parts) or "everything of the kind"


def _number(value: Any) -> str:
    return f"{float(value):,.1f}".removesuffix(".0") if value is not None else "–"


def _odds(chance: Any) -> str:
    if not chance:
        return "–"
    rare = 1 / float(chance)
    return f"once in {rare:,.0f}" if rare < _READABLE else f"once in 10^{log10(rare):.0f}"


def _length(seconds: int) -> str:
    if seconds % 86400 == 0:
        return f"{seconds // 86400} d"
    return f"{seconds // 3600} h" if seconds % 3600 == 0 else f"{seconds // 60} min"


def moment_shown(at: datetime | None, time_zone: str) -> str:
    """Return an aware moment on the customer's clock and in UTC; a dash for None."""
    if at is None:
        return "–"
    local = at.astimezone(ZoneInfo(time_zone))
    utc = at.astimezone(UTC)
    shown = f"{local:%Y-%m-%d %H:%M:%S}"
    if local.utcoffset() == utc.utcoffset():
        return f"{shown} UTC"
    same_day = local.date() == utc.date()
    return f"{shown} ({utc:%H:%M:%S} UTC)" if same_day else f"{shown} ({utc:%m-%d %H:%M:%S} UTC)"
