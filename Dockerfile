# Airflow with the audit in it. Everything is pinned: the base image by tag, each package by version and hash.
# `--target runtime` is what production runs; `--target demo` adds the demo company, which fills a store.
FROM python:3.12.12-slim-bookworm AS runtime

ENV AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/airflow/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/airflow/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    GX_ANALYTICS_ENABLED=False \
    PATH=/opt/airflow/bin:$PATH \
    PRIVACY_AUDIT_HOME=/opt/airflow/var \
    PYTHONPATH=/opt/airflow/plugins \
    PYTHONUNBUFFERED=1

# tini passes signals on and buries orphans: a worker then ends its tasks in order.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 50000 --gid 0 --no-create-home --home-dir /opt/airflow --shell /usr/sbin/nologin airflow \
    && install --directory --owner airflow --group root --mode 0770 \
       /opt/airflow /opt/airflow/logs /opt/airflow/var

WORKDIR /opt/airflow

COPY requirements-runtime.txt .
RUN pip install --no-cache-dir --require-hashes --requirement requirements-runtime.txt

COPY --chmod=0755 .ci/privacy-audit bin/privacy-audit
COPY dags dags
COPY expectations expectations
COPY plugins plugins

# A number, so that a cluster can see that it is not root.
USER 50000
ENTRYPOINT ["tini", "--"]
CMD ["airflow", "version"]

FROM runtime AS demo
USER 0
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes --requirement requirements.txt
COPY demo demo
ENV PYTHONPATH=/opt/airflow/plugins:/opt/airflow
USER 50000
