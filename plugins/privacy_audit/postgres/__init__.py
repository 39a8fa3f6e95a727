"""The only door to databases: connections, session settings, snapshots, replication lag, and errors in our words."""
