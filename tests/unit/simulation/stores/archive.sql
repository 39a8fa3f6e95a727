-- Judged as of 24 November 2024.
CREATE SCHEMA archive;

CREATE TABLE archive.logs (id bigint PRIMARY KEY, logged_at timestamptz);
INSERT INTO archive.logs SELECT id, '2021-06-01 12:00+02'::timestamptz + id * interval '1 day' FROM generate_series(1, 6) id;
INSERT INTO archive.logs VALUES (7, '2024-11-20 12:00+01');
