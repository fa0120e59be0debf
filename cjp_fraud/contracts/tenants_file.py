"""Read a tenants file (CSV, JSON or TOML): every fault of the file at once, each with its line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from cjp_fraud.contracts.deployments import product_name, why_not_accepted
from cjp_fraud.contracts.email_address import is_email_address
from cjp_fraud.contracts.language_tag import language_tag
from cjp_fraud.contracts.model import Hosting, Method, PurchaseModel
from cjp_fraud.contracts.tables import NAME_LENGTH
from cjp_fraud.contracts.tabular import RawRow, raw_rows
from cjp_fraud.errors import BadInputError

COLUMNS: Final = (
    "tenant_id",
    "name",
    "party_id",
    "provider_id",
    "time_zone",
    "country",
    "language",
    "plan",
    "offer_version",
    "purchase_model",
    "agents_standard",
    "agents_premium",
    "hosting",
    "product",
    "support_level",
    "critical",
    "term_from",
    "term_to",
    "provisioning_notice_ref",
    "governing_document",
    "notice_method",
    "notice_address",
)
"""Columns of the tenants file, in the design's order; only the id and the time zone are required."""

REQUIRED: Final = ("tenant_id", "time_zone")
PLAIN_TERMS: Final = (
    "governing_document",
    "term_from",
    "term_to",
    "provisioning_notice_ref",
    "notice_method",
    "notice_address",
)
"""All of these together give the plain terms; any one missing leaves them unread."""

_END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)
_ONE_DAY = timedelta(days=1)


class TenantsFileError(BadInputError):
    """A tenants file that cannot be loaded; ``faults`` holds one sentence for each fault."""

    def __init__(self, file: str, faults: tuple[str, ...]) -> None:
        self.faults = faults
        count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
        super().__init__(
            f"{file} cannot be loaded ({count}; nothing was stored):\n"
            + "\n".join(f"  {it}" for it in faults)
        )


@dataclass(frozen=True, slots=True)
class TenantRow:
    """One tenant as its file names it; a field is None where the file gives nothing.

    Parameters
    ----------
    line : line of the file at which the row begins.
    given : columns that the file has; the others say nothing about the tenant.
    term_from, term_to : first moment of the term and first moment after it, UTC. A date is the tenant's
        local day, and the last day of a term belongs to it.
    """

    line: int
    given: frozenset[str]
    tenant_id: str
    time_zone: str
    name: str | None = None
    party_id: str | None = None
    provider_id: str | None = None
    country: str | None = None
    language: str | None = None
    plan: str | None = None
    offer_version: str | None = None
    purchase_model: PurchaseModel | None = None
    agents_standard: int | None = None
    agents_premium: int | None = None
    hosting: Hosting = Hosting.PROVIDER
    product: str | None = None
    support_level: str | None = None
    critical: bool = False
    term_from: datetime | None = None
    term_to: datetime | None = None
    provisioning_notice_ref: str | None = None
    governing_document: str | None = None
    notice_method: Method | None = None
    notice_address: str | None = None

    @property
    def deployment_accepted(self) -> bool:
        """Whether traffic of this deployment is processed (clause 3)."""
        return why_not_accepted(self.hosting, self.product) is None


def read_tenants(file: Path) -> tuple[TenantRow, ...]:
    """Read a tenants file.

    Parameters
    ----------
    file : ``.csv``; ``.json`` (a list of objects, or one under "tenants"); ``.toml`` ([[tenants]]).

    Raises
    ------
    TenantsFileError
        Names every fault of the file with its line.
    """
    faults: list[str] = []
    columns, rows = raw_rows(file, faults)
    faults += _column_faults(file, columns) if not faults else []
    if faults:
        raise TenantsFileError(file.name, tuple(faults))
    lines: dict[str, int] = {}
    read = []
    for raw in rows:
        row, wrong = _checked(raw, frozenset(columns))
        tenant_id = _plain(raw.cells.get("tenant_id"))
        if isinstance(tenant_id, str) and tenant_id in lines:
            wrong.append(
                f"tenant {tenant_id!r} stands in line {lines[tenant_id]} already; give each tenant one row"
            )
        elif isinstance(tenant_id, str):
            lines[tenant_id] = raw.line
        faults += [f"line {raw.line}: {sentence}" for sentence in wrong]
        if row is not None:
            read.append(row)
    if not rows:
        faults.append("there is no tenant in it")
    if faults:
        raise TenantsFileError(file.name, tuple(faults))
    return tuple(read)


def _column_faults(file: Path, columns: tuple[str, ...]) -> list[str]:
    found = []
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        meant = [
            f"{name} ({near[0]}?)" if (near := get_close_matches(name, COLUMNS, 1)) else name
            for name in unknown
        ]
        found.append(f"not known: {', '.join(meant)}; a tenants file may have {', '.join(COLUMNS)}")
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        seen = ", ".join(columns) or "none"
        found.append(f"missing: {', '.join(missing)}; the columns found are {seen}")
    return found


def _checked(raw: RawRow, given: frozenset[str]) -> tuple[TenantRow | None, list[str]]:
    wrong: list[str] = []
    values: dict[str, Any] = {}
    for name in COLUMNS:
        if name not in given or name in ("term_from", "term_to"):
            continue
        cell = _plain(raw.cells.get(name))
        if cell is None:
            if name in REQUIRED:
                wrong.append(f"{name} is empty")
            if name == "hosting":
                wrong.append(f"hosting is empty; write {', '.join(Hosting)}, or leave the whole column out")
            continue
        try:
            values[name] = _PARSERS.get(name, _text)(cell)
        except ValueError as error:
            wrong.append(f"{name} is {cell!r}; {error}")
    zone = ZoneInfo(values["time_zone"]) if "time_zone" in values else None
    for name in ("term_from", "term_to"):
        cell = _plain(raw.cells.get(name))
        if name in given and cell is not None:
            try:
                values[name] = _term_moment(cell, zone or ZoneInfo("UTC"), last=name == "term_to")
            except ValueError as error:
                wrong.append(f"{name} is {_shown(cell)}; {error}")
    if "term_from" in values and "term_to" in values and values["term_to"] <= values["term_from"]:
        wrong.append(
            f"term_to {_shown(_plain(raw.cells['term_to']))} is before term_from "
            f"{_shown(_plain(raw.cells['term_from']))}"
        )
    if wrong:
        return None, wrong
    return TenantRow(line=raw.line, given=given, **values), []


def _plain(cell: object) -> object:
    if isinstance(cell, str):
        return cell.strip() or None
    return cell


def _shown(cell: object) -> str:
    return cell.isoformat() if isinstance(cell, date) else repr(cell)


def _text(cell: object, longest: int = 400) -> str:
    if not isinstance(cell, str):
        raise ValueError("write it as text, in quotes")
    if not cell.isprintable():
        raise ValueError("it holds characters that cannot be printed")
    if len(cell) > longest:
        raise ValueError(f"it is longer than {longest} characters")
    return cell


def _limited(longest: int) -> Callable[[object], str]:
    return lambda cell: _text(cell, longest)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(cell: object) -> str:
    name = _text(cell, 64)
    if name not in _zones():
        near = get_close_matches(name, _zones(), 1, cutoff=0.5)
        hint = f"; perhaps {near[0]}" if near else ""
        raise ValueError(f"it is no IANA time zone, which look like Europe/Berlin{hint}")
    return name


def _country(cell: object) -> str:
    name = _text(cell).upper()
    if len(name) != 2 or not (name.isascii() and name.isalpha()):
        raise ValueError("write the two letters of ISO 3166-1, for example US")
    return name


def _count(cell: object) -> int:
    text = str(cell) if isinstance(cell, int) and not isinstance(cell, bool) else cell
    if not isinstance(text, str) or not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise ValueError("write a whole number from 0 to 999999999")
    return int(text)


def _critical(cell: object) -> bool:
    if isinstance(cell, bool):
        return cell
    if isinstance(cell, str) and cell.lower() in ("true", "false"):
        return cell.lower() == "true"
    raise ValueError("write true or false")


def _hosting(cell: object) -> Hosting:
    if cell in tuple(Hosting):
        return Hosting(str(cell))
    raise ValueError(f"write one of {', '.join(Hosting)}")


def _purchase_model(cell: object) -> PurchaseModel:
    if cell in tuple(PurchaseModel):
        return PurchaseModel(str(cell))
    raise ValueError(f"write one of {', '.join(PurchaseModel)} (clause 1: exactly one)")


def _notice_method(cell: object) -> Method:
    if cell in tuple(Method):
        return Method(str(cell))
    raise ValueError(
        "only email can be served so far; leave the cell empty, and the terms stay not_read: "
        "the tenant can be flagged and reviewed, not suspended"
    )


def _notice_address(cell: object) -> str:
    text = _text(cell)
    if not is_email_address(text):
        raise ValueError("it is no email address; give one like notices@example.com")
    return text


def _term_moment(cell: object, zone: ZoneInfo, *, last: bool) -> datetime:
    """Return the moment that a cell of the term means; a date is a local day, the last one included."""
    if isinstance(cell, str):
        try:
            cell = (
                date.fromisoformat(cell) if len(cell) == len("2026-01-31") else datetime.fromisoformat(cell)
            )
        except ValueError:
            raise ValueError("write a date like 2026-01-31, or a moment like 2026-01-31T09:00:00Z") from None
    if isinstance(cell, datetime):
        if cell.tzinfo is None:
            raise ValueError("it has a time but no zone; write a date, or add Z or an offset")
        moment = cell
    elif isinstance(cell, date):
        if cell.year >= _END_OF_TIME.year:
            return _END_OF_TIME
        moment = datetime.combine(cell + _ONE_DAY if last else cell, time(), zone)
    else:
        raise ValueError("write a date like 2026-01-31")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("it is out of the range of dates") from None


_PARSERS: Final[Mapping[str, Callable[[object], Any]]] = {
    "tenant_id": _limited(NAME_LENGTH),
    "party_id": _limited(NAME_LENGTH),
    "provider_id": _limited(NAME_LENGTH),
    "time_zone": _zone,
    "country": _country,
    "language": language_tag,
    "plan": _limited(100),
    "offer_version": _limited(40),
    "purchase_model": _purchase_model,
    "agents_standard": _count,
    "agents_premium": _count,
    "hosting": _hosting,
    "product": lambda cell: product_name(_text(cell, 100)),
    "support_level": _limited(40),
    "critical": _critical,
    "notice_method": _notice_method,
    "notice_address": _notice_address,
}
