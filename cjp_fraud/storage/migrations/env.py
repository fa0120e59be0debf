"""Alembic's environment: runs on the engine that cjp_fraud.storage.schema_version hands over."""

from alembic import context

from cjp_fraud.storage.base import Base
from cjp_fraud.storage.column_rendering import render

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=render,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
