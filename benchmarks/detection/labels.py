"""Events of the simulation as labels: which tenant, from when to when, and what a minute cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from cjp_fraud.simulation.truth import TruthRow

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

DAY = 86_400
BEFORE, AFTER = 300, 900
"""Seconds before and after a label that still touch it."""

FOUND_WITHIN = DAY
"""An event counts as found if it is flagged within a day: on weeks of a slow one a false flag falls by chance."""

BENIGN_FOR = 4 * DAY
"""A benign event that lasts (a migration, a new client) is an event for four days, then the norm."""


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """One event of one tenant.

    Attributes
    ----------
    event_id, scenario, benign : as in the truth.
    tenant : number of the tenant.
    begin, end : UTC seconds, of the first and last part; end exclusive.
    parts : float64 [parts, 3]; UTC seconds of begin and end, and cents a second in between.
    contacts : added.
    """

    event_id: str
    scenario: str
    benign: bool
    tenant: int
    begin: int
    end: int
    parts: Floats
    contacts: int

    @property
    def cost_cents(self) -> float:
        """What it cost in all."""
        return self.cost_until(np.inf)

    @property
    def cost_begin(self) -> int:
        """UTC seconds of the beginning of the first part that costs anything; of the event where none does."""
        costing = self.parts[self.parts[:, 2] > 0]
        return int(costing[0, 0]) if len(costing) else self.begin

    @property
    def touched(self) -> tuple[int, int]:
        """UTC seconds from and to which (inclusive) an episode touches it, so that it is not false."""
        end = min(self.end, self.begin + BENIGN_FOR) if self.benign else self.end
        return self.begin - BEFORE, end + AFTER

    def found_by(self, within: float = FOUND_WITHIN) -> tuple[int, int]:
        """UTC seconds from and to which (inclusive) a flag finds it, within so many seconds of the cost's begin."""
        return self.begin - BEFORE, int(min(self.end + AFTER, max(self.begin, self.cost_begin) + within))

    def cost_until(self, moment: float) -> float:
        """Return what it had cost by a moment (UTC seconds), in cents."""
        begin, end, rate = self.parts.T
        return float((np.clip(moment - begin, 0, end - begin) * rate).sum())


def labels_of(truth: Iterable[TruthRow], number_of: dict[str, int]) -> list[Label]:
    """Return the events of the truth, by tenant and begin.

    Parameters
    ----------
    truth : rows; those of an event are one label.
    number_of : number of each tenant by its id.
    """
    rows = sorted(truth, key=lambda row: (number_of[row.tenant_id], row.event_id, row.begin))
    labels = [
        _label(list(parts), number)
        for (number, _), parts in groupby(rows, key=lambda row: (number_of[row.tenant_id], row.event_id))
    ]
    return sorted(labels, key=lambda label: (label.tenant, label.begin))


def _label(rows: list[TruthRow], tenant: int) -> Label:
    begin, end = (
        np.array([getattr(row, name).timestamp() for row in rows], dtype=np.float64)
        for name in ("begin", "end")
    )
    rate = np.array([row.cost_cents for row in rows]) / (end - begin)
    return Label(
        event_id=rows[0].event_id,
        scenario=rows[0].scenario + ("_test" if rows[0].event_id.endswith("-test") else ""),
        benign=rows[0].benign,
        tenant=tenant,
        begin=int(begin.min()),
        end=int(end.max()),
        parts=np.stack([begin, end, rate], axis=1),
        contacts=sum(row.contacts for row in rows),
    )
