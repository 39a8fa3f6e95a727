"""The format of `expectations/attestations.yaml`: what people say of promises that no database shows.

An attestation names who says it, when, and by which evidence, and lasts 90 days at most. After its last day the promise
is to be reviewed again; without one it was never looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from privacy_audit.config.map_fields import Line, MapPart
from privacy_audit.config.yaml import documents
from privacy_audit.domain.errors import ConfigurationRefusedError, Mistake, did_you_mean
from privacy_audit.domain.promises import Policy

FILE = "attestations.yaml"
KIND = "attestation"
MOST_DAYS = 90
"""A person's word about a state of affairs gets old; after a quarter somebody looks again."""


class Attestation(MapPart):
    """What one person says of one promise."""

    control: Annotated[str, Field(max_length=40)]
    """Id of a control of kind `attestation`."""
    statement: Line
    """What was seen, in the words of who saw it."""
    attested_by: Line
    """Who saw it."""
    on: date
    """First civil day on which it counts."""
    until: date
    """Last civil day on which it counts."""
    evidence: Line
    """Where the proof lies, for anyone who must show it."""

    @model_validator(mode="after")
    def _ends(self) -> Attestation:
        if not self.on <= self.until <= self.on + timedelta(days=MOST_DAYS):
            raise ValueError(
                f"An attestation counts from `on` to `until`, {MOST_DAYS} days at most:"
                f" {self.on + timedelta(days=MOST_DAYS)} is the last day for this one."
            )
        return self


class _File(MapPart):
    """The whole file. Several for one control are its history; the latest that has begun counts."""

    attestations: tuple[Attestation, ...] = ()
    """Each statement."""


def read(expectations: Path, policy: Policy | None) -> tuple[Attestation, ...]:
    """The attestations of a folder of expectations, none when it has no file; ConfigurationRefusedError with every
    mistake. Without a policy nobody can tell whether the controls exist."""
    path = expectations / FILE
    if not path.exists():
        return ()
    parsed = documents.read(path, _File, root=expectations.parent)
    mistakes = [*_unknown(parsed, policy)] if policy else []
    if mistakes:
        raise ConfigurationRefusedError(mistakes)
    return parsed.value.attestations


def _unknown(parsed: documents.ParsedFile[_File], policy: Policy) -> Iterator[Mistake]:
    known = [control.id for control in policy.controls if control.kind == KIND]
    for number, entry in enumerate(parsed.value.attestations):
        if entry.control not in known:
            place = parsed.document.place("attestations", number, "control")
            fact = f'"{entry.control}" is no control of kind {KIND}: of the others the audit sees for itself.'
            yield Mistake(place, fact, did_you_mean(entry.control, known))
