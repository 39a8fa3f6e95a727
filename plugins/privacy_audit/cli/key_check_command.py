"""`privacy-audit key-check`: what an erasure ledger must hold, so that the right keys can be told from others."""

from __future__ import annotations

from typing import Annotated

import typer

from privacy_audit.controls.erased import keys_of
from privacy_audit.domain.categories import IdentifierKind
from privacy_audit.domain.errors import ConfigurationRefusedError, Mistake
from privacy_audit.erasure.ledger import KEY_CHECK, key_checks
from privacy_audit.pipeline import planning
from privacy_audit.pipeline.configuration import read_configuration


def key_check(
    store: Annotated[str, typer.Option(help="The store whose map names the ledger and its keys.")],
) -> None:
    """Say what to file in the erasure ledger, once for each key. Reads no database; shows no key."""
    configuration = read_configuration()
    (name,) = planning.chosen_from("store", [store], [it.store.store for it in configuration.coverages])
    ledger = configuration.coverage(name).store.registers.erasures
    if ledger is None:
        fact = "names no erasure ledger."
        raise ConfigurationRefusedError([Mistake(f"stores/{name}.yaml", fact, "Add `registers.erasures`.")])
    typer.echo(f"File in {ledger.table}, as a request that is completed ({KEY_CHECK} is nobody's address):")
    for version, traced in key_checks(keys_of(ledger)).items():
        (digest,) = (digest for kind, digest in traced if kind is IdentifierKind.EMAIL)
        fields = {
            ledger.request: "key check",
            ledger.key_version: version,
            ledger.kind: IdentifierKind.EMAIL.value,
            ledger.digest: digest.hex(),
        }
        typer.echo(", ".join(f"{column}: {value}" for column, value in fields.items()))
