"""The kinds of series that a tenant may have, and what its usual contacts are like."""

from __future__ import annotations

from dataclasses import dataclass

SeriesName = tuple[str, str]
"""Channel and direction."""


@dataclass(frozen=True, slots=True)
class SeriesKind:
    """Usual contacts of a channel and direction. All numbers are our choice, near what the trade calls normal.

    Attributes
    ----------
    channel, direction : as in the traffic schema.
    presence : share of tenants that have it.
    alone : how often it is chosen where a tenant has one series only, relative to the others.
    volume : contacts relative to the tenant's size.
    connected : share that is connected (sms: delivered).
    failed : share that fails; what is neither connected nor failed was abandoned.
    short : share of the connected that lasts under 10 s.
    talk_seconds : mean length of a connected contact; 0: nothing is measured.
    staffed : agents carry it.
    international, high_risk : shares; None: the source does not say.
    cents_a_minute, cents_a_contact : charge.
    dispersion : spread (standard deviation of the logarithm) of the rate between intervals, from and to.
    """

    channel: str
    direction: str
    presence: float
    alone: float
    volume: float
    connected: float
    failed: float
    short: float
    talk_seconds: float
    staffed: bool
    international: float | None
    high_risk: float | None
    cents_a_minute: float
    cents_a_contact: float
    dispersion: tuple[float, float]

    @property
    def name(self) -> SeriesName:
        """Channel and direction."""
        return self.channel, self.direction

    @property
    def outbound(self) -> bool:
        """Whether the tenant begins the contact."""
        return self.direction == "outbound"


SERIES_KINDS = (
    SeriesKind(
        *("voice", "inbound", 0.9, 0.25, 1.0, 0.93, 0.0, 0.03, 240.0, True),
        *(None, None, 2.5, 0.0, (0.05, 0.35)),
    ),
    SeriesKind(
        *("voice", "outbound", 0.75, 0.40, 0.6, 0.48, 0.12, 0.06, 150.0, True),
        *(0.02, 0.002, 2.0, 0.0, (0.1, 0.6)),
    ),
    SeriesKind(
        *("chat", "inbound", 0.45, 0.10, 0.3, 0.90, 0.0, 0.0, 420.0, True),
        *(None, None, 0.0, 0.0, (0.05, 0.4)),
    ),
    SeriesKind(
        *("email", "inbound", 0.5, 0.10, 0.4, 0.99, 0.0, 0.0, 0.0, True),
        *(None, None, 0.0, 0.0, (0.1, 0.6)),
    ),
    SeriesKind(
        *("sms", "outbound", 0.4, 0.12, 0.8, 0.96, 0.04, 0.0, 0.0, False),
        *(0.03, 0.002, 0.0, 0.9, (0.2, 0.8)),
    ),
    SeriesKind(
        *("social", "inbound", 0.15, 0.03, 0.1, 0.95, 0.0, 0.0, 300.0, True),
        *(None, None, 0.0, 0.0, (0.2, 0.8)),
    ),
)

VOICE_IN: SeriesName = ("voice", "inbound")
VOICE_OUT: SeriesName = ("voice", "outbound")
