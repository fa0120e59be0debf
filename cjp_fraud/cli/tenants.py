"""``cjp-fraud tenants``: who is served, under which contract."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cjp_fraud.cli.frame import JsonOption, deployment, person, print_record, print_rows, progress
from cjp_fraud.contracts.position import ContractPosition, position_at
from cjp_fraud.contracts.recipients import recipients
from cjp_fraud.contracts.tenant_import import LoadResult, load_tenants
from cjp_fraud.contracts.tenants import tenants_on_record
from cjp_fraud.contracts.terms import PLAIN_ROLE
from cjp_fraud.documents import to_document
from cjp_fraud.people.model import machine
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.traffic.quarantine import purge_quarantine

app = typer.Typer(no_args_is_help=True, help="Tenants, their contracts, terms and addresses.")


@app.command()
def load(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="Tenants file: .csv, .json or .toml; tenant_id and time_zone are required.")
    ],
    as_user: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="USER", help="Who edits the contract data (and may then not approve for 30 days)."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Put the tenants of FILE on record: all of them or, where the file has a fault, none.

    Loading a file again changes nothing. A column that the file does not have leaves what is on record.
    Where governing_document, term_from, term_to, provisioning_notice_ref, notice_method and
    notice_address are all given, the plain notice terms stand; where one is missing they are not read,
    and the tenant can be flagged and reviewed, never suspended.
    """
    opened = deployment(ctx)
    with progress("loading tenants") as report, transaction(opened.engine) as session:
        by = person(session, as_user) if as_user else machine("tenants")
        result = load_tenants(session, file, by, opened.now, report=report)
    purged = _purge(ctx, result)
    record = {
        "file": result.file,
        "read": result.read,
        "added": len(result.added),
        "changed": len(result.changed),
        "unchanged": result.unchanged,
        "terms_not_read": list(result.not_read),
        "flex_plan": list(result.flex),
        "deployment_not_accepted": list(result.excluded),
        "quarantined_rows_purged": purged,
    }
    print_record(record, as_json=as_json, title="Tenants loaded")


@app.command()
def show(
    ctx: typer.Context,
    tenant_id: Annotated[
        str | None, typer.Argument(help="One tenant in full; all where it is left out.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the tenants, or where one stands under its contract now."""
    opened = deployment(ctx)
    if tenant_id is not None:
        with reading(opened.engine) as session:
            position = position_at(session, tenant_id, opened.now)
            roles = position.notice_terms.address_roles if position.notice_terms else (PLAIN_ROLE,)
            served = recipients(session, tenant_id, roles, opened.now)
        record = _in_full(position) | {"recipients": [to_document(recipient) for recipient in served]}
        print_record(record, as_json=as_json, title=f"Tenant {tenant_id}")
        return
    with reading(opened.engine) as session:
        rows = [
            {
                "tenant_id": tenant.tenant_id,
                "time_zone": tenant.time_zone,
                "country": tenant.country,
                "language": tenant.language,
                "critical": tenant.critical,
                "notice_terms": "read" if tenant.terms_read else "not_read",
                "deployment": tenant.deployment_fault or "accepted",
            }
            for tenant in tenants_on_record(session).values()
        ]
    print_rows(rows, as_json=as_json, title="Tenants")


def _in_full(position: ContractPosition) -> dict[str, Any]:
    document = position.governing_document
    return {
        "tenant_id": position.tenant_id,
        "subscription_id": position.subscription_id,
        "provider_id": position.provider_id,
        "time_zone": position.time_zone,
        "country": position.country,
        "language": position.language,
        "critical": position.critical,
        "hosting": position.hosting,
        "product": position.product,
        "deployment": position.deployment_fault or "accepted",
        "governing_document": document.reference if document else None,
        "governing_document_version": document.version if document else None,
        "right": position.right,
        "term_from": position.term_from,
        "term_to": position.term_to,
        "provisioning_notice_ref": position.provisioning_notice_ref,
        "notice_terms": to_document(position.notice_terms) if position.notice_terms else "not_read",
        "notice_terms_fault": position.notice_terms_fault,
        "longest_measure_hours": (
            position.longest_measure.total_seconds() / 3600 if position.longest_measure else None
        ),
        "filing_stops": position.filing_stops,
        "versions": dict(position.versions),
    }


def _purge(ctx: typer.Context, result: LoadResult) -> int:
    """Purge what lies in quarantine of tenants whose deployment turned out to be excluded (clause 3)."""
    if not result.excluded:
        return 0
    opened = deployment(ctx)
    return sum(purge_quarantine(opened.lake, opened.engine, tenant_id) for tenant_id in result.excluded)
