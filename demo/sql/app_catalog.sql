-- What is wrong with the database itself, and no row of it shows: columns that no map speaks of, a copy that was left
-- lying about, rights that nobody registered, and ways out. The roles are made by company.py; none of them has a password.
ALTER TABLE app.contracts ADD COLUMN signatory_email text;
ALTER TABLE app.users ADD COLUMN last_latitude double precision, ADD COLUMN last_ip inet, ADD COLUMN shoe_size integer;
ALTER TABLE app.monthly_statistics ADD COLUMN contact_email text, ADD COLUMN visits integer;
CREATE TABLE app.prospects_2025 (LIKE app.prospects);

GRANT SELECT ON app.prospects_2025 TO auditor_app;
GRANT CONNECT ON DATABASE app TO campaign_tool, former_agency, support_tool;
GRANT USAGE ON SCHEMA app TO campaign_tool, former_agency, support_tool;
GRANT SELECT ON app.prospects TO campaign_tool;
GRANT SELECT (email, full_name) ON app.users TO former_agency;
GRANT SELECT ON app.support_tickets TO support_tool;
GRANT UPDATE ON app.consent_events TO support_tool;

SET client_min_messages = error;
DROP PUBLICATION IF EXISTS partner_feed, lead_feed, hosting_feed;
CREATE PUBLICATION partner_feed FOR TABLE app.invoices;
CREATE PUBLICATION lead_feed FOR TABLE app.newsletter_subscriptions;
CREATE PUBLICATION hosting_feed FOR TABLE app.downloads;
