-- The rows of the product that keep every promise, whatever T is. Each statement fills one table for the numbers
-- %(first)s to %(last)s; `-- rows:` names it. Ages stay clear of every period: 50 of at least 59 days, 350 of 365,
-- 1,700 of 1,826, 1,040 of 1,095. The last tenth of the users (above `quiet`) is sent no marketing and appears in no log
-- of uses: they objected, their data is frozen, or they died; objections and freezes that came as requests are theirs,
-- and withdrawals are those of the last quarter, who withdrew (above `consenting`). Everything is computed from the
-- number, so that two fills are the same.

-- rows: app.users
INSERT INTO app.users (id, email, full_name, job_title, company, phone, birth_date, country, source, created_at, deleted_at)
SELECT i, 'user' || i || '@example.org', pg_temp.person_name(i),
       (ARRAY['Comptable', 'Architecte', 'Gérante', 'Développeuse', 'Acheteur', 'Infirmier'])[1 + mod(i, 6)],
       'Atelier ' || mod(i, 5000), '+33 6 39 98 ' || lpad(mod(i, 10000)::text, 4, '0'),
       pg_temp.no_default_date(
           CASE WHEN mod(i, 50) = 0 THEN (made - interval '14 years')::date - (300 * pg_temp.unit(i, 1))::int
                ELSE (made - interval '18 years')::date - (18000 * pg_temp.unit(i, 1))::int END),
       (ARRAY['FR', 'FR', 'FR', 'FR', 'BE', 'CH', 'CA', 'SN'])[1 + mod(i, 8)],
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

-- rows: app.credentials
INSERT INTO app.credentials (user_id, password_hash, totp_secret, updated_at)
SELECT i, CASE WHEN mod(i, 9) > 0
               THEN '$argon2id$v=19$m=65536,t=3,p=4$' || rtrim(encode(decode(md5('salt' || i), 'hex'), 'base64'), '=')
                    || '$' || rtrim(encode(sha256(('password' || i)::bytea), 'base64'), '=') END,
       CASE WHEN mod(i, 3) = 0 THEN sha256(('nonce' || i)::bytea) || sha256(('totp' || i)::bytea) END,
       pg_temp.made_at(i, %(users)s, %(as_of)s)
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: app.prospects
INSERT INTO app.prospects (id, email, full_name, company, source, source_detail, collected_at, told_at, last_contact_on)
SELECT 4000000000 + i, 'prospect' || i || '@example.org', pg_temp.person_name(i + 11), 'Maison ' || mod(i, 900),
       (ARRAY['trade_show', 'social_media'])[1 + mod(i, 2)],
       (ARRAY['Salon Demo', 'LinkedIn'])[1 + mod(i, 2)],
       met - interval '21 days', met - interval '12 days',
       (met AT TIME ZONE 'Europe/Paris')::date
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT %(as_of)s::timestamptz - (2 + 1038 * pg_temp.unit(i, 4)) * interval '1 day' AS met) AS contact

-- rows: app.newsletter_subscriptions
INSERT INTO app.newsletter_subscriptions (user_id, email, birth_year, subscribed_at, last_opened_year)
SELECT i, 'user' || i || '@example.org', NULL,
       (pg_temp.made_at(i, %(users)s, %(as_of)s) + interval '2 hours') AT TIME ZONE 'Europe/Paris',
       extract(year FROM %(today)s::date)::int - mod(i, 4)
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: app.guardian_consents
INSERT INTO app.guardian_consents (user_id, guardian, channel, mailbox, message_id, proof_sha256, received_at, child_agreed_at)
SELECT 50 * i, pg_temp.person_name(i + 29) || ' <guardian' || i || '@example.org>', 'email', 'dpo@spimed-ai.com',
       '<' || md5('m' || i) || '@example.org>', encode(sha256(('proof' || i)::bytea), 'hex'), made - interval '2 hours', made - interval '3 hours'
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT pg_temp.made_at(50 * i, %(users)s, %(as_of)s) AS made) AS account

-- rows: app.consent_events
INSERT INTO app.consent_events (user_id, purpose, action, at, recorded_at, method, version, proof)
SELECT u, CASE WHEN i > %(users)s AND u <= %(consenting)s THEN 'statistics' ELSE 'geolocation' END,
       CASE WHEN i > %(users)s AND u > %(consenting)s THEN 'withdraw' ELSE 'grant' END,
       said, said + interval '1 second',
       (ARRAY['settings', 'sign-up', 'app'])[1 + mod(i, 3)], pg_temp.version_at(said), 'consents/' || md5('consent' || i)
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT 1 + mod(i - 1, %(users)s) AS u) AS person,
     LATERAL (SELECT CASE WHEN i > %(users)s AND u > %(consenting)s
                          THEN %(as_of)s::timestamptz - (200 + 100 * pg_temp.unit(i, 5)) * interval '1 day'
                          ELSE pg_temp.made_at(u, %(users)s, %(as_of)s) + interval '1 hour' END AS said) AS event

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
INSERT INTO app.payments (invoice_id, payer_legal_form, iban_last4, payer_iban, amount_cents, paid_on, legal_basis_ref)
SELECT invoice, pg_temp.legal_form(invoice, %(own_name)s), lpad(mod(i * 37, 10000)::text, 4, '0'),
       CASE WHEN mod(i, 4) > 0 THEN encode(sha256(('iban' || i)::bytea) || substr(sha256(('tag' || i)::bytea), 1, 16), 'base64') END,
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
SELECT 1 + mod(pg_temp.mixed(i, 20), %(quiet)s), 'campaign-' || mod(i, 12), (ARRAY['email', 'email', 'sms'])[1 + mod(i, 3)],
       %(as_of)s::timestamptz - (1 + 300 * pg_temp.unit(i, 21)) * interval '1 day'
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: app.rights_requests
INSERT INTO app.rights_requests (
    user_id, kind, about, channel, mailbox, received_at, doubted_at, doubt_reason, identified_at, identity_copy_deleted_at,
    extension_told_at, extension_reason, responded_at, outcome, refusal_reason, complaint_told, repeats, fee_cents,
    completed_at, proof, export_sha256, export_format, corrected_everywhere)
SELECT CASE kind WHEN 'objection' THEN %(quiet)s + 1 + mod(who, %(users)s - %(quiet)s)
                 WHEN 'restriction' THEN %(users)s - mod(1 + mod(who, %(frozen)s), %(users)s - %(quiet)s)
                 WHEN 'withdrawal' THEN %(consenting)s + 1 + mod(who, %(users)s - %(consenting)s)
                 ELSE 1 + mod(who, %(users)s) END,
       kind, CASE WHEN kind = 'withdrawal' THEN 'geolocation' END, channel,
       CASE WHEN channel = 'email' THEN 'dpo@spimed-ai.com' END,
       came,
       CASE WHEN doubtful THEN came + interval '1 day' END,
       CASE WHEN doubtful THEN 'It came from an address we do not know' END,
       CASE WHEN doubtful THEN came + interval '3 days' END,
       CASE WHEN doubtful AND NOT open THEN came + interval '6 days' END,
       CASE WHEN long THEN came + interval '20 days' END,
       CASE WHEN long THEN 'Many systems' END,
       answered, outcome,
       CASE WHEN outcome = 'refused' THEN (ARRAY['unfounded', 'excessive', 'repetitive'])[1 + mod(i, 3)] END,
       CASE WHEN outcome = 'refused' THEN true END,
       CASE WHEN outcome = 'refused' AND mod(i, 3) = 2 THEN (i - 1)::text END,
       CASE WHEN outcome = 'refused' AND mod(i, 3) = 1 THEN 1500 WHEN mod(i, 2) = 0 THEN 0 END,
       CASE WHEN outcome NOT IN ('open', 'refused') THEN answered + interval '2 days' END,
       CASE WHEN outcome IN ('consent_shown', 'erased') THEN 'requests/' || i END,
       CASE WHEN outcome = 'granted' AND kind IN ('access', 'portability')
            THEN encode(sha256(('export' || i)::bytea), 'hex') END,
       CASE WHEN outcome = 'granted' AND kind IN ('access', 'portability')
            THEN (ARRAY['json', 'csv', 'xml'])[1 + mod(i, 3)] END,
       CASE WHEN outcome = 'granted' AND kind = 'rectification' THEN true END
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT (%(kinds)s)[1 + mod(i, 9)] AS kind, (%(channels)s)[1 + mod(i, 10)] AS channel,
                     pg_temp.mixed(i, 22) AS who, mod(i, 4) = 0 AS open, mod(i, 7) = 2 AS doubtful,
                     mod(i, 16) = 3 AS long) AS told,
     LATERAL (SELECT CASE WHEN open THEN 'open'
                          WHEN kind = 'child_report' THEN (ARRAY['consent_shown', 'erased'])[1 + mod(i, 2)]
                          WHEN mod(i, 8) = 5 THEN 'refused' ELSE 'granted' END AS outcome,
                     %(as_of)s::timestamptz - interval '1 day' * CASE
                         WHEN open THEN 5 + 21 * pg_temp.unit(i, 23) WHEN long THEN 90 + 800 * pg_temp.unit(i, 23)
                         ELSE 12 + 900 * pg_temp.unit(i, 23) END AS came) AS request,
     LATERAL (SELECT CASE WHEN long THEN came + interval '80 days' WHEN NOT open THEN came + interval '9 days' END
                     AS answered) AS answer

-- rows: app.erasures
INSERT INTO app.erasures (request, key_version, kind, digest, completed_at)
SELECT id, 1, 'email', encode(sha256(('erased' || id)::bytea), 'hex'), completed_at
FROM (SELECT row_number() OVER (ORDER BY id) AS i, id, completed_at FROM app.rights_requests
      WHERE completed_at IS NOT NULL AND (kind = 'erasure' OR outcome = 'erased')) AS done
WHERE i BETWEEN %(first)s AND %(last)s

-- rows: app.notices
INSERT INTO app.notices (person_id, kind, version, shown_at)
SELECT CASE WHEN i <= %(users)s THEN i ELSE 5000000000 + i - %(users)s END,
       CASE WHEN i <= %(users)s THEN 'privacy_policy' ELSE 'applicant_policy' END, pg_temp.version_at(shown), shown
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT CASE WHEN i <= %(users)s THEN pg_temp.made_at(i, %(users)s, %(as_of)s) - interval '2 minutes'
                          ELSE pg_temp.applied_at(i - %(users)s, %(as_of)s) - interval '5 minutes' END AS shown) AS notice

-- rows: app.objections
INSERT INTO app.objections (user_id, channel, received_at, withdrawn_at)
SELECT %(users)s - mod(i, %(users)s - %(quiet)s), (ARRAY['email', 'unsubscribe_link', 'stop_sms'])[1 + mod(i, 3)],
       came, CASE WHEN mod(i, 5) = 0 THEN came + interval '20 days' END
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT %(as_of)s::timestamptz - (30 + 900 * pg_temp.unit(i, 25)) * interval '1 day' AS came) AS objection

-- rows: app.restrictions
INSERT INTO app.restrictions (user_id, ground, from_at, to_at, told_lifted_at)
SELECT %(users)s - mod(i, %(users)s - %(quiet)s), (ARRAY['accuracy', 'unlawful', 'claims', 'objection'])[1 + mod(i, 4)],
       began, CASE WHEN mod(i, 2) = 0 THEN began + interval '15 days' END,
       CASE WHEN mod(i, 2) = 0 THEN began + interval '12 days' END
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT %(as_of)s::timestamptz - (30 + 300 * pg_temp.unit(i, 26)) * interval '1 day' AS began) AS frozen

-- rows: app.deaths
INSERT INTO app.deaths (user_id, notified_at, instructions, executed_at, heirs_answered_at)
SELECT %(users)s - mod(i, %(users)s - %(quiet)s), told,
       CASE WHEN mod(i, 2) = 0 THEN (ARRAY['erase everything', 'hand it to the trusted person'])[1 + mod(i / 2, 2)] END,
       CASE WHEN mod(i, 2) = 0 AND mod(i, 6) > 0 THEN told + interval '4 days' END,
       CASE WHEN mod(i, 2) = 1 AND mod(i, 5) > 0 THEN told + interval '4 days' END
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT %(as_of)s::timestamptz - (5 + 75 * pg_temp.unit(i, 27)) * interval '1 day' AS told) AS notice

-- rows: app.processing_events
INSERT INTO app.processing_events (user_id, at, purpose)
SELECT 1 + mod(pg_temp.mixed(i, 28), %(quiet)s), %(as_of)s::timestamptz - (0.01 + 350 * pg_temp.unit(i, 29)) * interval '1 day',
       (ARRAY['service', 'customer_service', 'billing', 'social_media', 'documents', 'geolocation'])[1 + mod(i, 6)]
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: app.applicants
INSERT INTO app.applicants (id, email, collected_at)
SELECT 5000000000 + i, 'applicant' || i || '@example.org', pg_temp.applied_at(i, %(as_of)s)
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: app.processing_activities
INSERT INTO app.processing_activities (
    purpose, legal_basis, categories, recipients, retention, transfers, security, from_on, to_on, reviewed_on,
    balanced_on, balancing_ref)
SELECT purpose, legal_basis, 'clients, visitors', 'hosting', 'see the policy', 'none', 'see the security plan',
       %(today)s::date - 6000, CASE WHEN purpose = 'print_newsletter' THEN %(today)s::date - 3000 END,
       %(today)s::date - 30 * i::int,
       CASE WHEN legal_basis = 'legitimate_interest' THEN %(today)s::date - 500 END,
       CASE WHEN legal_basis = 'legitimate_interest' THEN 'balancing/' || purpose END
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT (ARRAY['service', 'customer_service', 'billing', 'social_media', 'documents', 'geolocation',
                            'print_newsletter'])[i] AS purpose,
                     (ARRAY['contract', 'legitimate_interest', 'legitimate_interest', 'legitimate_interest', 'contract',
                            'consent', 'consent'])[i] AS legal_basis) AS activity

-- rows: app.recipients
INSERT INTO app.recipients (
    recipient, role, country, in_eea, contract_on, vetted_on, next_review_on, safeguard, safeguard_ref, assessed_on,
    from_on, to_on)
SELECT (ARRAY['Spimed-AI', 'Hébergeur Exemple', 'Cloud Specimen', 'Courriel Demo', 'Support Maquette', 'Tribunal de Paris',
              'Paie Fictive'])[i],
       role, CASE WHEN abroad THEN 'US' ELSE 'FR' END, CASE WHEN abroad THEN 'no' ELSE 'yes' END,
       CASE WHEN engaged THEN %(today)s::date - 3020 END,
       CASE WHEN engaged THEN %(today)s::date - 40 * i::int - CASE WHEN ended THEN 1000 ELSE 0 END END,
       CASE WHEN engaged THEN %(today)s::date + 60 END,
       CASE WHEN abroad THEN 'standard_clauses' END, CASE WHEN abroad THEN 'contracts/clauses-3' END,
       CASE WHEN abroad THEN %(today)s::date - 300 END,
       %(today)s::date - 3000, CASE WHEN ended THEN %(today)s::date - 800 END
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT (ARRAY['internal', 'processor', 'processor', 'processor', 'sub_processor', 'authority', 'processor'])[i]
                     AS role, i = 3 AS abroad, i = 7 AS ended) AS known,
     LATERAL (SELECT role IN ('processor', 'sub_processor') AS engaged) AS bound

-- rows: app.transfers
INSERT INTO app.transfers (at, recipient, dataset, category, purpose)
SELECT %(as_of)s::timestamptz - (0.01 + 350 * pg_temp.unit(i, 31)) * interval '1 day',
       (ARRAY['Spimed-AI', 'Hébergeur Exemple', 'Cloud Specimen', 'Courriel Demo', 'Support Maquette', 'Tribunal de Paris'])
           [1 + mod(i, 6)],
       (ARRAY['app.users', 'app.support_tickets', 'app.invoices'])[1 + mod(i, 3)],
       (ARRAY['professional_identity', 'professional_identity', 'financial'])[1 + mod(i, 3)], 'service'
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: app.tools
INSERT INTO app.tools (name, kind, country, in_eea, safeguard, safeguard_ref, assessed_on, from_on, to_on)
SELECT (ARRAY['app', 'web', 'register', 'backups', 'ticketing', 'mail', 'analytics', 'old CRM'])[i],
       (ARRAY['store', 'store', 'store', 'backup', 'tool', 'tool', 'tool', 'tool'])[i],
       CASE WHEN abroad THEN 'US' ELSE 'FR' END, CASE WHEN abroad THEN 'no' ELSE 'yes' END,
       CASE WHEN abroad THEN 'standard_clauses' END, CASE WHEN abroad THEN 'contracts/clauses-' || i END,
       CASE WHEN abroad THEN %(today)s::date - 300 END,
       %(today)s::date - 2500, CASE WHEN i = 8 THEN %(today)s::date - 400 END
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT i IN (4, 6) AS abroad) AS place

-- rows: app.backups
INSERT INTO app.backups (store, oldest_at, newest_at, restore_tested_at)
SELECT (ARRAY['app', 'web', 'register'])[i], %(as_of)s::timestamptz - interval '30 days',
       %(as_of)s::timestamptz - interval '8 hours', %(as_of)s::timestamptz - 100 * i * interval '1 day'
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: app.incidents
INSERT INTO app.incidents (aware_at, notified_at, risk)
SELECT aware, CASE WHEN mod(i, 3) > 0 THEN aware + interval '20 hours' END, (ARRAY['unlikely', 'likely', 'high'])[1 + mod(i, 3)]
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT %(as_of)s::timestamptz - 50 * i * interval '1 day' AS aware) AS incident

-- rows: app.monthly_statistics
INSERT INTO app.monthly_statistics (month, region, age_band, plan)
SELECT date_trunc('month', %(today)s::date - (31 * mod(i, 4))::int)::date,
       (ARRAY['Bretagne', 'Île-de-France'])[1 + mod(i / 4, 2)], '25-44',
       (ARRAY['free', 'solo', 'team'])[1 + mod(i, 3)]
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: app.purge_runs
INSERT INTO app.purge_runs (table_name, started_at, finished_at, rows_deleted)
SELECT job, begun, CASE WHEN NOT broken_off THEN begun + interval '4 minutes' END,
       CASE WHEN broken_off THEN NULL WHEN in_vain THEN 0 ELSE 1 + mod(pg_temp.mixed(i, 24), 400) END
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT (%(purged)s)[1 + mod(i - 1, %(jobs)s)] AS job, 1 + ((i - 1) / %(jobs)s)::int AS nights_ago) AS run,
     LATERAL (SELECT (%(today)s::date - nights_ago + time '23:00') AT TIME ZONE 'Europe/Paris' AS begun,
                     job = 'app.sessions' AND nights_ago < 10 AS broken_off,
                     job = 'app.positions' AND nights_ago < 10 AS in_vain) AS known
