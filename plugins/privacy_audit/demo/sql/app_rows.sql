-- The rows of the product that keep every promise, whatever T is. Each statement fills one table for the numbers
-- %(first)s to %(last)s; `-- rows:` names it. Ages stay clear of every period: 50 of at least 59 days, 350 of 365,
-- 1,700 of 1,826. Everything is computed from the number, so that two fills are the same.

-- rows: app.users
INSERT INTO app.users (id, email, full_name, job_title, company, phone, birth_date, source, created_at, deleted_at)
SELECT i, 'user' || i || '@example.org', pg_temp.person_name(i),
       (ARRAY['Comptable', 'Architecte', 'Gérante', 'Développeuse', 'Acheteur', 'Infirmier'])[1 + mod(i, 6)],
       'Atelier ' || mod(i, 5000), '+33 6 39 98 ' || lpad(mod(i, 10000)::text, 4, '0'),
       pg_temp.no_default_date(
           CASE WHEN mod(i, 50) = 0 THEN (made - interval '14 years')::date - (300 * pg_temp.unit(i, 1))::int
                ELSE (made - interval '18 years')::date - (18000 * pg_temp.unit(i, 1))::int END),
       (ARRAY['direct', 'trade_show', 'social_media'])[1 + mod(i / 7, 3)],
       made,
       CASE WHEN mod(i, 200) = 7 THEN %(as_of)s::timestamptz - (1 + 24 * pg_temp.unit(i, 2)) * interval '1 day' END
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT pg_temp.made_at(i, %(users)s, %(as_of)s) AS made) AS account

-- rows: app.contracts
INSERT INTO app.contracts (user_id, reference, plan, started_at, ended_at)
SELECT u, 'C-' || lpad(i::text, 9, '0'), (ARRAY['free', 'solo', 'team'])[1 + mod(i, 3)],
       pg_temp.made_at(u, %(users)s, %(as_of)s) + interval '1 hour',
       CASE WHEN i > %(users)s THEN pg_temp.made_at(u, %(users)s, %(as_of)s) + interval '90 days'
            WHEN mod(i, 5) = 0 THEN %(as_of)s::timestamptz - (2 + 300 * pg_temp.unit(i, 3)) * interval '1 day' END
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT 1 + mod(i - 1, %(users)s) AS u) AS client

-- rows: app.prospects
INSERT INTO app.prospects (id, email, full_name, company, source, last_contact_on)
SELECT 4000000000 + i, 'prospect' || i || '@example.org', pg_temp.person_name(i + 11), 'Maison ' || mod(i, 900),
       (ARRAY['trade_show', 'social_media'])[1 + mod(i, 2)],
       %(today)s::date - (2 + 1600 * pg_temp.unit(i, 4))::int
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: app.newsletter_subscriptions
INSERT INTO app.newsletter_subscriptions (user_id, email, birth_year, subscribed_at, last_opened_year)
SELECT i, 'user' || i || '@example.org', NULL,
       (pg_temp.made_at(i, %(users)s, %(as_of)s) + interval '2 hours') AT TIME ZONE 'Europe/Paris',
       extract(year FROM %(today)s::date)::int - mod(i, 4)
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: app.guardian_consents
INSERT INTO app.guardian_consents (user_id, guardian, channel, mailbox, message_id, proof_sha256, received_at)
SELECT 50 * i, pg_temp.person_name(i + 29), 'email', 'dpo@spimed-ai.com', '<' || md5('m' || i) || '@example.org>',
       encode(sha256(('proof' || i)::bytea), 'hex'), pg_temp.made_at(50 * i, %(users)s, %(as_of)s) - interval '2 hours'
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: app.consent_events
INSERT INTO app.consent_events (user_id, purpose, action, at, method)
SELECT u, CASE WHEN i > %(users)s AND u <= %(consenting)s THEN 'statistics' ELSE 'geolocation' END,
       CASE WHEN i > %(users)s AND u > %(consenting)s THEN 'withdraw' ELSE 'grant' END,
       CASE WHEN i > %(users)s AND u > %(consenting)s
            THEN %(as_of)s::timestamptz - (200 + 100 * pg_temp.unit(i, 5)) * interval '1 day'
            ELSE pg_temp.made_at(u, %(users)s, %(as_of)s) + interval '1 hour' END,
       (ARRAY['settings', 'sign-up', 'app'])[1 + mod(i, 3)]
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT 1 + mod(i - 1, %(users)s) AS u) AS person

-- rows: app.positions
INSERT INTO app.positions (user_id, recorded_at, lat, lon, accuracy_m)
SELECT 1 + mod(pg_temp.mixed(i, 6), %(consenting)s),
       %(as_of)s::timestamptz - (0.001 + 50 * (1 - i::float8 / %(size)s)) * interval '1 day',
       43.3 + 6.2 * pg_temp.unit(i, 7), -1.5 + 7.5 * pg_temp.unit(i, 8), 3 + mod(i, 40)
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: app.sessions
INSERT INTO app.sessions (user_id, ip, user_agent, started_ms)
SELECT 1 + mod(pg_temp.mixed(i, 9), %(users)s), pg_temp.address(i), 'Mozilla/5.0 (demo)',
       floor(1000 * extract(epoch FROM %(as_of)s::timestamptz - (0.01 + 350 * (1 - i::float8 / %(size)s)) * interval '1 day'))
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: app.devices
INSERT INTO app.devices (id, user_id, label, last_ip, last_seen_s)
SELECT md5('device' || i)::uuid, 1 + mod(i - 1, %(users)s), (ARRAY['phone', 'tablet', 'laptop'])[1 + mod(i, 3)],
       pg_temp.address(i + 5),
       floor(extract(epoch FROM %(as_of)s::timestamptz - (0.01 + 350 * pg_temp.unit(i, 10)) * interval '1 day'))
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: app.downloads
INSERT INTO app.downloads (user_id, document, ip, downloaded_at)
SELECT 1 + mod(pg_temp.mixed(i, 11), %(users)s), 'guide-' || mod(i, 40) || '.pdf', pg_temp.address(i + 9),
       (%(as_of)s::timestamptz - (1 + 349 * (1 - i::float8 / %(size)s)) * interval '1 day') AT TIME ZONE 'Europe/Paris'
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: app.invoices
INSERT INTO app.invoices (id, user_id, number, client_name, client_legal_form, issued_on, amount_cents, legal_basis_ref)
SELECT i, client, 'F-' || lpad(i::text, 10, '0'), pg_temp.person_name(client), pg_temp.legal_form(i, %(own_name)s),
       %(today)s::date - pg_temp.paid_days(i) - 75, 1900 + mod(i, 50) * 700,
       CASE WHEN mod(i, 4) = 0 THEN 'C. com. art. L123-22' END
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT 1 + mod(i, CASE WHEN mod(i, 4) = 0 THEN greatest(%(users)s / 10, 1) ELSE %(users)s END) AS client) AS c

-- rows: app.payments
INSERT INTO app.payments (invoice_id, payer_legal_form, iban_last4, amount_cents, paid_on, legal_basis_ref)
SELECT invoice, pg_temp.legal_form(invoice, %(own_name)s), lpad(mod(i * 37, 10000)::text, 4, '0'),
       (1900 + mod(invoice, 50) * 700) / 2,
       %(today)s::date - pg_temp.paid_days(invoice) - CASE WHEN i > %(invoices)s THEN 30 ELSE 0 END,
       CASE WHEN mod(invoice, 4) = 0 THEN 'C. com. art. L123-22' END
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT CASE WHEN i > %(invoices)s THEN i - %(invoices)s ELSE i END AS invoice) AS paid

-- rows: app.bank_details
INSERT INTO app.bank_details (user_id, holder, holder_legal_form, iban, rib_key, last_used_at)
SELECT 1 + mod(i, %(users)s), pg_temp.person_name(i), pg_temp.legal_form(i, %(own_name)s),
       'FR76' || lpad(pg_temp.mixed(i, 12)::text, 23, '0'), lpad(mod(i, 97)::text, 2, '0'),
       (%(as_of)s::timestamptz - (1 + 1700 * pg_temp.unit(i, 13)) * interval '1 day') AT TIME ZONE 'Europe/Paris'
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: app.support_tickets
INSERT INTO app.support_tickets (id, user_id, subject, status, opened_at)
SELECT i, 1 + mod(pg_temp.mixed(i, 14), %(users)s), 'Question ' || i, (ARRAY['open', 'closed'])[1 + mod(i, 2)],
       %(as_of)s::timestamptz - (1 + 340 * pg_temp.unit(i, 15)) * interval '1 day'
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: app.ticket_messages
INSERT INTO app.ticket_messages (ticket_id, body, sender_ip, sent_at, deleted_at)
SELECT 1 + mod(i, %(tickets)s), 'Bonjour, message ' || i, CASE WHEN i <= %(with_address)s THEN pg_temp.address(i + 3) END,
       (%(as_of)s::timestamptz - (1 + 340 * pg_temp.unit(i, 16) + CASE WHEN i <= %(with_address)s THEN 0 ELSE 400 END)
           * interval '1 day') AT TIME ZONE 'Europe/Paris',
       CASE WHEN mod(i, 300) = 11
            THEN (%(as_of)s::timestamptz - (1 + 24 * pg_temp.unit(i, 17)) * interval '1 day') AT TIME ZONE 'Europe/Paris' END
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: app.social_comments
INSERT INTO app.social_comments (user_id, network, body, posted_at)
SELECT 1 + mod(pg_temp.mixed(i, 18), %(users)s), (ARRAY['LinkedIn', 'Mastodon'])[1 + mod(i, 2)], 'Bravo, numéro ' || i,
       %(as_of)s::timestamptz - (1 + 400 * pg_temp.unit(i, 19)) * interval '1 day'
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: app.marketing_messages
INSERT INTO app.marketing_messages (user_id, campaign, channel, sent_at)
SELECT 1 + mod(pg_temp.mixed(i, 20), %(users)s), 'campaign-' || mod(i, 12), (ARRAY['email', 'email', 'sms'])[1 + mod(i, 3)],
       %(as_of)s::timestamptz - (1 + 300 * pg_temp.unit(i, 21)) * interval '1 day'
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: app.rights_requests
INSERT INTO app.rights_requests (user_id, kind, received_at, responded_at)
SELECT 1 + mod(pg_temp.mixed(i, 22), %(users)s), (ARRAY['access', 'rectification', 'objection', 'erasure', 'portability'])[1 + mod(i, 5)],
       came, CASE WHEN mod(i, 3) > 0 THEN came + interval '9 days' END
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT %(as_of)s::timestamptz - (12 + 15 * pg_temp.unit(i, 23)) * interval '1 day' AS came) AS request

-- rows: app.purge_runs
INSERT INTO app.purge_runs (table_name, started_at, finished_at, rows_deleted)
SELECT job, begun, CASE WHEN NOT broken_off THEN begun + interval '4 minutes' END,
       CASE WHEN broken_off THEN NULL WHEN in_vain THEN 0 ELSE 1 + mod(pg_temp.mixed(i, 24), 400) END
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT (%(purged)s)[1 + mod(i - 1, %(jobs)s)] AS job, 1 + ((i - 1) / %(jobs)s)::int AS nights_ago) AS run,
     LATERAL (SELECT (%(today)s::date - nights_ago + time '23:00') AT TIME ZONE 'Europe/Paris' AS begun,
                     job = 'app.sessions' AND nights_ago < 10 AS broken_off,
                     job = 'app.positions' AND nights_ago < 10 AS in_vain) AS known
