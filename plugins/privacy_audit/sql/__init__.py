"""What the controls share when they say their truth in SQL: clocks, coverage by consents, holds, and the tally.

Everything is SQLAlchemy Core: values are bound, identifiers are quoted. No statement is run here.
"""
