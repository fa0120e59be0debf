"""Roles of a PostgreSQL server under test: an owner of the tables and an application, each with a URL."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url


@dataclass(frozen=True)
class TwoRoles:
    """An empty database, and the URLs by which its superuser, its owner and the application connect.

    Parameters
    ----------
    owner_role, role : names of the owner's and the application's role.
    """

    superuser_url: str
    owner_url: str
    url: str
    owner_role: str
    role: str

    def as_superuser(self, *statements: str) -> None:
        """Run statements in the database as its superuser."""
        execute(self.superuser_url, *statements)


def two_roles(server: str) -> TwoRoles:
    """Make two roles and a database that belongs to the first."""
    number = uuid4().hex[:12]
    owner, application, database = f"owner_{number}", f"application_{number}", f"database_{number}"
    execute(
        server,
        f"CREATE ROLE {owner} LOGIN",
        f"CREATE ROLE {application} LOGIN",
        f"CREATE DATABASE {database} OWNER {owner} TEMPLATE template0",
    )
    urls = [
        make_url(server).set(username=username, database=database).render_as_string(hide_password=False)
        for username in (make_url(server).username, owner, application)
    ]
    return TwoRoles(*urls, owner, application)


def execute(url: str, *statements: str) -> None:
    """Run statements, each in a transaction of its own."""
    engine: Engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
