"""Read a tenants file (CSV, JSON or TOML): every fault of the file at once, each with its line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, UnknownLocaleError
from babel.core import get_locale_identifier, parse_locale
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)

from cjp_fraud.contracts.countries import is_country
from cjp_fraud.contracts.methods import is_email_address
from cjp_fraud.contracts.model import (
    NAME_LENGTH,
    Hosting,
    PurchaseModel,
    inside_flex_plan,
    product_name,
    why_not_accepted,
)
from cjp_fraud.contracts.offer_catalogue import feature_name
from cjp_fraud.contracts.proof_file import proof_sha256
from cjp_fraud.contracts.provisioning import (
    STORED_PROOF,
    WHOLE,
    date_fault,
    document_id_fault,
    part_fault,
)
from cjp_fraud.contracts.tabular import read_cells
from cjp_fraud.errors import BadInputError

PLAIN_TERMS: Final = (
    "governing_document",
    "term_from",
    "term_to",
    "provisioning_notice_date",
    "provisioning_notice_part",
    "provisioning_notice_proof",
    "notice_method",
    "notice_address",
)
"""All of these together give the plain terms; any one missing leaves them unread."""

_END_OF_TIME: Final = datetime(9999, 12, 31, tzinfo=UTC)


class TenantsFileError(BadInputError):
    """A tenants file that cannot be loaded; ``faults`` holds one sentence for each fault."""

    def __init__(self, file: str, faults: tuple[str, ...]) -> None:
        self.faults = faults
        count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
        super().__init__(
            f"{file} cannot be loaded ({count}; nothing was stored):\n"
            + "\n".join(f"  {fault}" for fault in faults)
        )


def _printable(cell: object) -> object:
    if not isinstance(cell, str):
        raise ValueError("write it as text, in quotes")
    if not cell.isprintable():
        raise ValueError("it holds characters that cannot be printed")
    return cell


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(name: str) -> str:
    if name not in _zones():
        near = get_close_matches(name, _zones(), 1, cutoff=0.5)
        hint = f"; perhaps {near[0]}" if near else ""
        raise ValueError(f"it is no IANA time zone, which look like Europe/Berlin{hint}")
    return name


def _country(name: str) -> str:
    if not is_country(name.upper()):
        raise ValueError("write the two letters of ISO 3166-1, for example US")
    return name.upper()


def _language(tag: str) -> str:
    try:
        Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        raise ValueError("write a language tag like en, fr or es-MX") from None
    return get_locale_identifier(parse_locale(tag, sep="-"), sep="-")


def _digits(cell: object) -> int:
    """Whole numbers only: pydantic alone would read true as 1."""
    text = str(cell) if isinstance(cell, int) and not isinstance(cell, bool) else cell
    if not isinstance(text, str) or not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise ValueError("write a whole number from 0 to 999999999")
    return int(text)


def _true_or_false(cell: object) -> bool:
    """Nothing but true and false: pydantic alone would read yes, on, 1 and t as true."""
    if isinstance(cell, bool):
        return cell
    if isinstance(cell, str) and cell.lower() in ("true", "false"):
        return cell.lower() == "true"
    raise ValueError("write true or false")


def _email(address: str) -> str:
    if not is_email_address(address):
        raise ValueError("it is no email address; give one like notices@example.com")
    return address


def _moment(cell: object, info: ValidationInfo) -> datetime:
    """Return the moment that a cell of the term means; a date is a local day, and the last day belongs to it."""
    if isinstance(cell, str):
        try:
            only_a_date = len(cell) == len("2026-01-31")
            cell = date.fromisoformat(cell) if only_a_date else datetime.fromisoformat(cell)
        except ValueError:
            raise ValueError("write a date like 2026-01-31, or a moment like 2026-01-31T09:00:00Z") from None
    if isinstance(cell, datetime):
        if cell.tzinfo is None:
            raise ValueError("it has a time but no zone; write a date, or add Z or an offset")
        moment = cell
    elif isinstance(cell, date):
        if cell.year >= _END_OF_TIME.year:
            return _END_OF_TIME
        is_last = info.field_name == "term_to"
        zone = ZoneInfo(info.data.get("time_zone", "UTC"))
        moment = datetime.combine(cell + timedelta(days=1) if is_last else cell, time(), zone)
    else:
        raise ValueError("write a date like 2026-01-31")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("it is out of the range of dates") from None


def _after_its_beginning(moment: datetime, info: ValidationInfo) -> datetime:
    begin = info.data.get("term_from")
    if begin is not None and moment <= begin:
        raise ValueError(f"that is before term_from {begin:%Y-%m-%d %H:%M}Z")
    return moment


def _plain_date(cell: object, info: ValidationInfo) -> date:
    """Return the date that a cell names; it has no time, lies in the past and not after the term."""
    day = cell if isinstance(cell, date) and not isinstance(cell, datetime) else None
    try:
        day = date.fromisoformat(cell) if isinstance(cell, str) else day
    except ValueError:
        day = None
    if day is None:
        raise ValueError("write the date of the notice of provisioning, like 2026-01-15")
    at = (info.context or {}).get("at")
    if fault := date_fault(day, info.data.get("term_to"), info.data.get("time_zone", "UTC"), at):
        raise ValueError(fault)
    return day


def _part(cell: str) -> str:
    if fault := part_fault(cell):
        raise ValueError(fault)
    return cell


def _proof(cell: str, info: ValidationInfo) -> str:
    """Return where the proof of the notice of provisioning lies; a file's SHA-256 stands beside its name.

    ``file:PATH`` is read from the folder of the tenants file, and is another document than that file; ``dms:ID`` is the
    id of a document system (:func:`cjp_fraud.contracts.provisioning.document_id_fault`). A word without meaning proves
    nothing.
    """
    kind, _, what = cell.partition(":")
    if kind == "dms":
        if fault := document_id_fault(what):
            raise ValueError(fault)
        return cell
    if kind == "file" and what:
        return f"{cell} sha256:{_digest_of_proof(what, (info.context or {}).get('file'))}"
    raise ValueError(
        "write file:PATH, a document beside the tenants file, or dms:ID, its id in a document system "
        "(at least 4 characters with a digit)"
    )


def _digest_of_proof(name: str, tenants_file: Path | None) -> str:
    """Return the SHA-256 of a file that proves a notice, which lies beside the tenants file."""
    if STORED_PROOF.search(name):
        raise ValueError("name the file alone; its SHA-256 is computed")
    if tenants_file is None:
        raise ValueError(f"the file {name} is looked for beside a tenants file, and there is none")
    return proof_sha256(name, tenants_file)


def _features(cell: str) -> str:
    """Return the features of a cell, with semicolons between them, as the catalogue of offers writes them."""
    names = dict.fromkeys(feature_name(name) for name in cell.split(";"))
    return ";".join(name for name in names if name)


_Text = Annotated[str, BeforeValidator(_printable)]
_Id = Annotated[_Text, Field(max_length=NAME_LENGTH)]
_Name = Annotated[_Text, Field(max_length=100)]
_Label = Annotated[_Text, Field(max_length=40)]
_Reference = Annotated[_Text, Field(max_length=400)]
_Count = Annotated[int, BeforeValidator(_digits)]
_Moment = Annotated[datetime, BeforeValidator(_moment)]


class TenantRow(BaseModel):
    """One tenant as its file names it; a field is None where the file gives nothing.

    All fields but ``line`` and ``given`` are the columns of the file, in the design's order. The
    description of a field is the advice that is printed when a cell holds none of the allowed words.

    Parameters
    ----------
    line : line of the file at which the row begins.
    given : columns that the file has; the others say nothing about the tenant.
    features : those in use, with semicolons between them, as the catalogue of offers writes them (clause 2.5).
    term_from, term_to : first moment of the term and first moment after it, UTC. A date is the tenant's
        local day, and the last day of a term belongs to it.
    provisioning_notice_date, provisioning_notice_part, provisioning_notice_proof : when the notice of provisioning
        was given, for which part of what was bought, and where its proof lies (a file with its SHA-256).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: int
    given: frozenset[str]
    tenant_id: _Id
    name: _Reference | None = None
    party_id: _Id | None = None
    provider_id: _Id | None = None
    time_zone: Annotated[_Text, Field(max_length=64), AfterValidator(_zone)]
    country: Annotated[_Text, AfterValidator(_country)] | None = None
    language: Annotated[_Text, Field(max_length=35), AfterValidator(_language)] | None = None
    plan: _Name | None = None
    offer_version: _Label | None = None
    features: Annotated[_Reference, AfterValidator(_features)] | None = None
    purchase_model: PurchaseModel | None = Field(
        None, description=f"write one of {', '.join(PurchaseModel)} (clause 1: exactly one)"
    )
    agents_standard: _Count | None = None
    agents_premium: _Count | None = None
    hosting: Hosting = Field(
        Hosting.PROVIDER, description=f"write one of {', '.join(Hosting)}, or leave the whole column out"
    )
    product: Annotated[_Name, AfterValidator(product_name)] | None = None
    support_level: _Label | None = None
    critical: Annotated[bool, BeforeValidator(_true_or_false)] = False
    term_from: _Moment | None = None
    term_to: Annotated[_Moment, AfterValidator(_after_its_beginning)] | None = None
    provisioning_notice_date: Annotated[date, BeforeValidator(_plain_date)] | None = None
    provisioning_notice_part: Annotated[_Reference, AfterValidator(_part)] | None = WHOLE
    provisioning_notice_proof: Annotated[_Reference, AfterValidator(_proof)] | None = None
    governing_document: _Reference | None = None
    notice_method: Literal["email"] | None = Field(
        None,
        description="only email can be served so far; leave the cell empty, and the terms stay not_read: "
        "the tenant can be flagged and reviewed, not suspended",
    )
    notice_address: Annotated[_Reference, AfterValidator(_email)] | None = None

    @property
    def deployment_accepted(self) -> bool:
        """Whether traffic of this deployment is processed (clause 3)."""
        return why_not_accepted(self.hosting, self.product) is None

    @property
    def inside_flex_plan(self) -> bool:
        """Whether it was bought inside the Flex Plan, which another offer description governs (preamble)."""
        return inside_flex_plan(self.plan)


COLUMNS: Final = tuple(name for name in TenantRow.model_fields if name not in ("line", "given"))
"""Columns of the tenants file, in the design's order."""
REQUIRED: Final = tuple(name for name in COLUMNS if TenantRow.model_fields[name].is_required())


def read_tenants(file: Path, at: datetime | None = None) -> tuple[TenantRow, ...]:
    """Read a tenants file.

    Parameters
    ----------
    file : ``.csv``; ``.json`` (a list of objects, or one under "tenants"); ``.toml`` ([[tenants]]).
    at : when the file is loaded, aware: a notice of provisioning that is dated later was not given yet. None: dates
        are not compared with the clock.

    Raises
    ------
    BadInputError
        If the file cannot be read at all.
    TenantsFileError
        Names every fault of the file with its line.
    """
    faults: list[str] = []
    columns, cells_by_line = read_cells(file, faults)
    if not faults:
        faults += _column_faults(columns)
    if not faults and not cells_by_line:
        faults.append("there is no tenant in it")
    if faults:
        raise TenantsFileError(file.name, tuple(faults))
    rows: list[TenantRow] = []
    first_lines: dict[object, int] = {}
    for line, cells in cells_by_line:
        row, row_faults = _checked(line, cells, frozenset(columns), {"file": file, "at": at})
        tenant_id = cells.get("tenant_id")
        if isinstance(tenant_id, str) and first_lines.setdefault(tenant_id, line) != line:
            row_faults.append(
                f"tenant {tenant_id!r} stands in line {first_lines[tenant_id]} already; give each tenant one row"
            )
        faults += [f"line {line}: {sentence}" for sentence in row_faults]
        if row is not None:
            rows.append(row)
    if faults:
        raise TenantsFileError(file.name, tuple(faults))
    return tuple(rows)


def _column_faults(columns: Iterable[str]) -> list[str]:
    faults = []
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        meant = [
            f"{name} ({near[0]}?)" if (near := get_close_matches(name.lower(), COLUMNS, 1)) else name
            for name in unknown
        ]
        faults.append(f"not known: {', '.join(meant)}; a tenants file may have {', '.join(COLUMNS)}")
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        seen = ", ".join(columns) or "none"
        faults.append(f"missing: {', '.join(missing)}; the columns found are {seen}")
    return faults


def _checked(
    line: int, cells: Mapping[str, object], given: frozenset[str], context: Mapping[str, object]
) -> tuple[TenantRow | None, list[str]]:
    """Return the row, or the faults of its cells."""
    if "hosting" in given:
        # A column of hosting that says nothing of this tenant must not make it one that the provider runs.
        cells = {"hosting": "", **cells}
    if "provisioning_notice_part" in given:
        # Nor does a column of parts that says nothing of this tenant name all that it bought.
        cells = {"provisioning_notice_part": None, **cells}
    try:
        document = {"line": line, "given": given, **cells}
        return TenantRow.model_validate(document, context=dict(context)), []
    except ValidationError as error:
        return None, [_sentence(fault, cells) for fault in error.errors()]


def _sentence(fault: Any, cells: Mapping[str, object]) -> str:
    """Say in one sentence what is wrong with a cell and how to correct it."""
    name = str(fault["loc"][0])
    cell = cells.get(name)
    if fault["type"] == "value_error":
        advice = str(fault["ctx"]["error"])
    elif fault["type"].endswith("too_long"):
        advice = f"it is longer than {fault['ctx']['max_length']} characters"
    else:
        advice = TenantRow.model_fields[name].description or ""
    if cell in (None, ""):
        return f"{name} is empty{'; ' if advice else ''}{advice}"
    return f"{name} is {cell.isoformat() if isinstance(cell, date) else repr(cell)}; {advice}"
