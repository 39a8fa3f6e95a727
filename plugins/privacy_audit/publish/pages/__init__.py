"""The pages inside Airflow: which audits were filed, their reports and the Data Docs, for anyone who may read the
DAG."""
