"""What must hold whenever the platform is told to restrict, read from the tables by SQL of its own.

Nothing of the gate's code is used to check the gate.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis.stateful import invariant

from cjp_fraud.config import PlatformMode
from cjp_fraud.documents import to_document
from cjp_fraud.suspension.platform import Order
from tests.case_builders import START, StaffedDeployment
from tests.mail_servers import MailServerUnderTest


class PreconditionsOnRecord:
    """The part of a state machine that checks its database: each restriction rests on all that it needs."""

    file: Path
    """Of the database."""
    server: MailServerUnderTest
    """To which its letters go."""
    staffed: StaffedDeployment
    checked: set[str]
    """Ids of the measures that were in order when the platform was first told of them."""

    @invariant()
    def only_cases_on_their_way_restrict(self) -> None:
        for measure, state, case_state in self.rows(
            "SELECT e.measure_id, m.state, c.state FROM entitlements e "
            "LEFT JOIN measures m ON m.id = e.measure_id LEFT JOIN cases c ON c.id = m.case_id "
            "WHERE e.restricted AND datetime(e.ends_at) > datetime(?)",  # past it, the platform restricts nobody
            self.staffed.now.isoformat(),
        ):
            assert measure in self.checked
            assert (state, case_state) in {
                ("ordered", "suspending"),
                ("in_force", "suspended"),
                ("lifting", "lifting"),
            }

    @invariant()
    def a_suspended_case_has_one_measure_in_force_that_restricts(self) -> None:
        for (case_id,) in self.rows("SELECT id FROM cases WHERE state = 'suspended'"):
            found = self.rows(
                "SELECT m.id FROM measures m JOIN entitlements e ON e.measure_id = m.id "
                "WHERE m.case_id = ? AND m.state = 'in_force' AND e.restricted AND e.emergency_calls",
                case_id,
            )
            assert len(found) == 1
            assert found[0][0] in self.checked

    def nothing_is_missing(self, order: Order) -> None:
        """Check the tables, by SQL alone, at the moment when the platform is told to restrict."""
        now = self.staffed.now
        assert self.staffed.policy.mode is PlatformMode.ACT
        [(case_id, proposal_id, approval_id, emergency_id, plan_id, ends_at, review_at)] = self.rows(
            "SELECT case_id, proposal_id, approval_id, emergency_id, notice_plan_id, ends_at, review_at "
            "FROM measures WHERE id = ?",
            order.measure_id,
        )
        [(state,)] = self.rows("SELECT state FROM cases WHERE id = ?", case_id)
        assert order.ends_at == min(_time(review_at), _time(ends_at)) > now
        if state == "suspended":
            if emergency_id is not None and not self.rows(
                "SELECT 1 FROM reaffirmations WHERE measure_id = ?", order.measure_id
            ):
                assert order.measure_id in self.checked
                self._approved_in_time(proposal_id, emergency_id)
                return
            self._kept(order.measure_id, case_id, now)
            return
        assert state == "suspending"
        [(document, sha256, mode, determination_id)] = self.rows(
            "SELECT document, sha256, mode, determination_id FROM proposals WHERE id = ? AND number = "
            "(SELECT max(number) FROM proposals WHERE case_id = ?)",
            proposal_id,
            case_id,
        )
        assert hashlib.sha256(document).hexdigest() == sha256
        assert mode == "act"
        proposal = json.loads(document)
        determined_at, determined_by = self._determination(case_id, determination_id)
        self._flags_and_evidence(case_id, determination_id, proposal, now)
        if emergency_id is not None:
            approved_at = self._emergency(emergency_id, proposal, sha256, order, now)
        else:
            approved_at = self._approval(case_id, proposal_id, approval_id, sha256, determined_by)
        assert determined_at <= approved_at <= now
        self._contract(proposal, now)
        unannounced = self._needs_no_prior_notice(determination_id)
        assert unannounced or emergency_id is None
        sent_at = approved_at if unannounced else self._notice(plan_id, proposal_id)
        assert not self.rows("SELECT id FROM stops WHERE case_id = ? AND cleared_at IS NULL", case_id)
        assert not self.rows("SELECT id FROM disputes WHERE case_id = ? AND state = 'upheld'", case_id)
        assert now < _time(ends_at)
        assert _time(review_at) <= _time(ends_at)
        assert max(approved_at, sent_at) <= now <= max(approved_at, sent_at) + timedelta(hours=72)
        assert "emergency_calls" in order.keeps
        assert to_document(order.scope) == proposal["measure"]["scope"]
        self.checked.add(order.measure_id)

    def _kept(self, measure_id: str, case_id: str, now: datetime) -> None:
        """Check what a later end of a measure in force rests on: two approvers, each with a look of their own."""
        assert measure_id in self.checked
        reaffirmed = self.rows(
            "SELECT r.by_user_id, r.at, e.document, u.created_at FROM reaffirmations r "
            "JOIN evidence_sets e ON e.id = r.look_id JOIN users u ON u.id = r.by_user_id "
            "WHERE r.measure_id = ? AND r.round = (SELECT max(round) FROM reaffirmations WHERE measure_id = ?)",
            measure_id,
            measure_id,
        )
        assert len({by for by, *_ in reaffirmed}) == len(reaffirmed) == 2
        for by, at, look, created_at in reaffirmed:
            seen = json.loads(look)
            assert (seen["looked_by"], seen["measure_id"]) == (by, measure_id)
            assert _time(created_at) <= _time(at) - timedelta(hours=24)
            assert not self.rows(
                "SELECT 1 FROM participations WHERE user_id = ? AND case_id = ? "
                "AND part IN ('claimed', 'commented', 'edited', 'determined', 'ordered_emergency')",
                by,
                case_id,
            )
            assert not self.rows(
                "SELECT 1 FROM stops WHERE case_id = ? AND datetime(opened_at) <= datetime(?) "
                "AND (cleared_at IS NULL OR datetime(cleared_at) > datetime(?))",
                case_id,
                at,
                at,
            )
        [(term_to,)] = self.rows("SELECT term_to FROM subscription_terms WHERE valid_to IS NULL")
        assert now < _time(term_to)

    def _determination(self, case_id: str, determination_id: str) -> tuple[datetime, str]:
        [(finding, part, reasons, by, at)] = self.rows(
            "SELECT d.finding, d.tenants_part, t.body, d.by_user_id, d.at FROM determinations d "
            "JOIN personal_texts t ON t.id = d.reasons_text_id WHERE d.id = ? AND d.number = "
            "(SELECT max(number) FROM determinations WHERE case_id = ?)",
            determination_id,
            case_id,
        )
        assert (finding, bool(part), bool(reasons)) == ("fraudulent", True, True)
        assert self.rows("SELECT 1 FROM user_roles WHERE user_id = ? AND role = 'reviewer'", by)
        return _time(at), by

    def _flags_and_evidence(
        self, case_id: str, determination_id: str, proposal: dict[str, Any], now: datetime
    ) -> None:
        named = self.rows(
            "SELECT f.superseded_at, f.excess, f.direction, e.case_id FROM determination_flags d "
            "JOIN flags f ON f.id = d.flag_id JOIN episodes e ON e.id = f.episode_id "
            "WHERE d.determination_id = ?",
            determination_id,
        )
        assert named
        assert all(gone is None and excess > 0 and of == case_id for gone, excess, _, of in named)
        measure = proposal["measure"]
        directions = measure["scope"]["directions"] or ["inbound", "outbound"]
        flagged = {direction for _, _, direction, _ in named}
        assert not (measure["kind"].startswith("suspend") and "inbound" in directions), (
            "the victim is cut off"
        )
        assert set(measure["scope"]["directions"]) <= flagged
        [(evidence, sha256)] = self.rows(
            "SELECT document, sha256 FROM evidence_sets WHERE id = ?", proposal["evidence"]["id"]
        )
        assert hashlib.sha256(evidence).hexdigest() == sha256 == proposal["evidence"]["sha256"]
        day_ago = (now - timedelta(hours=24)).replace(tzinfo=None)
        fresh = self.rows(
            "SELECT 1 FROM flags f JOIN episodes e ON e.id = f.episode_id WHERE e.case_id = ? "
            "AND f.superseded_at IS NULL "
            "AND datetime(f.interval_start, '+' || f.interval_seconds || ' seconds') > datetime(?)",
            case_id,
            str(day_ago),
        )
        stated = self.rows(
            "SELECT 1 FROM need_statements WHERE case_id = ? AND datetime(at) > datetime(?)",
            case_id,
            str(day_ago),
        )
        assert fresh or stated

    def _approval(
        self, case_id: str, proposal_id: str, approval_id: str, sha256: str, determined_by: str
    ) -> datetime:
        [(by, at)] = self.rows(
            "SELECT by_user_id, at FROM approvals WHERE id = ? AND proposal_id = ? AND proposal_sha256 = ? "
            "AND capacity = 'approver'",
            approval_id,
            proposal_id,
            sha256,
        )
        assert by != determined_by
        [(created_at,)] = self.rows("SELECT created_at FROM users WHERE id = ?", by)
        assert _time(created_at) <= _time(at) - timedelta(hours=24)
        assert self.rows("SELECT 1 FROM user_roles WHERE user_id = ? AND role = 'approver'", by)
        assert not self.rows(
            "SELECT 1 FROM participations WHERE user_id = ? AND case_id = ? "
            "AND part IN ('claimed', 'commented', 'edited', 'determined', 'ordered_emergency')",
            by,
            case_id,
        )
        assert not self.rows(
            "SELECT 1 FROM participations WHERE user_id = ? AND part = 'edited_contract' "
            "AND datetime(at) > datetime(?, '-30 days')",
            by,
            at,
        )
        return _time(at)

    def _emergency(
        self, emergency_id: str, proposal: dict[str, Any], sha256: str, order: Order, now: datetime
    ) -> datetime:
        """Check what stands for the approval in an emergency, and that the platform ends it by itself."""
        [(by, at, of, reasons)] = self.rows(
            "SELECT o.by_user_id, o.at, o.proposal_sha256, t.body FROM emergency_orders o "
            "JOIN personal_texts t ON t.id = o.reasons_text_id WHERE o.id = ?",
            emergency_id,
        )
        assert self.rows("SELECT 1 FROM user_roles WHERE user_id = ? AND role = 'reviewer'", by)
        assert (of, bool(reasons)) == (sha256, True)
        assert now < order.ends_at <= _time(at) + timedelta(minutes=30)
        assert proposal["measure"]["kind"] in ("block_destinations", "suspend_channel")
        return _time(at)

    def _approved_in_time(self, proposal_id: str, emergency_id: str) -> None:
        """Check that what keeps a measure of an emergency is an approval in time, by another person."""
        [(determined_by, sha256, case_id)] = self.rows(
            "SELECT determined_by, sha256, case_id FROM proposals WHERE id = ?", proposal_id
        )
        [(ordered_by, ordered_at)] = self.rows(
            "SELECT by_user_id, at FROM emergency_orders WHERE id = ?", emergency_id
        )
        [(approval_id, approved_by)] = self.rows(
            "SELECT id, by_user_id FROM approvals WHERE proposal_id = ? AND capacity = 'approver'",
            proposal_id,
        )
        assert approved_by != ordered_by
        approved_at = self._approval(case_id, proposal_id, approval_id, sha256, determined_by)
        assert _time(ordered_at) <= approved_at < _time(ordered_at) + timedelta(minutes=30)

    def _needs_no_prior_notice(self, determination_id: str) -> bool:
        """Whether counsel has marked a ground under which all grounds of the determination fall."""
        [(terms,)] = self.rows("SELECT terms FROM notice_terms WHERE valid_to IS NULL")
        [(grounds,)] = self.rows("SELECT grounds FROM determinations WHERE id = ?", determination_id)
        marked = json.loads(terms).get("without_notice")
        entries = marked if isinstance(marked, list) else []
        return any(set(json.loads(grounds)) <= set(entry["determinations"]) for entry in entries)

    def _contract(self, proposal: dict[str, Any], now: datetime) -> None:
        [(right,)] = self.rows("SELECT suspension_right FROM governing_documents WHERE valid_to IS NULL")
        [(term_from, term_to, hosting)] = self.rows(
            "SELECT term_from, term_to, hosting FROM subscription_terms WHERE valid_to IS NULL"
        )
        [(proof,)] = self.rows("SELECT proof FROM provisioning_notices WHERE valid_to IS NULL")
        assert (right, hosting) == ("clause_2_4", "provider")
        assert proof
        assert _time(term_from) <= now < _time(term_to)
        [(critical,)] = self.rows("SELECT critical FROM tenants")
        assert (
            not critical or proposal["measure"]["kind"] == "block_destinations"
        )  # carol consents to nothing
        current = {row[0] for row in self.rows("SELECT id FROM addresses WHERE valid_to IS NULL")}
        recipients = proposal["notice"]["recipients"]
        assert {row["address_id"] for row in recipients if row["replaced_at"] is None} == current

    def _notice(self, plan_id: str, proposal_id: str) -> datetime:
        [(mode, kind, cancelled, of)] = self.rows(
            "SELECT mode, kind, cancelled_at, proposal_id FROM notice_plans WHERE id = ?", plan_id
        )
        assert (mode, kind, cancelled, of) == ("act", "suspension", None, proposal_id)
        notices = self.rows(
            "SELECT id, state, message, message_sha256, required FROM notices WHERE plan_id = ?",
            plan_id,
        )
        required = [row for row in notices if row[4]]
        assert required
        arrived = {one.content for one in self.server.received}
        times = []
        for notice_id, state, message, sha256, _ in required:
            assert state == "sent"
            assert hashlib.sha256(message).hexdigest() == sha256
            assert message in arrived, "the mail server has never seen these bytes"
            [(at,)] = self.rows(
                "SELECT min(at) FROM delivery_events WHERE notice_id = ? AND authenticated AND NOT negative",
                notice_id,
            )
            times.append(_time(at))
        return max(times)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.file)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=START.tzinfo)
