-- After the rows: indexes of the web site, then who may read what.
CREATE INDEX ON web.visitors (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX ON web.visits (visitor_id, visited_at);
CREATE INDEX ON web.visits (visited_at);
CREATE INDEX ON web.cookies (first_set_at);
CREATE INDEX ON web.connection_logs (logged_at);
CREATE INDEX ON web.connection_logs (visitor_id, logged_at);
CREATE INDEX ON web.security_events (occurred_at);
CREATE INDEX ON web.consent_intervals (visitor_id, purpose, granted_at);
CREATE INDEX ON web.legal_holds (visitor_id);

SELECT setval(pg_get_serial_sequence('web.visitors', 'id'), (SELECT max(id) FROM web.visitors));

GRANT USAGE ON SCHEMA web TO auditor_web;
GRANT SELECT ON
    web.visitors, web.visits, web.cookies, web.connection_logs, web.security_events, web.consent_intervals,
    web.legal_holds
TO auditor_web;
