"""What a token of the API may be good for, and which roles of its owner that needs at every call."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final

from cjp_fraud.people.model import Role

TOKEN_PREFIX: Final = "cjp_"
"""How a token begins, so that a search for lost secrets finds it."""

TOKEN_LASTS: Final = timedelta(days=90)
"""How long a token counts where nobody says otherwise."""

TOKEN_LASTS_AT_MOST: Final = timedelta(days=366)


class ApiScope(StrEnum):
    """What a token may be good for."""

    CASES_READ = "cases:read"
    CASES_WRITE = "cases:write"
    DECISIONS_WRITE = "decisions:write"
    APPROVALS_WRITE = "approvals:write"
    STOPS_WRITE = "stops:write"
    EVIDENCE_EXPORT = "evidence:export"
    MEASURES_READ = "measures:read"
    MEASURES_WRITE = "measures:write"
    NOTICES_READ = "notices:read"
    DISPUTES_READ = "disputes:read"
    DISPUTES_WRITE = "disputes:write"
    TENANTS_READ = "tenants:read"
    CONTRACTS_READ = "contracts:read"
    CONTRACTS_WRITE = "contracts:write"
    MODELS_READ = "models:read"
    MODELS_WRITE = "models:write"
    AUDIT_READ = "audit:read"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    KNOWN_EVENTS_READ = "known_events:read"
    KNOWN_EVENTS_WRITE = "known_events:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"


_READERS: Final = frozenset({Role.ANALYST, Role.REVIEWER, Role.APPROVER, Role.COUNSEL, Role.AUDITOR})
_WORKERS: Final = frozenset({Role.ANALYST, Role.REVIEWER, Role.APPROVER, Role.COUNSEL})
_OVERSEERS: Final = frozenset({Role.ADMIN, Role.AUDITOR})

ROLES_OF: Final[Mapping[ApiScope, frozenset[Role]]] = {
    ApiScope.CASES_READ: _READERS,
    ApiScope.CASES_WRITE: _WORKERS,
    ApiScope.DECISIONS_WRITE: frozenset({Role.REVIEWER}),
    ApiScope.APPROVALS_WRITE: _WORKERS,
    ApiScope.STOPS_WRITE: frozenset({Role.COUNSEL}),
    ApiScope.EVIDENCE_EXPORT: frozenset({Role.COUNSEL, Role.AUDITOR}),
    ApiScope.MEASURES_READ: _READERS,
    ApiScope.MEASURES_WRITE: frozenset({Role.APPROVER}),
    ApiScope.NOTICES_READ: _READERS,
    ApiScope.DISPUTES_READ: _READERS,
    ApiScope.DISPUTES_WRITE: _WORKERS,
    ApiScope.TENANTS_READ: _READERS,
    ApiScope.CONTRACTS_READ: _READERS,
    ApiScope.CONTRACTS_WRITE: frozenset({Role.COUNSEL}),
    ApiScope.MODELS_READ: _READERS | {Role.ADMIN},
    ApiScope.MODELS_WRITE: frozenset({Role.ADMIN}),
    ApiScope.AUDIT_READ: _OVERSEERS | {Role.COUNSEL},
    ApiScope.USERS_READ: _OVERSEERS,
    ApiScope.USERS_WRITE: frozenset({Role.ADMIN}),
    ApiScope.KNOWN_EVENTS_READ: _READERS | {Role.ADMIN},
    ApiScope.KNOWN_EVENTS_WRITE: _WORKERS | {Role.ADMIN},
    ApiScope.WEBHOOKS_READ: _OVERSEERS,
    ApiScope.WEBHOOKS_WRITE: frozenset({Role.ADMIN}),
}
"""One of these roles the owner must hold at the very call, whatever the token says; what is asked of a person for
one case, the operation checks beside it."""


def scopes_open_to(roles: Collection[Role]) -> tuple[ApiScope, ...]:
    """Return the scopes that somebody with these roles may use, in their order."""
    held = frozenset(roles)
    return tuple(scope for scope in ApiScope if ROLES_OF[scope] & held)
