"""The database: declarative base, column types, sessions, locks and migrations (tables live in the domains)."""
