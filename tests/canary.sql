-- Plants canaries in every column of every table of a demo store that can hold one: in one row of seven where the column
-- is read by the audit as a word of its own, in each row where it is plain personal data. What a constraint would refuse
-- is planted all the same: production has such rows too.
DO $planting$
DECLARE
    place record;
    planted constant text := 'Anne-Sophie Canari, anne.canari@example.org, FR7630006000011234567890189, +33698765432 ';
    value text;
    reached bigint;
    there boolean;
BEGIN
    SET LOCAL client_min_messages = warning;
    FOR place IN
        SELECT c.conrelid::regclass AS tab, c.conname AS name FROM pg_constraint c
        JOIN pg_namespace n ON n.oid = c.connamespace
        WHERE n.nspname = '{store}' AND c.contype = 'c' AND c.coninhcount = 0
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', place.tab, place.name);
    END LOOP;

    FOR place IN
        SELECT a.attrelid::regclass AS tab, a.attname AS col, t.typname AS type,
               a.attname IN ('purpose', 'action', 'category', 'channel', 'mailbox', 'table_name', 'client_legal_form',
                             'payer_legal_form', 'holder_legal_form', 'legal_basis_ref', 'proof_sha256') AS is_word
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_type t ON t.oid = a.atttypid
        WHERE n.nspname = '{store}' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND c.relname <> 'erasures'  -- with anything but digests in it, the ledger is refused as a whole
          AND a.attnum > 0 AND NOT a.attisdropped
          AND (t.typname IN ('text', 'varchar', 'inet', 'float8') OR a.attname = 'birth_date')
    LOOP
        value := CASE
            WHEN place.type IN ('text', 'varchar') THEN format('%L || row_number', planted)
            WHEN place.type = 'inet' THEN '''203.0.113.77'''
            WHEN place.col = 'birth_date' THEN '''2014-02-27'''
            WHEN place.col = 'lat' THEN '48.8583701'
            ELSE '2.2944813'
        END;
        EXECUTE format(
            'UPDATE %1$s SET %2$I = %3$s FROM (SELECT tableoid AS part, ctid AS at, row_number() OVER () FROM %1$s) r'
            ' WHERE r.part = %1$s.tableoid AND r.at = %1$s.ctid AND (NOT %4$L::boolean OR r.row_number %% 7 = 1)',
            place.tab, place.col, value, place.is_word OR place.col = 'birth_date'
        );
        GET DIAGNOSTICS reached = ROW_COUNT;
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', place.tab) INTO there;
        IF reached = 0 AND there THEN
            RAISE EXCEPTION 'nothing was planted in %.%', place.tab, place.col;
        END IF;
    END LOOP;
END
$planting$;
ANALYZE;
