"""What the demo runs on: a folder of its own, real volumes with one burst of fraud in them, tenants, settings."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cjp_fraud.config_values import PREFIX
from cjp_fraud.errors import BadInputError
from cjp_fraud.simulation.burst import Burst, write_burst
from cjp_fraud.traffic.sample import sample_tenants_path, sample_traffic_path

MARKER = "this-is-a-cjp-fraud-demo"
"""File in the demo's home: only a home that has it is emptied by the next run."""

DAYS = 35
"""Days of the sample that the demo uses, from its first interval on."""

BURST = Burst(
    tenant_id="social-pfe",
    start=datetime(2015, 4, 2, 2, 0, tzinfo=UTC),
    minutes=45,
    attempts_per_minute=22.5,
)
"""Day 34, in the night; 22.5 attempts a minute is the rate of a published weekend attack."""

NOTICE_ADDRESS = f"notices@{BURST.tenant_id}.example"


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """The files that the demo loads.

    Attributes
    ----------
    traffic : CSV in the traffic schema, the burst written in.
    tenants : the sample's tenants; the attacked one's contract permits what the demo shows.
    label : where the fraud is, as CSV.
    end : end of the traffic's last interval (aware UTC).
    """

    traffic: Path
    tenants: Path
    label: Path
    end: datetime


def prepare_home(home: Path) -> None:
    """Make the demo's folder and remove an earlier demo from it; a folder with anything else in it is refused.

    Raises
    ------
    BadInputError
        If the folder holds something that no demo wrote.
    """
    if home.exists() and any(home.iterdir()):
        if not (home / MARKER).exists():
            raise BadInputError(f"{home} is not empty and not a demo; choose another folder with --home")
        # Renamed first, so that a kill in the middle leaves no half of a demo under this name.
        doomed = Path(tempfile.mkdtemp(prefix=f".{home.name}-", dir=home.parent))
        home.rename(doomed / "old")
        shutil.rmtree(doomed)
    home.mkdir(parents=True, exist_ok=True)
    (home / MARKER).touch()


def write_files(folder: Path, burst: Burst = BURST) -> DemoFiles:
    """Write the demo's traffic, its tenants and the burst's label into ``folder``.

    The traffic is the first 35 days of the ten social series as outbound voice, the burst written in.
    """
    import pandas as pd

    folder.mkdir(parents=True, exist_ok=True)
    traffic, tenants, label = folder / "traffic.csv.gz", folder / "tenants.json", folder / "burst.csv"
    rows = pd.read_csv(sample_traffic_path(), parse_dates=["interval_start"])
    end = rows["interval_start"].min() + timedelta(days=DAYS)
    rows = rows[rows["interval_start"] < end].assign(channel="voice", direction="outbound")
    rows = write_burst(rows.reset_index(drop=True), burst)
    rows.to_csv(traffic, index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    pd.DataFrame(
        [{"tenant_id": burst.tenant_id, "from": burst.start, "to": burst.end, "label": "fraud (written in)"}]
    ).to_csv(label, index=False)
    contracts = pd.read_csv(sample_tenants_path()).to_dict("records")
    for row in contracts:
        if row["tenant_id"] == burst.tenant_id:
            row |= _CONTRACT
    tenants.write_text(json.dumps(contracts, indent=1))
    last = rows["interval_start"].max() + timedelta(seconds=int(rows["interval_seconds"].max()))
    return DemoFiles(traffic, tenants, label, last.to_pydatetime())


_CONTRACT: dict[Hashable, str] = {
    "name": "Demo Customer Inc.",
    "governing_document": "Demo agreement 2015-001 with offer description 10.0",
    "term_from": "2015-01-01",
    "term_to": "2018-01-01",
    "provisioning_notice_date": "2015-01-01",
    "provisioning_notice_part": "all",
    "provisioning_notice_proof": "dms:PN-2015-0001",
    "notice_method": "email",
    "notice_address": NOTICE_ADDRESS,
}


@contextmanager
def demo_settings(smtp_port: int) -> Iterator[None]:
    """Put the demo's settings into the environment; the caller's own are put back at the end."""
    chosen = {
        "PLATFORM_MODE": "act",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(smtp_port),
        "MAIL_FROM": "notices@provider.example",
        "PROVIDER_NAME": "Demo Provider",
        "PROVIDER_LEGAL_NAME": "Demo Provider Ltd.",
        "CONTACT": "+1 555 0100",
        "TRIAL_TENANTS": "0",  # a demo waits for no simulation
    }
    before = _take_settings_away()
    os.environ.update({f"{PREFIX}{name}": value for name, value in chosen.items()})
    try:
        yield
    finally:
        _take_settings_away()
        os.environ.update(before)


def _take_settings_away() -> dict[str, str]:
    return {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(PREFIX)}
