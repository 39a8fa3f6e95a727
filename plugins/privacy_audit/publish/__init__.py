"""The documents of an audit: report, Data Docs, and the pages inside Airflow."""
