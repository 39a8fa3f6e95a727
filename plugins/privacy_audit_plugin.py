"""The one file that Airflow loads from `plugins/`: it puts the audit reports into Airflow's menu.

Every Airflow process executes it, so it imports nothing but Airflow's own base class; the page is built when the
api-server asks for it. The library beside it is hidden from Airflow's loader by `.airflowignore`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/privacy-audit"


@cache
def _apps() -> list[dict[str, Any]]:
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
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """Read more than once by Airflow; built once."""
        return _apps()
