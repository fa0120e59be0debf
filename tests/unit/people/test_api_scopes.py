"""Which scopes the roles open."""

from __future__ import annotations

import pytest

from cjp_fraud.people.api_scopes import ROLES_OF, ApiScope, scopes_open_to
from cjp_fraud.people.model import Role


def test_every_scope_names_the_roles_that_it_needs() -> None:
    assert set(ROLES_OF) == set(ApiScope)
    assert all(ROLES_OF.values())


def test_an_auditor_changes_nothing() -> None:
    assert {scope.partition(":")[2] for scope in scopes_open_to([Role.AUDITOR])} == {"read", "export"}


def test_an_admin_decides_no_case() -> None:
    assert not {ApiScope.DECISIONS_WRITE, ApiScope.APPROVALS_WRITE, ApiScope.CASES_READ} & set(
        scopes_open_to([Role.ADMIN])
    )


@pytest.mark.parametrize("scope", [ApiScope.USERS_WRITE, ApiScope.WEBHOOKS_WRITE])
def test_only_an_admin_administers(scope: ApiScope) -> None:
    assert ROLES_OF[scope] == {Role.ADMIN}
