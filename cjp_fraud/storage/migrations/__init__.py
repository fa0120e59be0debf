"""Alembic environment and versions, run from the installed package."""
