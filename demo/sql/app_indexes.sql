-- After the rows: indexes of the product, then who may read what.
CREATE INDEX ON app.users (created_at);
CREATE INDEX ON app.users (birth_date);
CREATE INDEX ON app.users (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX ON app.contracts (user_id, ended_at);
CREATE INDEX ON app.credentials (user_id);
CREATE INDEX ON app.prospects (last_contact_on);
CREATE INDEX ON app.guardian_consents (user_id);
CREATE INDEX ON app.consent_events (user_id, purpose, at DESC);
CREATE INDEX ON app.positions (user_id, recorded_at);
CREATE INDEX ON app.positions (recorded_at);
CREATE INDEX ON app.sessions (user_id, started_ms);
CREATE INDEX ON app.sessions (started_ms);
CREATE INDEX ON app.devices (user_id);
CREATE INDEX ON app.downloads (user_id, downloaded_at);
CREATE INDEX ON app.downloads (downloaded_at);
CREATE INDEX ON app.invoices (user_id);
CREATE INDEX ON app.payments (invoice_id, paid_on);
CREATE INDEX ON app.payments (paid_on);
CREATE INDEX ON app.bank_details (user_id);
CREATE INDEX ON app.legal_holds (user_id);
CREATE INDEX ON app.support_tickets (user_id);
CREATE INDEX ON app.ticket_messages (ticket_id);
CREATE INDEX ON app.ticket_messages (sent_at) WHERE sender_ip IS NOT NULL;
CREATE INDEX ON app.social_comments (user_id);
CREATE INDEX ON app.marketing_messages (user_id, sent_at);
CREATE INDEX ON app.rights_requests (user_id);
CREATE INDEX ON app.purge_runs (table_name, finished_at);
CREATE INDEX ON app.notices (person_id);
CREATE INDEX ON app.phone_consents (user_id);
CREATE INDEX ON app.objections (user_id);
CREATE INDEX ON app.restrictions (user_id);
CREATE INDEX ON app.deaths (user_id);
CREATE INDEX ON app.processing_events (user_id, at);
CREATE INDEX ON app.processing_events (at);
CREATE INDEX ON app.transfers (at);

SELECT setval(pg_get_serial_sequence('app.users', 'id'), (SELECT max(id) FROM app.users));
SELECT setval(pg_get_serial_sequence('app.prospects', 'id'), (SELECT max(id) FROM app.prospects));
SELECT setval(pg_get_serial_sequence('app.invoices', 'id'), (SELECT max(id) FROM app.invoices));
SELECT setval(pg_get_serial_sequence('app.support_tickets', 'id'), (SELECT max(id) FROM app.support_tickets));
SELECT setval(pg_get_serial_sequence('app.applicants', 'id'), (SELECT max(id) FROM app.applicants));

GRANT USAGE ON SCHEMA app TO auditor_app;
GRANT SELECT ON
    app.users, app.contracts, app.prospects, app.newsletter_subscriptions, app.guardian_consents, app.consent_events,
    app.positions, app.sessions, app.devices, app.downloads, app.invoices, app.payments, app.bank_details,
    app.legal_holds, app.support_tickets, app.ticket_messages, app.social_comments, app.marketing_messages, app.phone_consents,
    app.rights_requests, app.purge_runs, app.notices, app.objections, app.restrictions, app.deaths,
    app.processing_events, app.applicants, app.processing_activities, app.recipients, app.transfers, app.tools,
    app.backups, app.incidents, app.mailbox_probes, app.erasures, app.monthly_statistics,
    app.credentials
TO auditor_app;
