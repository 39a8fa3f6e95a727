"""The audit report: what a night found and how findings stand, in files that stand on their own.

One module per format. A format is a module with a `FILE_NAME` and a pure `render(view) -> bytes`; such a file in this
folder is all it takes, `interface.formats` finds it. `report_folder.write` files all formats of an audit at once, after
the audit database took it: only then is known what is new and what is gone. `audit.json` alone is of the night only,
whatever people decided.

A format gets an `AuditView` and nothing else: counts, dates and names of tables, with dates by month where few rows are
in breach and texts without hidden characters, and the SQL that an entitled engineer may run. It adds what its own
syntax needs (autoescape, formula-safe cells), and gives the same bytes for the same view.
"""
