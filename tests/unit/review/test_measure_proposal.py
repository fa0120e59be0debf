"""What a proposal fills in: calls in progress are cut to flagged destinations only, floods are met at their origins."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cjp_fraud.contracts.restriction import CallsInProgress, MeasureKind, Scope, scope_faults
from cjp_fraud.documents import from_document, to_document
from cjp_fraud.review.frozen_traffic import flagged_traffic
from cjp_fraud.review.measure_fit import measure_misfits
from cjp_fraud.review.measure_proposal import proposed_measure
from cjp_fraud.review.requests import MeasureWanted
from tests.unit.review.test_measure_replay import BEFORE, BURST, a_flag, flagged

HOUR = timedelta(hours=1)
KEEP, CUT, CUT_FLAGGED = CallsInProgress.KEEP, CallsInProgress.CUT, CallsInProgress.CUT_FLAGGED
VOICE_OUT = Scope(channels=("voice",), directions=("outbound",))


def scope_of(wanted: MeasureWanted) -> Scope:
    """Return the proposed scope of a burst to Latvia."""
    planned = proposed_measure(wanted, flagged(), HOUR)
    assert planned is not None
    assert measure_misfits(planned.kind, planned.scope, flagged()) == ()
    return planned.scope


@pytest.mark.parametrize(
    ("kind", "said", "calls", "numbers"),
    [
        (None, None, CUT_FLAGGED, ("+371",)),
        (MeasureKind.SUSPEND_ALL_ACCESS, None, CUT_FLAGGED, ("+371",)),
        (None, KEEP, KEEP, ()),
        (None, CUT, CUT, ()),
        (MeasureKind.SUSPEND_CHANNEL, CUT_FLAGGED, CUT_FLAGGED, ("+371",)),
    ],
)
def test_calls_in_progress_are_cut_to_flagged_destinations_unless_somebody_says_otherwise(
    kind: MeasureKind | None, said: CallsInProgress | None, calls: CallsInProgress, numbers: tuple[str, ...]
) -> None:
    scope = scope_of(MeasureWanted(kind, Scope(calls_in_progress=said)))

    assert (scope.calls_in_progress, scope.cut_calls_to) == (calls, numbers)


def test_a_block_cuts_calls_to_what_it_blocks_and_a_limit_cuts_none() -> None:
    block = MeasureWanted(MeasureKind.BLOCK_DESTINATIONS, Scope(destination_prefixes=("+371", "+53")))
    limit = MeasureWanted(MeasureKind.LIMIT_RATE, Scope(contacts_per_hour=500))

    assert scope_of(block).cut_calls_to == ("+371", "+53")
    assert scope_of(limit).calls_in_progress is KEEP


def test_where_it_is_not_known_where_the_calls_went_they_are_kept_and_to_cut_them_is_refused() -> None:
    unknown = flagged_traffic([a_flag()], [], ())

    kept = proposed_measure(MeasureWanted(), unknown, HOUR)
    asked = proposed_measure(MeasureWanted(scope=Scope(calls_in_progress=CUT_FLAGGED)), unknown, HOUR)
    assert kept is not None
    assert asked is not None
    assert kept.scope.calls_in_progress is KEEP
    assert "it is not known to which destinations" in str(scope_faults(asked.kind, asked.scope))


def test_against_an_inbound_flood_limits_on_its_origins_are_proposed() -> None:
    flood = flagged_traffic([a_flag(direction="inbound")], [*BEFORE, *BURST], ())
    planned = proposed_measure(MeasureWanted(), flood, HOUR)

    assert planned is not None
    assert (planned.kind, planned.scope.origins) == (MeasureKind.LIMIT_ORIGINS, ("+371",))
    assert planned.scope.calls_in_progress is KEEP
    assert proposed_measure(MeasureWanted(), replace(flood, replay=None), HOUR) is None


def test_nothing_is_cut_where_there_are_no_calls() -> None:
    chat = flagged_traffic([a_flag(channel="chat")], [*BEFORE, *BURST], ())
    planned = proposed_measure(MeasureWanted(), chat, HOUR)

    assert planned is not None
    assert planned.scope.calls_in_progress is None
    wrong = replace(planned.scope, calls_in_progress=CUT)
    assert "there are calls in voice only" in scope_faults(planned.kind, wrong)


@pytest.mark.parametrize(
    ("kind", "changes", "fault"),
    [
        (MeasureKind.LIMIT_RATE, {"contacts_per_hour": 5, "calls_in_progress": CUT}, "ends no call"),
        (MeasureKind.SUSPEND_CHANNEL, {"cut_calls_to": ("+371",)}, "cut_calls_to goes with cut_flagged only"),
        (
            MeasureKind.SUSPEND_CHANNEL,
            {"calls_in_progress": CUT_FLAGGED, "cut_calls_to": ("911",)},
            "calls to 911: name numbers by +",
        ),
    ],
)
def test_what_does_not_fit_together_is_named(
    kind: MeasureKind, changes: dict[str, object], fault: str
) -> None:
    [found] = scope_faults(kind, replace(VOICE_OUT, **changes))  # type: ignore[arg-type]
    assert fault in found


def test_a_document_from_before_calls_were_named_stays_as_it_was() -> None:
    old = to_document(VOICE_OUT)
    assert "calls_in_progress" not in old
    assert "cut_calls_to" not in old
    said = replace(VOICE_OUT, calls_in_progress=CUT_FLAGGED, cut_calls_to=("+371",))
    assert from_document(Scope, to_document(said)) == said
    assert from_document(Scope, old) == VOICE_OUT
