"""Make a contract's addresses those that counsel's file gives: what it does not give ends, and nothing is overwritten.

Since when an address was true, and until when, is entered in days; when it was learned is when the file is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from cjp_fraud.audit.recording import recording_time
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.audit.texts import new_text
from cjp_fraud.clock import aware
from cjp_fraud.contracts.business_calendar import wall_instant
from cjp_fraud.contracts.contract_file import ContractFile, EnteredAddress
from cjp_fraud.contracts.model import Origin
from cjp_fraud.contracts.tables import Address
from cjp_fraud.contracts.versions import AddressChange, addresses_of, put_addresses, require_later
from cjp_fraud.storage.base import new_id


def day_faults(file: ContractFile, time_zone: str, at: datetime) -> Iterator[str]:
    """Yield which addresses begin or end on a day that is still to come: nobody knows yet whether they will.

    Parameters
    ----------
    time_zone : the tenant's IANA zone.
    at : when the file is loaded, aware.
    """
    today = aware(at).astimezone(ZoneInfo(time_zone)).date()
    for entry, line in zip(file.addresses, file.address_lines, strict=True):
        if entry.from_day is not None and entry.from_day > today:
            yield f"{line}: addresses, from_day {entry.from_day} is still to come; enter the address on that day"
        if entry.to_day is not None and entry.to_day >= today:
            yield (
                f"{line}: addresses, to_day {entry.to_day} is not over; leave it out, and load the file again "
                "once another address holds"
            )


def enter_addresses(
    session: Session,
    entered: Sequence[EnteredAddress],
    subscription_id: str,
    time_zone: str,
    source: str,
    at: datetime,
) -> list[dict[str, Any]]:
    """Make the addresses of each role and method that a file names exactly those that it gives.

    Parameters
    ----------
    time_zone : the tenant's, whose days the entries name.
    source : which file, and who entered it.
    at : aware; from when a changed address holds, where its entry says no day.

    Returns
    -------
    what the log says of it, an entry for each role and method that changed: ids, and digests in the place of addresses.

    Raises
    ------
    BadInputError
        If an address that ends is valid from a later moment than ``at``.
    """
    changes = []
    for role, method in dict.fromkeys((entry.role, entry.method) for entry in entered):
        given = [entry for entry in entered if (entry.role, entry.method) == (role, method)]
        known = addresses_of(session, role, [subscription_id], method=method)[subscription_id]
        missing, ended = _compared(known, given, time_zone, at)
        for address, _ in ended:
            require_later(address.valid_from, at)
        if not missing and not ended:
            continue
        added = [
            _new(entry, subscription_id, at if known else None, time_zone, source, at) for entry in missing
        ]
        for address, _ in added:
            address.end_recorded_at = recording_time(session) if address.valid_to is not None else None
        change = AddressChange(tuple(address for address, _ in ended), tuple(added))
        put_addresses(session, [change], at)
        for address, valid_to in ended:
            address.valid_to = valid_to
        changes.append({"role": role, "method": method, **change.facts})
    return changes


def _compared(
    known: Sequence[tuple[Address, PersonalText]],
    given: Sequence[EnteredAddress],
    time_zone: str,
    at: datetime,
) -> tuple[list[EnteredAddress], list[tuple[Address, datetime]]]:
    """Return the entries that are not on record, and the addresses on record that end, each with when it ends."""
    missing = list(given)
    ended: list[tuple[Address, datetime]] = []
    for address, text in known:
        of_address = [entry for entry in missing if entry.address == text.body]
        alike = [entry for entry in of_address if _verified_and_begun_as(address, entry, time_zone)]
        same = next((entry for entry in alike if _ends(entry, time_zone) == address.valid_to), None)
        if same is not None:
            missing.remove(same)
        elif address.valid_to is None:
            over = next(
                (entry for entry in alike if _ends_after_its_beginning(address, entry, time_zone)), None
            )
            if over is not None:  # it is on record, and that it ended is learned now
                missing.remove(over)
            ended.append((address, _end_of(address, over, of_address, time_zone, at)))
    return missing, ended


def _verified_and_begun_as(address: Address, entry: EnteredAddress, time_zone: str) -> bool:
    """Whether an address on record is counsel's, and was verified and began as an entry says."""
    on_record = (address.origin, address.verified_at, address.verified_how)
    begins = _begins(entry, time_zone)
    return on_record == (Origin.COUNSEL, entry.verified_at, entry.verified_how) and (
        begins is None or begins == address.valid_from
    )


def _ends_after_its_beginning(address: Address, entry: EnteredAddress, time_zone: str) -> bool:
    ends = _ends(entry, time_zone)
    return ends is not None and (address.valid_from is None or address.valid_from < ends)


def _end_of(
    address: Address,
    over: EnteredAddress | None,
    of_address: Sequence[EnteredAddress],
    time_zone: str,
    at: datetime,
) -> datetime:
    """Return when an address on record ends: as entered, now, or with its beginning where other days are entered.

    Parameters
    ----------
    over : the entry that says when it ended; None: none does.
    of_address : all entries of the same address that are not on record.
    """
    if over is not None:
        return _ends(over, time_zone) or at
    begin = address.valid_from
    corrected = [_begins(entry, time_zone) for entry in of_address if entry.from_day is not None]
    if begin is None:
        return min((each for each in corrected if each is not None), default=at)
    never_held = any(each != begin for each in corrected) or any(
        not _ends_after_its_beginning(address, entry, time_zone)
        for entry in of_address
        if entry.to_day is not None
    )
    return begin if never_held else at


def _new(
    entry: EnteredAddress,
    subscription_id: str,
    since: datetime | None,
    time_zone: str,
    source: str,
    at: datetime,
) -> tuple[Address, PersonalText]:
    text = new_text(entry.address, at)
    ends = _ends(entry, time_zone)
    begins = _begins(entry, time_zone) or (since if ends is None else None)
    address = Address(
        id=new_id(),
        subscription_id=subscription_id,
        role=entry.role,
        method=entry.method,
        origin=Origin.COUNSEL,
        text_id=text.id,
        valid_from=begins,
        valid_to=ends,
        recorded_at=at,
        source=f"{entry.page[:150]}: {source}"[:400] if entry.page else source,
        verified_at=entry.verified_at,
        verified_how=entry.verified_how,
    )
    return address, text


def _begins(entry: EnteredAddress, time_zone: str) -> datetime | None:
    return _midnight(entry.from_day, time_zone) if entry.from_day is not None else None


def _ends(entry: EnteredAddress, time_zone: str) -> datetime | None:
    return _midnight(entry.to_day + timedelta(days=1), time_zone) if entry.to_day is not None else None


def _midnight(day: date, time_zone: str) -> datetime:
    return wall_instant(datetime.combine(day, time(0)), time_zone)
