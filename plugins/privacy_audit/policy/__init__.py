"""Reads `expectations/policy.yaml`: the privacy policy as clauses and controls, held against the text it quotes.

Nothing of the text may be silently missing: the headings and quotes of the file, one after the other, are the whole
text, word for word. A clause is computed by a control, or the file says why not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from privacy_audit import documents
from privacy_audit.errors import ConfigurationRefusedError, Mistake
from privacy_audit.model import Clause, Conflict, Control, Policy
from privacy_audit.policy.consistency import Asks, contradictions
from privacy_audit.policy.format import PolicyFile
from privacy_audit.policy.quotes import differences

__all__ = ["Asks", "load"]


def load(expectations: Path, kinds: Mapping[str, Asks] | None = None, file: Path | None = None) -> Policy:
    """The policy of a folder of expectations; ConfigurationRefusedError with every mistake and its place.

    With `kinds` (a kind's name to what it asks for) the controls are also held to kinds that exist and to the
    parameters they ask for. A reader that only needs names leaves it out. `file` is another policy than the folder's
    own; the text that it quotes lies beside it, or else in the folder.
    """
    root, path = expectations.parent, file or expectations / "policy.yaml"
    content = documents.read_bytes(path, root=root)
    parsed = documents.parse(content, PolicyFile, documents.name_of(path, root))
    beside = path.parent / parsed.value.source.file
    text = beside if beside.is_file() else expectations / parsed.value.source.file
    source = documents.read_bytes(text, root=root)
    mistakes = [
        *differences(parsed.value, parsed.document, source, documents.name_of(text, root)),
        *contradictions(parsed.value, parsed.document, kinds),
    ]
    if mistakes:
        raise ConfigurationRefusedError(sorted(mistakes, key=_line_and_column))
    return _policy(parsed.value, hashlib.sha256(content).hexdigest())


def _line_and_column(mistake: Mistake) -> tuple[int, ...]:
    return tuple(int(number) for number in mistake.place.rsplit(":", 2)[1:])


def _policy(file: PolicyFile, digest: str) -> Policy:
    clauses = tuple(
        Clause(name, section.heading, clause.quote, clause.automation, clause.reason or "")
        for section in file.sections
        for name, clause in section.clauses.items()
    )
    controls = tuple(
        Control(
            name,
            entry.kind,
            entry.title,
            entry.severity,
            entry.clauses,
            entry.legal_basis,
            entry.effective_from,
            entry.effective_to,
            entry.categories,
            dict(entry.parameters),
            entry.formerly,
        )
        for name, entry in file.controls.items()
    )
    conflicts = tuple(Conflict(name, it.policy, it.law, it.consequence) for name, it in file.conflicts.items())
    return Policy(
        file.version,
        file.title,
        file.effective_from,
        file.effective_to,
        file.zone,
        file.source.sha256,
        digest,
        clauses,
        controls,
        conflicts,
    )
