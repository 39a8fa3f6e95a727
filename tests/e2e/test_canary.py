"""Nothing personal leaves a store: canaries in every column, then a search through every byte that the audit wrote."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from urllib.parse import quote

import pytest

from tests.night import Night

CANARIES = (
    "Anne-Sophie",
    "Canari",
    "anne.canari@example.org",
    "FR7630006000011234567890189",
    "+33698765432",
    "48.8583701",
    "2.2944813",
    "203.0.113.77",
    "2014-02-27",
)
"""What `canary.sql` plants: a name, an address of each kind, a bank account, a position, a birth date."""
PLACES = ("reports/", ".data_docs.", "validations/", "alerts/", "log/", "airflow/", "run/")

pytestmark = pytest.mark.slow


def spellings(canary: str) -> set[bytes]:
    """A canary as files of any kind might hold it: as text, escaped, encoded, or as a digest (a pseudonym)."""
    plain = canary.encode()
    encoded = {base64.b64encode(b" " * shift + plain)[4:-4] for shift in range(3)}
    digests = {hashlib.new(name, plain).hexdigest().encode() for name in ("md5", "sha1", "sha256")}
    texts = {
        canary,
        quote(canary, safe=""),
        html.escape(canary),
        json.dumps(canary)[1:-1],
        canary.replace("@", "&#64;"),
    }
    known = {text.lower().encode() for text in texts} | {canary.lower().encode("utf-16-le"), plain.hex().encode()}
    return known | {part.lower() for part in encoded if len(part) >= 12} | digests


def found_in(content: bytes) -> set[str]:
    folded = content.lower()
    return {canary for canary in CANARIES if any(spelling in folded for spelling in spellings(canary))}


@pytest.mark.parametrize("canary", CANARIES)
def test_the_search_finds_what_is_hidden(canary: str) -> None:
    for text in (canary, canary.upper(), quote(canary, safe=""), html.escape(canary), json.dumps(canary)):
        assert canary in found_in(f"before {text} after".encode())
    assert canary in found_in(hashlib.sha256(canary.encode()).hexdigest().encode())
    assert found_in(b"Anne was here") == set()


@pytest.mark.parametrize("before", ["", "x", "xy"])
def test_the_search_finds_what_is_encoded(before: str) -> None:
    long = "anne.canari@example.org"
    assert long in found_in(base64.b64encode(f"{before}{long}, and more".encode()))


def test_the_planted_rows_were_read_and_judged(real_night: Night) -> None:
    assert real_night.told["state"] == "success"
    audit = json.loads((real_night.report / "audit.json").read_bytes())
    outcomes = {check["outcome"] for check in audit["checks"]}
    assert outcomes == {"fail", "review", "pass", "not_applicable"}
    # The ledger's words were planted too: some of it can no longer be read, and that was seen.
    ledger = next(check for check in audit["checks"] if check["id"] == "app/app.positions/GEO-1")
    assert ledger["tally"]["undecidable"] > 100


def test_everything_that_readers_get_was_searched(real_night: Night) -> None:
    names = [name for name, _ in real_night.pieces()]
    assert [place for place in PLACES if not any(name.startswith(place) for name in names)] == []
    for part in ("report.html", "audit.json", "findings.csv", "index.html", "run_once.db", "product.json"):
        assert any(name.endswith(part) for name in names), part
    assert re.search(rb"^audit\w*: ", real_night.register, re.MULTILINE)


def test_no_byte_that_was_written_holds_a_canary(real_night: Night) -> None:
    leaks = {name: sorted(found) for name, content in real_night.pieces() if (found := found_in(content))}
    assert leaks == {}
