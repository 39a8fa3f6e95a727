-- Judged as of 24 November 2026, 01:30 UTC.
CREATE SCHEMA shop;

CREATE TABLE shop.positions (id bigint PRIMARY KEY, person_id bigint NOT NULL, recorded_at timestamptz);
INSERT INTO shop.positions
SELECT i, i % 50, timestamptz '2026-11-20 12:00+01' - i * interval '1 minute' FROM generate_series(1, 5000) i;
INSERT INTO shop.positions                                                      -- seven of them too old
SELECT 9000 + i, i, timestamptz '2026-03-05 12:00+01' + i * interval '1 day' FROM generate_series(1, 7) i;
INSERT INTO shop.positions VALUES (9100, 99, '2026-03-01 12:00+01'), (9101, 98, NULL);  -- one held, one undecidable
CREATE INDEX ON shop.positions (recorded_at);
ANALYZE shop.positions;

CREATE TABLE shop.legal_holds (id bigint PRIMARY KEY, person_id bigint NOT NULL, category text NOT NULL,
    matter_ref text NOT NULL, started_at timestamptz NOT NULL, released_at timestamptz);
INSERT INTO shop.legal_holds VALUES (1, 99, 'geolocation', 'M-1', '2026-10-01 09:00+02', NULL);

CREATE TABLE shop.logs (id bigint PRIMARY KEY, person_id bigint NOT NULL, logged_at timestamptz NOT NULL);
INSERT INTO shop.logs
SELECT i, i, timestamptz '2026-11-01 12:00+01' - i * interval '1 hour' FROM generate_series(1, 40) i;
INSERT INTO shop.logs                                                           -- three of them too old: a small count
SELECT 100 + i, i, timestamptz '2025-06-17 12:00+02' FROM generate_series(1, 3) i;

CREATE TABLE shop.cookies (id bigint PRIMARY KEY, person_id bigint NOT NULL, set_at timestamptz NOT NULL);
INSERT INTO shop.cookies SELECT i, i, timestamptz '2026-09-01 12:00+02' FROM generate_series(1, 12) i;

CREATE TABLE shop.partner_cookies (id bigint PRIMARY KEY, person_id bigint NOT NULL, set_at timestamptz);
INSERT INTO shop.partner_cookies SELECT i, i, NULL FROM generate_series(1, 6) i;

CREATE TABLE shop.old_cookies (id bigint PRIMARY KEY, person_id bigint NOT NULL, set_at timestamptz NOT NULL);

CREATE TABLE shop.devices (id bigint PRIMARY KEY, person_id bigint NOT NULL, ip inet);
INSERT INTO shop.devices VALUES (1, 1, '192.0.2.1');

CREATE TABLE shop.visits (id bigint PRIMARY KEY, person_id bigint NOT NULL, visited_at timestamptz NOT NULL,
    lat double precision, lon double precision);
INSERT INTO shop.visits SELECT i, i, timestamptz '2026-11-01 12:00+01', 48.85, 2.35 FROM generate_series(1, 20) i;
