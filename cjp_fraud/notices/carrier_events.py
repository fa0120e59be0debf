"""What a carrier saw of a letter: kept raw, with its code, its local time and zone and who signed, and weighed.

The codes are those of the Universal Postal Union (EMSEVT V3). ``EMA`` is the mailing in the carrier's books, ``EMI``
the delivery. An attempt without one (``EMH``) is no failure: the carrier tries again, or the letter comes back. Every
other code says where a letter is, and proves nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.digests import canonical_json, sha256_hex
from cjp_fraud.errors import BadInputError
from cjp_fraud.notices.model import DeliveryEvidence

_MAILED: Final = frozenset({"EMA", "EMB", "EMC", "EMD", "EMF", "EMG", "EMH", "EDG", "EXC"})
"""Codes of a letter that the carrier has in its hands: it was mailed."""
_DELIVERED: Final = "EMI"
_CLOCKS: Final = timedelta(days=1)
"""By how much a carrier's clock may be wrong: some give the day alone."""
_RETURNED: Final = frozenset({"RTS", "EXX"})
"""Returned to the sender (as carriers add to the list), and taken back."""


@dataclass(frozen=True, slots=True)
class CarrierEvent:
    """One event of a carrier.

    Parameters
    ----------
    code : as the carrier gives it, capital letters.
    at : aware, in the zone where it happened.
    zone : IANA name of that zone.
    place : where; None: not said.
    signatory : who signed; None: nobody, or not said. Without a name a delivery says not to whom.
    item : the carrier's number of the item (S10); None: not said.
    raw : canonical JSON of all that was said.
    """

    code: str
    at: datetime
    zone: str
    place: str | None
    signatory: str | None
    item: str | None
    raw: str


def read_event(said: Mapping[str, Any]) -> CarrierEvent:
    """Read one event: ``code``, ``local_time`` (without offset), ``zone``; ``place``, ``signatory``, ``item`` if known.

    Raises
    ------
    BadInputError
        Names what is missing or wrong; the event is kept aside by the caller.
    """
    code, local, zone = (str(said.get(name) or "") for name in ("code", "local_time", "zone"))
    if not code.isalnum():
        raise BadInputError(f"a carrier's event has no code: {dict(said)}")
    try:
        at = datetime.fromisoformat(local)
        if at.tzinfo is not None:
            raise ValueError("it has an offset")
        at = at.replace(tzinfo=ZoneInfo(zone))
    except (ValueError, ZoneInfoNotFoundError, OSError) as error:
        raise BadInputError(
            f"the carrier's event {code} has no local time with its zone ({local!r}, {zone!r}): {error}"
        ) from None
    return CarrierEvent(
        code=code.upper(),
        at=at,
        zone=zone,
        place=_known(said, "place"),
        signatory=_known(said, "signatory"),
        item=_known(said, "item"),
        raw=canonical_json(dict(said)).decode(),
    )


def require_possible(event: CarrierEvent, handed_over_at: datetime, now: datetime) -> None:
    """Refuse an event that lies before its letter was handed over, or in the future, by more than the clocks of a day.

    Parameters
    ----------
    handed_over_at, now : aware.

    Raises
    ------
    BadInputError
        Says by which of the two.
    """
    if event.at < handed_over_at - _CLOCKS:
        raise BadInputError(
            f"the carrier's event {event.code} is of {event.at:%Y-%m-%d %H:%M} ({event.zone}), before its letter was "
            f"handed over ({handed_over_at:%Y-%m-%d %H:%MZ}): it is of another letter, or its time is wrong"
        )
    if event.at > now + _CLOCKS:
        raise BadInputError(
            f"the carrier's event {event.code} is of {event.at:%Y-%m-%d %H:%M} ({event.zone}), which is still to come"
        )


def _known(said: Mapping[str, Any], name: str) -> str | None:
    return str(said[name]).strip() if said.get(name) else None


def evidence_of(event: CarrierEvent, carrier: str, attempt_id: str | None) -> DeliveryEvidence:
    """Return what an event proves of the letter: mailed, delivered, not delivered, or only that it is on its way.

    Parameters
    ----------
    carrier : who says so; its answer comes over a channel that is authenticated (TLS, token, our own folder).
    """
    status, negative = _standing(event.code)
    return DeliveryEvidence(
        status=status,
        negative=negative,
        authenticated=True,
        source=f"{carrier}: {event.code}",
        raw=event.raw,
        attempt_id=attempt_id,
        report_sha256=sha256_hex(event.raw.encode()),
        source_at=event.at,
    )


def _standing(code: str) -> tuple[DeliveryStatus, bool]:
    if code == _DELIVERED:
        return DeliveryStatus.DELIVERED, False
    if code in _RETURNED:
        return DeliveryStatus.ACCEPTED, True
    return (DeliveryStatus.ACCEPTED if code in _MAILED else DeliveryStatus.ATTEMPTED), False
