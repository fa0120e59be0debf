"""The tenants file of a simulated cloud: who is served, and under which contract."""

from __future__ import annotations

from datetime import timedelta

from cjp_fraud.contracts.tenants_file import COLUMNS
from cjp_fraud.simulation.cloud import Cloud, Stream
from cjp_fraud.simulation.tenant_profiles import Profile

PLAIN_TERMS_SHARE = 0.8
"""Share of tenants whose notice terms are plain; the terms of the others are not read, as in any deployment (ours)."""

CONTACTS_AN_AGENT = 60.0
"""Contacts that one agent takes in a day; it gives the number of seats that were bought (ours)."""


def tenant_row(cloud: Cloud, profile: Profile) -> dict[str, str]:
    """Return a row of the tenants file (``docs/tenants.md``), all columns as texts.

    Every contract began before the simulation and lasts three years; a tenant that leaves inside it keeps its contract.
    """
    rng = cloud.random(Stream.CONTRACT, profile.index)
    began = cloud.start - timedelta(days=int(rng.integers(30, 700)))
    begins = began.isoformat()
    row = {
        "tenant_id": profile.tenant_id,
        "name": f"Simulated Customer {profile.index} Ltd.",
        "time_zone": profile.zone,
        "country": profile.country.code,
        "language": profile.country.language,
        "plan": "standard",
        "purchase_model": "concurrent",
        "agents_standard": str(1 + round(profile.contacts_a_day / CONTACTS_AN_AGENT)),
        "agents_premium": str(round(profile.contacts_a_day / CONTACTS_AN_AGENT / 5)),
        "hosting": "provider",
        "critical": "true" if rng.random() < 0.01 else "false",
        "term_from": begins,
        "term_to": began.replace(year=began.year + 3, day=min(began.day, 28)).isoformat(),
    }
    if rng.random() < PLAIN_TERMS_SHARE:
        row |= {
            "provisioning_notice_date": begins,
            "provisioning_notice_part": "all",
            "provisioning_notice_proof": f"dms:PN-{profile.index:06d}",
            "governing_document": f"Simulated agreement {profile.index:06d}",
            "notice_method": "email",
            "notice_address": f"notices@{profile.tenant_id}.example",
        }
    return {name: row.get(name, "") for name in COLUMNS}
