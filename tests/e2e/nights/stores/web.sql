-- What is there before the first night; like app.sql. The position of the visit may stay until 18 November, its last
-- day and the last of the sixty nights.
INSERT INTO web.visitors (id, created_at) VALUES (1, '2025-06-01 10:00+02');
INSERT INTO web.consent_intervals (visitor_id, purpose, granted_at) VALUES (1, 'geolocation', '2025-06-01 10:00+02');
INSERT INTO web.visits (visitor_id, visited_at, page, lat, lon, ip, cookie_id) VALUES
    (1, '2026-09-18 00:00+02', '/', 48.85, 2.35, '203.0.113.2', 'cookie');
INSERT INTO web.cookies (visitor_id, name, value, first_set_at) VALUES (1, 'sid', 'cookie', '2026-06-01 10:00+02');
INSERT INTO web.connection_logs (visitor_id, ip, method, path, status, logged_at) VALUES
    (1, '203.0.113.2', 'GET', '/', 200, '2026-06-01 08:00');
INSERT INTO web.security_events (visitor_id, kind, ip, occurred_at, keep_months) VALUES
    (1, 'blocked', '203.0.113.2', '2026-06-01 10:00+02', 12);
INSERT INTO web.legal_holds (visitor_id, category, matter_ref, started_at) VALUES
    (1, 'connection', 'TJ Lyon 26/0001', '2026-02-01 10:00+01');
