"""The demo company: an embedded PostgreSQL with a small company in it, in which every broken promise was planted."""
