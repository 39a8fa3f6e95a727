"""The only door to the stores and to Great Expectations: (what to check, a connection, T) -> results with tallies.

`audit_store` never raises for what it finds or for a store that is down: both are outcomes."""
