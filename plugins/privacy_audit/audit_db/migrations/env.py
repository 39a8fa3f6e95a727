"""Runs the migrations on the connection that `register.upgrade` opened.

Airflow executes this file by itself where the package lies in its plugins folder and `.airflowignore` does not: outside
a migration there is nothing to do.
"""

from alembic import context

from privacy_audit.audit_db.tables import metadata

if hasattr(context, "config"):
    context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
