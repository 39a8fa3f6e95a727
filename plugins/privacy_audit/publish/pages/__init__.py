"""The pages inside Airflow: which audits were filed, their reports and the Data Docs, for whoever may read the DAG."""
