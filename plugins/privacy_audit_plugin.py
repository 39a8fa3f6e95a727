"""Gives Airflow the plugin of a checkout: Airflow executes this file if `plugins/` is its plugins folder.

An installed package registers the same class by its entry point. If both are present, Airflow would load the plugin
twice and report an import error, so this file then leaves it to the entry point. `.airflowignore` hides the package
beside it from Airflow's loader.
"""

from __future__ import annotations

from importlib.metadata import entry_points

if not entry_points(group="airflow.plugins", name="privacy_audit"):
    from privacy_audit.airflow_support.airflow_plugin import PrivacyAuditPlugin as PrivacyAuditPlugin
