-- Judged as of 24 November 2026.
CREATE SCHEMA app;

CREATE TABLE app.sessions (id bigint PRIMARY KEY, person_id bigint NOT NULL, email text, ip inet,
    started_at timestamptz NOT NULL);
INSERT INTO app.sessions VALUES
    (1, 1, 'someone@example.net', '192.0.2.1', '2026-11-20 12:00+01'),
    (2, 2, 'someone@example.net', '192.0.2.2', '2026-06-01 12:00+02'),
    (3, 8812345001, 'zoe.quillfeather@example.net', '203.0.113.77', '2025-06-17 12:00+02'),
    (4, 8812345001, 'zoe.quillfeather@example.net', '203.0.113.77', '2025-07-02 12:00+02'),
    (5, 8812345002, 'zoe.quillfeather@example.net', '203.0.113.77', '2025-08-09 12:00+02');

CREATE TABLE app.logins (id bigint PRIMARY KEY, person_id bigint NOT NULL, logged_at timestamptz NOT NULL);
INSERT INTO app.logins VALUES (1, 1, '2026-11-20 12:00+01'), (2, 2, '2026-10-05 12:00+02');
