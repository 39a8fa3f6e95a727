-- Judged as of 24 November 2024.
CREATE SCHEMA shop;

CREATE TABLE shop.visits (id bigint PRIMARY KEY, user_id bigint, name text, visited_at timestamptz);
INSERT INTO shop.visits VALUES
    (1, 1, 'Jeanne Exemple', '2024-11-20 12:00+01'),
    (2, 1, 'Jeanne Exemple', '2024-03-01 12:00+01'),
    (3, 2, 'Jeanne Exemple', '2024-03-02 12:00+01'),
    (4, 2, 'Jeanne Exemple', '2023-01-10 12:00+01'),
    (5, 3, 'Jeanne Exemple', NULL);

CREATE TABLE shop.cookies (id bigint PRIMARY KEY, user_id bigint, set_at timestamptz);
INSERT INTO shop.cookies VALUES
    (1, 1, '2024-11-20 12:00+01'),
    (2, 1, '2023-09-20 12:00+02'),
    (3, 2, '2023-05-04 12:00+02'),
    (4, 2, '2023-05-05 12:00+02');

CREATE TABLE shop.guardian_consents (
    id bigint PRIMARY KEY, user_id bigint, received_at timestamptz, revoked_at timestamptz,
    channel text, mailbox text, message_id text, proof text
);
INSERT INTO shop.guardian_consents VALUES
    (1, 3, '2024-10-01 12:00+02', NULL, 'email', 'dpo@spimed-ai.com', '<1@mail>', repeat('a', 64)),
    (2, 4, '2024-10-02 12:00+02', NULL, 'email', 'privacy@spimed-ai.com', '<2@mail>', repeat('b', 64));
