"""The Airflow plugin: the menu entry "Compliance" and the pages behind it.

Airflow finds it in one of two ways. It reads the entry point `airflow.plugins` of an installed package; in a checkout
it executes `plugins/privacy_audit_plugin.py`. Every Airflow process loads it, so it imports nothing heavy. The pages
are built when the api-server asks for them.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/privacy-audit"
LOG = logging.getLogger(__name__)


@cache
def _apps() -> list[dict[str, Any]]:
    from privacy_audit.config import settings

    unset = settings.unset_folder("PRIVACY_AUDIT_HOME")
    if unset:
        # An empty list of audits would look as if there were none. Without pages the link answers 404.
        LOG.error("The pages of the audit are not served. %s", unset)
        return []
    from privacy_audit.publish.pages.pages_app import create_app

    return [{"app": create_app(), "url_prefix": PREFIX, "name": "privacy_audit"}]


class PrivacyAuditPlugin(AirflowPlugin):
    """Menu entry "Compliance" and the pages behind it."""

    name = "privacy_audit"
    external_views = [
        {
            "name": "Compliance",
            "href": f"{PREFIX}/",
            "destination": "nav",
            "url_route": "compliance",
            "nav_top_level": True,
            "icon": f"{PREFIX}/icon.svg",
            "icon_dark_mode": f"{PREFIX}/icon-dark.svg",
        }
    ]

    @property
    def fastapi_apps(self) -> list[dict[str, Any]]:
        """Returns the pages. Airflow reads it more than once; they are built once."""
        return _apps()


if not __package__:
    # Airflow's loader executes this file as a module of its own where `.airflowignore` was not copied with `plugins/`.
    # The class must not be found a second time: Airflow would report an import error.
    del PrivacyAuditPlugin
