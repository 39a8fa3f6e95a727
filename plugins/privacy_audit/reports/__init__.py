"""The audit report: what a night found, told in files that stand on their own.

One module per format. A format is a module with a `FILE_NAME` and a pure `render(audit) -> bytes`; dropping such a file
into this folder is all it takes, `interface.formats` finds it. `folder.write` files all formats of an audit at once.

What every format keeps: nothing personal (counts, dates, names of tables, and the SQL that an entitled engineer may
run), dates by month where fewer than five rows are in breach (`disclosure`), text that can neither run nor hide
(`wording.clean`, autoescape, formula-safe cells), and the same bytes for the same audit.
"""
