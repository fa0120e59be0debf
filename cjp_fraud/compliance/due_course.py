"""What must be true of one case's own records: who approved what, in which order, and what the log binds.

The same rules as the gate's, asked of the proof instead of the database: an auditor sees them hold without
trusting the software that enforced them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from cjp_fraud.audit.row_digests import Record
from cjp_fraud.compliance.row_documents import digest_faults, digests_of
from cjp_fraud.compliance.story import Entry, Moves, Story
from cjp_fraud.compliance.tellings import TAKING_PART, TOLD
from cjp_fraud.people.participation import LATELY

_NOT_OF_A_CASE: Final = frozenset(
    {"users", "subscription_terms", "governing_documents", "notice_terms", "addresses"}
)
"""Told by entries of no case, so a bundle's part of the log does not name them."""

_Tables = Mapping[str, Mapping[str, Record]]


def case_faults(case_id: str, records: Sequence[Record], entries: Sequence[Entry]) -> list[str]:
    """Return one sentence for each fault in the records of one case.

    Parameters
    ----------
    records : all rows of the case.
    entries : the case's entries of the log, in order.

    Raises
    ------
    KeyError, TypeError, ValueError
        If a record lacks a field that its table has.
    """
    tables: dict[str, dict[str, Record]] = defaultdict(dict)
    for record in records:
        tables[record.table][record.id] = record
    if list(tables["cases"]) != [case_id]:
        return [f"the records are not those of the one case {case_id}"]
    story, moves = Story(), Moves()
    for entry in entries:
        story.add(entry)
        moves.add(entry)
    addresses = {record.fields["text_id"] for record in tables["addresses"].values()}
    told = [
        record
        for record in records
        if record.table in TOLD and record.table not in _NOT_OF_A_CASE and record.id not in addresses
    ]
    found = list(story.faults(told, elsewhere=_NOT_OF_A_CASE))
    seen = {(record.table, record.id) for record in told}
    for record in records:
        if (record.table, record.id) not in seen:
            found += digest_faults(record)
    found += moves.faults
    found += _determinations(tables)
    found += _approvals(tables, entries)
    found += _measures(tables)
    return found


def _determinations(tables: _Tables) -> Iterator[str]:
    named: dict[str, list[Record]] = defaultdict(list)
    for link in tables["determination_flags"].values():
        flag = tables["flags"].get(link.fields["flag_id"])
        if flag is None:
            yield f"{link.where}: the flag that it names is not in the bundle"
        else:
            named[link.fields["determination_id"]].append(flag)
    for determination in tables["determinations"].values():
        fields = determination.fields
        if fields["finding"] != "fraudulent":
            continue
        if not named[determination.id]:
            yield f"{determination.where}: finds fraud and names no flag"
        evidence = tables["evidence_sets"].get(fields["evidence_set_id"])
        if evidence is None:
            yield f"{determination.where}: the evidence that it was judged on is not in the bundle"
        else:
            yield from _as_frozen(evidence, tables)
        for flag in named[determination.id]:
            yield from _in_order(
                (f"the flag {flag.id}", flag.fields["interval_start"]), (determination.where, fields["at"])
            )


def _as_frozen(evidence: Record, tables: _Tables) -> Iterator[str]:
    """Flags must still say what they said when they were judged on; only their episode may have grown."""
    for frozen in json.loads(evidence.documents["document"])["flags"]:
        flag = tables["flags"].get(frozen["id"])
        said = flag.fields if flag is not None else {}
        changed = sorted(name for name in frozen if name != "episode_id" and said.get(name) != frozen[name])
        if changed:
            yield f"flag {frozen['id']}: {', '.join(changed)} differ from the frozen evidence {evidence.id}"


def _approvals(tables: _Tables, entries: Sequence[Entry]) -> Iterator[str]:
    for approval in tables["approvals"].values():
        fields = approval.fields
        proposal = tables["proposals"].get(fields["proposal_id"])
        if proposal is None:
            yield f"{approval.where}: the proposal that it approves is not in the bundle"
            continue
        if fields["proposal_sha256"] != digests_of(proposal)["sha256"]:
            yield f"{approval.where}: approves another version than the proposal's bytes"
        approver, when = fields["by_user_id"], fields["at"]
        yield from _proposal(proposal, tables)
        determination = tables["determinations"].get(proposal.fields["determination_id"])
        if determination is None:
            yield f"{proposal.where}: the determination that it rests on is not in the bundle"
        else:
            if approver == determination.fields["by_user_id"]:
                yield f"{approval.where}: was given by the person who determined"
            yield from _in_order(
                (determination.where, determination.fields["at"]),
                (proposal.where, proposal.fields["drawn_at"]),
                (approval.where, when),
            )
        for part in tables["participations"].values():
            if (
                part.fields["user_id"] == approver
                and part.fields["case_id"] is not None
                and part.fields["at"] < when
            ):
                yield f"{approval.where}: was given by a person who took part ({part.fields['part']})"
            elif part.fields["user_id"] == approver and part.fields["case_id"] is None:
                since = _moment(when) - _moment(part.fields["at"])
                if timedelta(0) <= since < LATELY:
                    yield f"{approval.where}: was given by a person who had lately edited the contract data"
        yield from _approver_in_the_log(approval, entries)


def _proposal(proposal: Record, tables: _Tables) -> Iterator[str]:
    """What was approved must rest on the evidence and the flags that are in the bundle."""
    document = json.loads(proposal.documents["document"])
    evidence = tables["evidence_sets"].get(document["evidence"]["id"])
    if evidence is None or digests_of(evidence)["sha256"] != document["evidence"]["sha256"]:
        yield f"{proposal.where}: rests on evidence of another digest than that in the bundle"
    determination = document["determination"]
    named = sorted(
        link.fields["flag_id"]
        for link in tables["determination_flags"].values()
        if link.fields["determination_id"] == determination["id"]
    )
    if determination["id"] != proposal.fields["determination_id"] or named != sorted(
        determination["flag_ids"]
    ):
        yield f"{proposal.where}: names another determination or other flags than the records do"
    if (document["case_id"], document["mode"]) != (proposal.fields["case_id"], proposal.fields["mode"]):
        yield f"{proposal.where}: its document is of another case or mode than its record"


def _approver_in_the_log(approval: Record, entries: Sequence[Entry]) -> Iterator[str]:
    """The log itself says who took part, whatever the table of participations was made to say."""
    for entry in entries:
        if entry.content.get("approval_id") == approval.id or entry.subject_id == approval.id:
            return
        if entry.actor == approval.fields["by_user_id"] and entry.action in TAKING_PART:
            yield f"{approval.where}: was given by a person who took part ({entry.where})"


def _measures(tables: _Tables) -> Iterator[str]:
    for measure in tables["measures"].values():
        fields = measure.fields
        approval = tables["approvals"].get(fields["approval_id"])
        plan = tables["notice_plans"].get(fields["notice_plan_id"])
        if approval is None or plan is None:
            yield f"{measure.where}: the approval or the notice that it stands on is not in the bundle"
            continue
        if not approval.fields["proposal_id"] == plan.fields["proposal_id"] == fields["proposal_id"]:
            yield f"{measure.where}: approval, notice and measure are not of the same proposal"
        proposal = tables["proposals"].get(fields["proposal_id"])
        approved = json.loads(proposal.documents["document"])["measure"] if proposal is not None else {}
        if (approved.get("kind"), approved.get("scope")) != (fields["kind"], fields["scope"]):
            yield f"{measure.where}: is another measure, or of another scope, than what was approved"
        sent = [
            notice
            for notice in tables["notices"].values()
            if notice.fields["plan_id"] == plan.id and notice.fields["state"] == "sent"
        ]
        if fields["state"] == "observed":
            continue
        if not sent:
            yield f"{measure.where}: no notice of its plan was sent"
        for notice in sent:
            yield from _in_order(
                (approval.where, approval.fields["at"]),
                (f"the dispatch of {notice.where}", notice.fields["dispatched_at"]),
                (f"the order of {measure.where}", fields["ordered_at"]),
                (f"{measure.where} in force", fields["in_force_at"]),
                (f"the end of {measure.where}", fields["ended_at"]),
            )


def _moment(text: str) -> datetime:
    """Return a moment of a record, aware."""
    return datetime.fromisoformat(text)


def _in_order(*moments: tuple[str, Any]) -> Iterator[str]:
    """Times in one fixed form compare as texts; those that never came are left out."""
    known = [(what, str(at)) for what, at in moments if at is not None]
    for (before, earlier), (after, later) in pairwise(known):
        if earlier > later:
            yield f"{after} ({later}) is dated before {before} ({earlier})"
