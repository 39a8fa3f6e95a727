"""privacy_audit: says every night, with proof, where a company's privacy policy is broken in its databases.

The pipeline, in the order of a night:

1. `policy` and `store_map` read what must be true (`expectations/`), with positions, and refuse what is unclear.
2. `suites` compiles both into Great Expectations suites, one per table, committed and reviewed.
3. `engine` opens each store read-only, proves that it sees every row, and runs the suites at one instant T on one
   snapshot; each control kind of `controls/` states its truth once. It gives tallies, not rows.
4. `findings` turns tallies into findings and says how each stands since the nights before; `register` files that
   once; `reports` and `data_docs` tell people; `alerts` tells the owners what changed.
5. `records` is what the audit keeps of itself, which is audited and deleted in time like everything else.
6. `audit` is the only place where the stages meet; `dags/privacy_audit_nightly.py` and the command line call it.

The words are those of `model`.
"""
