-- Judged as of 24 November 2026.
CREATE SCHEMA web;

CREATE TABLE web.cookies (id bigint PRIMARY KEY, person_id bigint NOT NULL, cookie text, set_at timestamptz);
INSERT INTO web.cookies VALUES
    (1, 1, 'aaaa', '2026-11-20 12:00+01'),
    (2, 8812345003, 'zq-5f2e77c1', '2025-05-04 12:00+02'),
    (3, 8812345003, 'zq-5f2e77c1', '2025-05-04 13:00+02'),
    (4, 2, 'bbbb', NULL);
