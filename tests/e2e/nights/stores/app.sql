-- Who and what is there before the first night. Each mapped table holds a row that a promise speaks
-- of and that keeps it on all sixty nights, 20 September to 18 November 2026: what the script does not touch passes,
-- and stays silent.
INSERT INTO app.users (id, email, full_name, birth_date, created_at) VALUES
    (1, 'amal@example.org', 'Amal Exemple', '1986-05-17', '2024-07-01 10:00+02'),   -- whose phone sends positions
    (2, 'basile@example.org', 'Basile Essai', '1990-03-02', '2024-07-02 10:00+02'), -- whose sent some, 1 to 4 August
    (3, 'chloe@example.org', 'Chloé Modèle', '1979-11-30', '2024-07-03 10:00+02'),  -- who never consented to that
    (4, 'dune@example.org', 'Dune Fictif', '2013-03-10', '2026-01-10 10:00+01');    -- thirteen, with a guardian's consent
INSERT INTO app.contracts (user_id, reference, plan, started_at)
    SELECT id, 'C-' || id, 'solo', created_at FROM app.users;
INSERT INTO app.consent_events (user_id, purpose, action, at)
    SELECT id, 'geolocation', 'grant', created_at FROM app.users WHERE id IN (1, 2);
INSERT INTO app.guardian_consents (user_id, guardian, channel, mailbox, message_id, proof_sha256, received_at) VALUES
    (4, 'Dominique Fictif', 'email', 'dpo@spimed-ai.com', '<one@example.org>', repeat('c0ffee00', 8), '2026-01-05 10:00+01');
INSERT INTO app.legal_holds (user_id, category, matter_ref, started_at) VALUES
    (4, 'financial', 'TJ Paris 26/0001', '2026-02-01 10:00+01');

INSERT INTO app.prospects (email, full_name, source, last_contact_on) VALUES
    ('eden@example.org', 'Eden Specimen', 'trade_show', '2026-01-15');
INSERT INTO app.newsletter_subscriptions (user_id, email, subscribed_at, last_opened_year) VALUES
    (1, 'amal@example.org', '2024-08-01 10:00', 2025);
INSERT INTO app.invoices (id, user_id, number, client_name, client_legal_form, issued_on, amount_cents) VALUES
    (1, 1, 'F-1', 'Amal Exemple', 'EI', '2026-02-01', 4900);
INSERT INTO app.payments (invoice_id, payer_legal_form, amount_cents, paid_on) VALUES (1, 'EI', 4900, '2026-03-01');
INSERT INTO app.bank_details (user_id, holder, holder_legal_form, iban, last_used_at) VALUES
    (1, 'Amal Exemple', 'EI', 'FR7612345987650123456789014', '2026-03-01 10:00');
INSERT INTO app.sessions (user_id, ip, started_ms) VALUES
    (1, '203.0.113.1', 1000 * extract(epoch FROM timestamptz '2026-06-01 10:00+02'));
INSERT INTO app.devices (user_id, label, last_ip, last_seen_s) VALUES
    (1, 'phone', '203.0.113.1', extract(epoch FROM timestamptz '2026-06-01 10:00+02'));
INSERT INTO app.downloads (user_id, document, ip, downloaded_at) VALUES (1, 'guide.pdf', '203.0.113.1', '2026-06-01 10:00');
INSERT INTO app.support_tickets (id, user_id, subject, status, opened_at) VALUES
    (1, 1, 'Question', 'closed', '2026-05-01 10:00+02');
INSERT INTO app.ticket_messages (ticket_id, body, sender_ip, sent_at) VALUES (1, 'Bonjour', '203.0.113.1', '2026-05-01 10:00');
INSERT INTO app.social_comments (user_id, network, body, posted_at) VALUES (1, 'LinkedIn', 'Bravo', '2026-05-01 10:00+02');
INSERT INTO app.marketing_messages (user_id, campaign, channel, sent_at) VALUES (1, 'spring', 'email', '2026-05-01 10:00+02');
INSERT INTO app.rights_requests (user_id, kind, received_at) VALUES (1, 'access', '2026-05-01 10:00+02');
