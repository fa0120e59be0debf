"""What a deployment sets about detection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cjp_fraud.config import Settings
from features.counting_clocks import BUDGET_SHARE, Clock
from features.spike import SpikeMinimum


@dataclass(frozen=True, slots=True)
class Budgets:
    """What people can read: the threshold is chosen so that a window's means stay within both.

    Attributes
    ----------
    episodes_per_series_week : episodes per series and week.
    cases_per_day : new cases a day, of the whole deployment.
    """

    episodes_per_series_week: float = 0.5
    cases_per_day: float = 20.0

    def of_clock(self, clock: Clock) -> Budgets:
        """Return a longer clock's share of both budgets."""
        share = BUDGET_SHARE[clock]
        return Budgets(share * self.episodes_per_series_week, share * self.cases_per_day)


@dataclass(frozen=True, slots=True)
class SetThreshold:
    """A threshold that an admin has set for a clock.

    Attributes
    ----------
    threshold : score that a flag needs; None: from here on the model version's own counts again.
    valid_from : UTC day (days since 1970-01-01) from whose midnight it counts.
    """

    clock: Clock
    threshold: float | None
    valid_from: int


@dataclass(frozen=True, slots=True)
class DetectionRules:
    """Settings of flags and of training.

    Attributes
    ----------
    initial_threshold : score that a flag needs before there are four weeks of scores.
    budgets : what the chosen threshold allows.
    spike : least excess of a flag; ``spike_by_channel`` overrides it.
    set_thresholds : those that admins have set, oldest first; they count instead of the model version's own.
    """

    initial_threshold: float = 2.4
    budgets: Budgets = field(default_factory=Budgets)
    spike: SpikeMinimum = field(default_factory=SpikeMinimum)
    spike_by_channel: Mapping[str, SpikeMinimum] = field(default_factory=dict)
    set_thresholds: tuple[SetThreshold, ...] = ()

    def thresholds_set_on(self, day: int) -> dict[Clock, float]:
        """Return the thresholds that admins have set and that count on a UTC day; of two for a clock the newer one."""
        counting = {each.clock: each.threshold for each in self.set_thresholds if each.valid_from <= day}
        return {clock: threshold for clock, threshold in counting.items() if threshold is not None}

    def spike_of(self, channel: str) -> SpikeMinimum:
        """Least excess of a flag on ``channel``."""
        return self.spike_by_channel.get(channel, self.spike)


def rules_of(settings: Settings) -> DetectionRules:
    """Detection's part of the settings."""
    contacts, ratio = settings.spike_min_contacts_by_channel, settings.spike_min_ratio_by_channel
    return DetectionRules(
        initial_threshold=settings.initial_threshold,
        budgets=Budgets(settings.episodes_per_series_week, settings.cases_per_day),
        spike=SpikeMinimum(settings.spike_min_contacts, settings.spike_min_ratio),
        spike_by_channel={
            channel: SpikeMinimum(
                contacts.get(channel, settings.spike_min_contacts),
                ratio.get(channel, settings.spike_min_ratio),
            )
            for channel in sorted({*contacts, *ratio})
        },
    )
