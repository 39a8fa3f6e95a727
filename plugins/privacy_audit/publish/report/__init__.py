"""The audit report: what a night found and how findings stand, told in files that stand on their own.

One module per format. A format is a module with a `FILE_NAME` and a pure `render(audit, chronicle) -> bytes`; dropping
such a file into this folder is all it takes, `interface.formats` finds it. `folder.write` files all formats of an audit
at once, after the register took it: only then is known what is new and what is gone. `audit.json` alone is of the
night only, whatever people decided.

What every format keeps: nothing personal (counts, dates, names of tables, and the SQL that an entitled engineer may
run), dates by month where fewer than five rows are in breach (`disclosure`), text that can neither run nor hide
(`wording.clean`, autoescape, formula-safe cells), and the same bytes for the same audit and history.
"""
