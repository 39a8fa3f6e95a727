"""Runs the migrations on the connection that `register.upgrade` opened."""

from alembic import context

from privacy_audit.register.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
