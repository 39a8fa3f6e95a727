"""The only place that opens a database, be it a store, another database or the audit's own."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from privacy_audit.postgres import interruptible
from privacy_audit.postgres.session_settings import connect_args


def open_engine(url: sa.URL, application: str = "") -> sa.Engine:
    """Returns an engine with the time-outs, keepalives and codec of every connection; it keeps no connection open.

    A signal ends its statements and its connecting. Its errors carry no parameters. `application` is the name that the
    server shows from the start; a session on a database of others sets its name within each transaction instead.
    """
    arguments = {**connect_args(), **({"application_name": application} if application else {})}
    engine = sa.create_engine(url, poolclass=NullPool, connect_args=arguments, hide_parameters=True)
    interruptible.listen(engine)
    return engine
