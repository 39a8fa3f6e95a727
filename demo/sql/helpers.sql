-- Functions of the filling session only (pg_temp): everything that looks random is a hash of the row's number.
CREATE FUNCTION pg_temp.mixed(i bigint, salt int) RETURNS bigint LANGUAGE sql IMMUTABLE AS
    'SELECT hashint8extended(i, salt) & 1152921504606846975';
CREATE FUNCTION pg_temp.unit(i bigint, salt int) RETURNS float8 LANGUAGE sql IMMUTABLE AS
    'SELECT (hashint8extended(i, salt) & 1048575) / 1048576.0::float8';
CREATE FUNCTION pg_temp.made_at(i bigint, users bigint, as_of timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
    'SELECT as_of - (3650 - 3200 * i::float8 / users) * interval ''1 day''';
CREATE FUNCTION pg_temp.applied_at(i bigint, as_of timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
    'SELECT as_of - (1 + 500 * pg_temp.unit(i, 30)) * interval ''1 day''';
CREATE FUNCTION pg_temp.version_at(moment timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN moment < '2018-05-25 00:00 Europe/Paris' THEN '0.1' WHEN moment < '2024-01-01 00:00 Europe/Paris' THEN '0.2'
                ELSE '1' END
$$;
CREATE FUNCTION pg_temp.no_default_date(born date) RETURNS date LANGUAGE sql IMMUTABLE AS
    'SELECT CASE WHEN extract(doy FROM born) = 1 THEN born + 1 ELSE born END';
CREATE FUNCTION pg_temp.paid_days(invoice bigint) RETURNS int LANGUAGE sql IMMUTABLE AS
    'SELECT (CASE WHEN mod(invoice, 4) = 0 THEN 2300 + 900 * pg_temp.unit(invoice, 90) ELSE 2 + 1650 * pg_temp.unit(invoice, 91) END)::int';
CREATE FUNCTION pg_temp.legal_form(i bigint, own_name bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
    'SELECT (CASE WHEN i <= own_name THEN ARRAY[''EI'', ''micro'', ''EI'', ''micro''] ELSE ARRAY[''SARL'', ''SAS'', ''SA'', ''association''] END)[1 + mod(i, 4)]';
CREATE FUNCTION pg_temp.address(i bigint) RETURNS inet LANGUAGE sql IMMUTABLE AS
    'SELECT CASE WHEN mod(i, 4) = 0 THEN inet ''2001:db8::'' + mod(i * 7919, 1000000) ELSE inet ''203.0.113.0'' + mod(i, 256) END';
CREATE FUNCTION pg_temp.person_name(i bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT (ARRAY['Camille', 'Léa', 'Noé', 'Jade', 'Hugo', 'Inès', 'Malo', 'Zoé', 'Théo', 'Awa', 'Yanis', 'Maëlle'])[1 + mod(i, 12)]
        || ' ' || (ARRAY['Exemple', 'Fictif', 'Modèle', 'Essai', 'Specimen', 'Demo', 'Maquette'])[1 + mod(i / 12, 7)]
$$;
