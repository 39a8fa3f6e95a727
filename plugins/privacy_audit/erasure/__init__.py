"""Erasure that is real: whether anything of an erased person is still there, or back, in any mapped table.

`identifiers` makes spellings comparable, `keyring` digests them, `ledger` knows whose digests they are and
`ledger_rows` reads it, `search` looks through a table. `manifest` digests rows under a legal hold, and `on_file` keeps
the digests. Only `stream`, `ledger_rows` and `elsewhere` read a database. Identifiers and keys live in memory only:
nothing of them is told, logged or raised. What is found is told as counts by table; its keys are listed to nobody but
an engineer at a terminal.
"""

from privacy_audit.erasure.held_row_digests import RowDigester, telling
from privacy_audit.erasure.identifier_columns import Column, IdentifierOrigin, SearchedTable
from privacy_audit.erasure.identifiers import IdentifierKind, harvest, normalise
from privacy_audit.erasure.keyring import Keyring, KeyringRefusedError
from privacy_audit.erasure.ledger import ErasedIndex, ErasedPerson, Exemption, LedgerRefusedError, traces
from privacy_audit.erasure.row_stream import UnreadableTextError
from privacy_audit.erasure.search import ErasureLead, LeadKind, Residue, leads, search

__all__ = [
    "Column",
    "ErasedIndex",
    "ErasedPerson",
    "ErasureLead",
    "Exemption",
    "IdentifierKind",
    "IdentifierOrigin",
    "Keyring",
    "KeyringRefusedError",
    "LeadKind",
    "LedgerRefusedError",
    "Residue",
    "RowDigester",
    "SearchedTable",
    "UnreadableTextError",
    "harvest",
    "leads",
    "normalise",
    "search",
    "telling",
    "traces",
]
