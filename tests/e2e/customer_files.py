"""The files of one customer, as they come from outside: two weeks of calls with a burst in them, tenant, contract."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

DAYS = 14
"""Days of traffic; the burst lies in the last one."""

TENANTS = (
    "tenant_id,name,time_zone,country,language,hosting,term_to\n"
    "acme,Acme Ltd.,America/Toronto,CA,en-CA,provider,2028-06-15\n"
)

CONTRACT = """
tenant = "acme"
contracting_entity = "Provider International B.V."

[[documents]]
name = "MSA"
kind = "existing_agreement"
title = "Master agreement"
version = "2025"
from_day = 2025-06-01
says = { right = "clause_2_4" }
source = { clause = "2.4", text = "After notice, the provider may temporarily suspend access." }
page = "page 7"

[[provisioning]]
given_on = 2025-06-15
part = "voice"
how = "in the order portal"
proof = "dms:PN-2025-0615"

[[addresses]]
role = "notice"
method = "email"
address = "legal@acme.example"

[[addresses]]
role = "notice"
method = "letter"
address = "Acme Ltd.; 200 King Street West; Toronto ON M5H 3T4; Canada"

[notice_terms.source]
clause = "9"
text = "14 days' warning by email, and a second notice by letter at least 24 hours before the measure."

[[notice_terms.places]]
name = "recipient"
country = "CA"
subdivision = "ON"
opens = 09:00:00
closes = 17:00:00

[notice_terms.suspension.windows]
last_before_holiday = 12:00:00
on_holidays = false

[[notice_terms.suspension.windows.windows]]
days = [1, 2, 3, 4, 5]
opens = 08:00:00
closes = 21:00:00

[[notice_terms.suspension.windows.windows]]
days = [6, 7]
opens = 09:00:00
closes = 17:00:00

[[notice_terms.suspension.steps]]
number = 1
combine = "any_of"
wait = { amount = 14, unit = "calendar_days" }

[[notice_terms.suspension.steps.methods]]
method = "email"
basis = "sent"
address_roles = ["notice"]
force = "exclusive"
receipt = { roll_forward = "event", place = "recipient" }

[[notice_terms.suspension.steps]]
number = 2
combine = "any_of"
wait = { amount = 24, unit = "hours" }

[[notice_terms.suspension.steps.methods]]
method = "letter"
basis = "mailed"
address_roles = ["notice"]
force = "exclusive"
"""
"""Its notice terms are those of the CRTC's Wireless Code (14 days, then 24 hours; the customer's hours)."""


def write_files(folder: Path, burst: datetime) -> tuple[Path, Path, Path]:
    """Write traffic, tenants and contract; in the burst's 45 minutes 110 calls in 5 minutes go to Latvia.

    Parameters
    ----------
    burst : aware UTC moment on the grid.
    """
    traffic, tenants, contract = folder / "traffic.csv", folder / "tenants.csv", folder / "contract.toml"
    tenants.write_text(TENANTS)
    contract.write_text(CONTRACT)
    last_day = burst.replace(hour=0, minute=0)
    intervals = np.arange(DAYS * 288)
    starts = pd.Timestamp(last_day - timedelta(days=DAYS - 1)) + pd.to_timedelta(intervals * 300, unit="s")
    usual = np.random.default_rng(0).poisson(12 * (0.55 - 0.45 * np.cos(2 * np.pi * intervals / 288 - 0.4)))
    abroad = np.where((starts >= burst) & (starts < burst + timedelta(minutes=45)), 110, 0)
    rows = pd.DataFrame(
        {
            "tenant_id": "acme",
            "interval_start": starts,
            "interval_seconds": 300,
            "channel": "voice",
            "direction": "outbound",
            "contacts_offered": usual + abroad,
            "countries": [
                json.dumps({"CA": int(home)} | ({"LV": int(away)} if away else {}))
                for home, away in zip(usual, abroad, strict=True)
            ],
        }
    )
    rows.to_csv(traffic, index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    return traffic, tenants, contract
