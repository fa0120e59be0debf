"""What is on record of a case, as frames: findings, proposals, letters, receipt, measures; and precision over cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from cjp_fraud.analysis.columns import framed
from cjp_fraud.analysis.statistics import wilson
from cjp_fraud.contracts.restriction import Scope
from cjp_fraud.notices.notice_views import DeliveryRecord
from cjp_fraud.operations.case_page import CasePage
from cjp_fraud.review.model import Finding


def determinations(case: CasePage) -> pd.DataFrame:
    """Frame ``determinations``."""
    return framed(
        "determinations",
        (asdict(each) | {"grounds": ", ".join(each.grounds)} for each in case.determinations),
    )


def proposals(case: CasePage) -> pd.DataFrame:
    """Frame ``proposals``."""
    return framed(
        "proposals",
        (
            {
                "number": each.number,
                "drawn_at": each.drawn_at,
                "expires_at": each.expires_at,
                "measure": str(each.measure.kind),
                "channels": _channels(each.measure.scope),
                "hours": each.measure.hours,
                "sha256": each.sha256,
                "approved_by": ", ".join(approval.by for approval in each.approvals),
                "approved_at": max((approval.at for approval in each.approvals), default=None),
            }
            for each in case.proposals
        ),
    )


def measures(case: CasePage) -> pd.DataFrame:
    """Frame ``measures``."""
    return framed(
        "measures",
        (
            {
                "kind": str(each.kind),
                "channels": _channels(each.scope),
                "keeps": ", ".join(str(kept) for kept in each.scope.keeps),
                "standing": str(each.standing),
                "ordered_at": min((command.ordered_at for command in each.commands), default=None),
                "in_force_at": each.in_force_at,
                "review_at": each.review_at,
                "ends_at": each.ends_at,
                "read_back": any(
                    command.read_back is not None and command.read_back.restricted
                    for command in each.commands
                ),
            }
            for each in case.measures
        ),
    )


def deliveries(records: Sequence[DeliveryRecord]) -> pd.DataFrame:
    """Frame ``deliveries``: a row for each thing that became known, one without for a letter of which nothing is."""
    rows: list[dict[str, Any]] = []
    for record in records:
        letter = {
            "kind": str(record.kind),
            "method": record.method,
            "state": str(record.state),
            "dispatched_at": record.dispatched_at,
            "message_sha256": record.message_sha256,
            "notice_id": record.id,
        }
        events = [
            {
                "event_at": event.at,
                "status": str(event.status),
                "negative": event.negative,
                "authenticated": event.authenticated,
                "source": event.source,
            }
            for event in record.events
        ]
        rows += [letter | event for event in events or [{}]]
    return framed("deliveries", rows)


def deemed_receipt(records: Sequence[DeliveryRecord]) -> pd.DataFrame:
    """Frame ``deemed_receipt``."""
    return framed(
        "deemed_receipt",
        (
            {
                "notice_id": record.id,
                "kind": str(record.kind),
                "method": record.method,
                "rule": record.receipt.rule,
                "clause": record.clause,
                "standing": str(record.receipt.standing),
                "received_at": record.receipt.received_at,
                "steps": "; ".join(record.receipt.steps),
            }
            for record in records
        ),
    )


def precision(cases: pd.DataFrame, flags: pd.DataFrame, findings: Mapping[int, str]) -> pd.DataFrame:
    """Frame ``precision``: all cases, then those of each channel of their flags.

    Parameters
    ----------
    cases, flags : frames of the same names.
    findings : the newest finding of each case that has one, by number.
    """
    numbers = set(cases["number"].astype(int).tolist())
    of_channel = flags.dropna(subset=["case"]).groupby("channel", sort=True)["case"]
    groups = {"all cases": numbers} | {
        str(channel): numbers & set(of.astype(int).tolist()) for channel, of in of_channel
    }
    return framed("precision", (_precision(name, of, findings) for name, of in groups.items()))


def _precision(name: str, numbers: set[int], findings: Mapping[int, str]) -> dict[str, Any]:
    found = [findings.get(number) for number in sorted(numbers)]
    fraud, benign = found.count(str(Finding.FRAUDULENT)), found.count(str(Finding.NOT_FRAUDULENT))
    low, high = wilson(fraud, fraud + benign)
    return {
        "name": name,
        "fraudulent": fraud,
        "not_fraudulent": benign,
        "undecided": len(found) - fraud - benign,
        "precision": fraud / (fraud + benign) if fraud + benign else None,
        "low": low,
        "high": high,
    }


def _channels(scope: Scope) -> str:
    return " ".join([*(str(each) for each in scope.channels), *(str(each) for each in scope.directions)])
