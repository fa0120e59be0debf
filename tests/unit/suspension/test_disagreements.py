"""How record and platform disagree, without either."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.documents import to_document
from cjp_fraud.suspension.disagreements import DisagreementKind, disagreement_of
from cjp_fraud.suspension.model import MeasureState
from cjp_fraud.suspension.platform import Order, ReadBack

ENDS_AT = datetime(2026, 3, 5, 12, tzinfo=UTC)
SCOPE = Scope(channels=("voice",), directions=("outbound",))
ORDER = Order("measure-1", "acme", MeasureKind.SUSPEND_CHANNEL, SCOPE, ENDS_AT)
IN_FORCE = ReadBack(
    "measure-1",
    restricted=True,
    tenant_id="acme",
    kind="suspend_channel",
    scope=to_document(SCOPE),
    emergency_calls=True,
    ends_at=ENDS_AT,
)
NOTHING = ReadBack("measure-1", restricted=False)
SILENT_ON_EMERGENCIES = replace(IN_FORCE, emergency_calls=None)


@pytest.mark.parametrize(
    ("state", "answer", "kind"),
    [
        (MeasureState.IN_FORCE, IN_FORCE, None),
        (MeasureState.IN_FORCE, NOTHING, DisagreementKind.NOT_RESTRICTED),
        (MeasureState.IN_FORCE, SILENT_ON_EMERGENCIES, DisagreementKind.DIFFERS),
        (MeasureState.ORDERED, NOTHING, None),
        (MeasureState.LIFTING, IN_FORCE, None),
        (MeasureState.ENDED, NOTHING, None),
        (MeasureState.ENDED, IN_FORCE, DisagreementKind.ENDED_BUT_RESTRICTED),
    ],
)
def test_record_and_platform_are_compared(
    state: MeasureState, answer: ReadBack, kind: DisagreementKind | None
) -> None:
    disagreement = disagreement_of(ORDER, "case-1", state, answer, is_past_its_end=False)
    assert (disagreement.kind if disagreement is not None else None) is kind


@pytest.mark.parametrize(("answer", "says"), [(IN_FORCE, "STILL RESTRICTS"), (NOTHING, "ended it by itself")])
def test_a_measure_past_its_end_is_named_with_what_the_platform_says(answer: ReadBack, says: str) -> None:
    disagreement = disagreement_of(ORDER, "case-1", MeasureState.IN_FORCE, answer, is_past_its_end=True)
    assert disagreement is not None
    assert disagreement.kind is DisagreementKind.PAST_ITS_END
    assert says in disagreement.sentence
