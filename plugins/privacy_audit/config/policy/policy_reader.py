"""Reads the policy and the law beside it: `expectations/policy.yaml`, `policy.txt` and `law.yaml`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from privacy_audit.config.policy.consistency import KindParameters, contradictions, contradictions_of_law
from privacy_audit.config.policy.policy_files import ControlEntry, LawFile, PolicyFile
from privacy_audit.config.policy.quotes import differences
from privacy_audit.config.yaml import documents
from privacy_audit.domain.errors import ConfigurationRefusedError, Mistake
from privacy_audit.domain.promises import Clause, Conflict, Control, Law, Pack, Policy, Source

__all__ = ["KindParameters", "load"]


def load(expectations: Path, kinds: Mapping[str, KindParameters] | None = None, file: Path | None = None) -> Policy:
    """The policy of a folder of expectations, with the law if the folder has one; ConfigurationRefusedError with every
    mistake and its place.

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
    law, digest, faults = _law(expectations, parsed.value, kinds)
    mistakes = [
        *differences(parsed.value, parsed.document, source, documents.name_of(text, root)),
        *contradictions(parsed.value, parsed.document, kinds, law.rules if law else ()),
    ]
    mistakes = [*sorted(mistakes, key=_line_and_column), *sorted(faults, key=_line_and_column)]
    if mistakes:
        raise ConfigurationRefusedError(mistakes)
    promised = _policy(parsed.value, hashlib.sha256(content).hexdigest())
    return promised if law is None else _beside_law(promised, law, digest)


def _law(
    expectations: Path, file: PolicyFile, kinds: Mapping[str, KindParameters] | None
) -> tuple[LawFile | None, str, list[Mistake]]:
    """What the law asks, the digest of its file, and what is wrong with it; no law where there is no such file."""
    path = expectations / "law.yaml"
    if not path.exists():
        return None, "", []
    content = documents.read_bytes(path, root=expectations.parent)
    parsed = documents.parse(content, LawFile, documents.name_of(path, expectations.parent))
    faults = contradictions_of_law(parsed.value, parsed.document, file, kinds)
    return parsed.value, hashlib.sha256(content).hexdigest(), faults


def _line_and_column(mistake: Mistake) -> tuple[int, ...]:
    return tuple(int(number) for number in mistake.place.rsplit(":", 2)[1:])


def _policy(file: PolicyFile, digest: str) -> Policy:
    clauses = tuple(
        Clause(name, section.heading, clause.quote, clause.automation, clause.reason or "")
        for section in file.sections
        for name, clause in section.clauses.items()
    )
    conflicts = tuple(
        Conflict(name, it.policy, it.law, it.consequence, it.controls) for name, it in file.conflicts.items()
    )
    return Policy(
        file.version,
        file.title,
        file.effective_from,
        file.effective_to,
        file.zone,
        file.source.sha256,
        digest,
        clauses,
        tuple(_control(name, entry) for name, entry in file.controls.items()),
        conflicts,
    )


def _beside_law(promised: Policy, law: LawFile, digest: str) -> Policy:
    """The policy and, after its controls, those of the law."""
    rules = (
        replace(_control(name, entry), pack=Pack.LAW, source=Source(**entry.source.model_dump()))
        for name, entry in law.rules.items()
    )
    return replace(
        promised,
        controls=(*promised.controls, *rules),
        law=Law(law.version, law.title, law.effective_from, digest),
    )


def _control(name: str, entry: ControlEntry) -> Control:
    return Control(
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
        entry.fix or "",
    )
