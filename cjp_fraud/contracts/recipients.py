"""To whom notices go: the addresses of the roles that a contract names, and those replaced lately; a pure rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cjp_fraud.clock import aware, utc_text
from cjp_fraud.contracts.model import Recipient

LATELY = timedelta(days=30)
"""How long a replaced address is served beside its successor (the design's "lately")."""


@dataclass(frozen=True, slots=True)
class AddressOnRecord:
    """One address for notices as it is on record; moments are aware.

    Parameters
    ----------
    text : the address itself; None: it was erased, at ``erased_at``.
    sha256 : digest of the address.
    source : who or what entered it.
    valid_from, valid_to : when it took effect, and when it ended; None: from the beginning, not ended.
    end_recorded_at : when its end was recorded; None: it has none.
    """

    id: str
    role: str
    method: str
    text: str | None
    sha256: str
    erased_at: datetime | None
    source: str
    recorded_at: datetime
    valid_from: datetime | None
    valid_to: datetime | None
    end_recorded_at: datetime | None

    def has_begun(self, at: datetime) -> bool:
        """Whether it had taken effect by ``at``."""
        return self.valid_from is None or self.valid_from <= at

    def has_not_ended(self, at: datetime) -> bool:
        """Whether it had no end by ``at``."""
        return self.valid_to is None or self.valid_to > at

    @property
    def entered_at(self) -> datetime:
        """When it took effect, or when that was recorded, whichever is later."""
        return max(self.recorded_at, self.valid_from or self.recorded_at)

    @property
    def ended_at(self) -> datetime:
        """When it ended, or when that was recorded, whichever is later; asked only of one that has ended.

        One that was entered after its end was never in use here: of that, its end counts.
        """
        assert self.valid_to is not None, "it has ended"
        if self.end_recorded_at is None or self.end_recorded_at <= self.recorded_at:
            return self.valid_to
        return max(self.valid_to, self.end_recorded_at)


def recipients_among(addresses: Iterable[AddressOnRecord], at: datetime) -> tuple[Recipient, ...]:
    """Return the addresses that are in force at ``at`` (aware) or were replaced in the 30 days before.

    The 30 days count from when the replacement was recorded, or from when it took effect, whichever is later. An erased
    address serves nobody; it is asked for again. Those in force come first, each part in the order given.
    """
    moment = aware(at)
    current: list[AddressOnRecord] = []
    replaced: list[AddressOnRecord] = []
    for address in addresses:
        if address.text is None or not address.has_begun(moment):
            continue
        if address.has_not_ended(moment):
            current.append(address)
        elif address.ended_at > moment - LATELY:
            replaced.append(address)
    served: set[tuple[str, str | None]] = set()
    chosen: list[Recipient] = []
    for address in (*current, *replaced):
        in_force = address.has_not_ended(moment)
        if not in_force and (address.method, address.text) in served:
            continue  # replaced and put back: one letter to it is enough
        served.add((address.method, address.text))
        chosen.append(
            Recipient(
                address_id=address.id,
                sha256=address.sha256,
                role=address.role,
                method=address.method,
                known=f"{address.source}, recorded {utc_text(address.recorded_at)}",
                replaced_at=None if in_force else address.valid_to,
            )
        )
    return tuple(chosen)


def former_address_erased(addresses: Iterable[AddressOnRecord], at: datetime) -> bool:
    """Whether an address was entered in the 30 days before ``at`` (aware), and the one before it was erased.

    It then counts as lately changed, and nobody knows any more what a notice would have gone to beside it.
    """
    moment = aware(at)
    known = [address for address in addresses if address.recorded_at <= moment and address.has_begun(moment)]
    entered = any(address.has_not_ended(moment) and address.entered_at > moment - LATELY for address in known)
    former = [address for address in known if not address.has_not_ended(moment)]
    since = min(moment - LATELY, max((address.ended_at for address in former), default=moment))
    return entered and any(
        address.erased_at is not None and address.erased_at <= moment and address.ended_at >= since
        for address in former
    )
