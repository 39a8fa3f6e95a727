"""What one client of a server can leave to the next one in the same session."""

LEFT = """
    SELECT 'setting ' || name, setting FROM pg_settings
    WHERE name NOT LIKE 'transaction_%' OR name = 'transaction_timeout'
    UNION ALL SELECT 'role', concat_ws(' ', session_user, current_user, current_setting('role'))
    UNION ALL SELECT 'prepared', name FROM pg_prepared_statements
    UNION ALL SELECT 'cursor', name FROM pg_cursors WHERE is_holdable
    UNION ALL SELECT 'channel', pg_listening_channels()
    UNION ALL SELECT 'lock', objid::text FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
    UNION ALL SELECT 'temporary', relname FROM pg_class
        WHERE relpersistence = 't' AND NOT pg_is_other_temp_schema(relnamespace)
    ORDER BY 1, 2
"""
"""A statement: kind and value of each trace."""
