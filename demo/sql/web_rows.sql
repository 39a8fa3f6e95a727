-- The rows of the web site that keep every promise, whatever T is; written like app_rows.sql.

-- rows: web.visitors
INSERT INTO web.visitors (id, created_at, deleted_at)
SELECT i, %(as_of)s::timestamptz - (600 - 200 * i::float8 / %(size)s) * interval '1 day',
       CASE WHEN mod(i, 250) = 9 THEN %(as_of)s::timestamptz - (1 + 24 * pg_temp.unit(i, 1)) * interval '1 day' END
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: web.visits
INSERT INTO web.visits (visitor_id, visited_at, page, lat, lon, ip, cookie_id)
SELECT 1 + mod(pg_temp.mixed(i, 2), CASE WHEN i > %(without_position)s THEN %(consenting)s ELSE %(visitors)s END),
       %(as_of)s::timestamptz - interval '1 day' * CASE
           WHEN i > %(without_position)s THEN 0.01 + 50 * pg_temp.unit(i, 3)
           WHEN i > %(without_address)s THEN 50 + 300 * pg_temp.unit(i, 3)
           ELSE 350 + 35 * pg_temp.unit(i, 3) END,
       (ARRAY['/', '/produit', '/tarifs', '/contact', '/blog'])[1 + mod(i, 5)],
       CASE WHEN i > %(without_position)s THEN 43.3 + 6.2 * pg_temp.unit(i, 4) END,
       CASE WHEN i > %(without_position)s THEN -1.5 + 7.5 * pg_temp.unit(i, 5) END,
       CASE WHEN i > %(without_address)s THEN pg_temp.address(i) END,
       md5('cookie' || i)
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: web.cookies
INSERT INTO web.cookies (visitor_id, name, value, first_set_at, expires_at)
SELECT 1 + mod(i - 1, %(visitors)s), CASE WHEN i > %(visitors)s THEN 'stats' ELSE 'sid' END, md5('value' || i),
       first_set, first_set + interval '390 days'
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
     LATERAL (SELECT %(as_of)s::timestamptz - (0.01 + 375 * pg_temp.unit(i, 6)) * interval '1 day' AS first_set) AS cookie

-- rows: web.connection_logs
INSERT INTO web.connection_logs (visitor_id, ip, method, path, status, logged_at)
SELECT CASE WHEN mod(i, 9) > 0 THEN 1 + mod(pg_temp.mixed(i, 7), %(visitors)s) END, pg_temp.address(i),
       (ARRAY['GET', 'GET', 'POST'])[1 + mod(i, 3)], '/page/' || mod(i, 300), (ARRAY[200, 200, 304, 404])[1 + mod(i, 4)],
       (%(as_of)s::timestamptz - (0.01 + 350 * (1 - i::float8 / %(size)s)) * interval '1 day') AT TIME ZONE 'UTC'
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: web.security_events
INSERT INTO web.security_events (visitor_id, kind, ip, occurred_at, keep_months)
SELECT 1 + mod(pg_temp.mixed(i, 8), %(visitors)s), (ARRAY['login_failed', 'rate_limited', 'blocked', 'abuse'])[1 + mod(i, 4)],
       pg_temp.address(i), %(as_of)s::timestamptz - (0.01 + 80 * pg_temp.unit(i, 9)) * interval '1 day',
       (ARRAY[3, 6, 12, 24])[1 + mod(i, 4)]
FROM generate_series(%(first)s::bigint, %(last)s) AS i

-- rows: web.consent_intervals
INSERT INTO web.consent_intervals (visitor_id, purpose, granted_at, withdrawn_at)
SELECT 1 + mod(i - 1, %(visitors)s),
       CASE WHEN i > %(visitors)s THEN 'statistics' ELSE 'geolocation' END,
       %(as_of)s::timestamptz - (380 + 15 * pg_temp.unit(i, 10)) * interval '1 day',
       CASE WHEN i > %(consenting)s AND i <= %(visitors)s
            THEN %(as_of)s::timestamptz - (60 + 300 * pg_temp.unit(i, 11)) * interval '1 day' END
FROM generate_series(%(first)s::bigint, %(last)s) AS i
