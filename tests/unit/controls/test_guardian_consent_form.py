"""How many children one guardian stands for can be asked only where the map says who consented."""

from __future__ import annotations

from datetime import date

import pytest

from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls import BindingError
from privacy_audit.controls.guardian_consent_form import GuardianConsentForm
from privacy_audit.domain.outcomes import Severity
from privacy_audit.domain.promises import Control

FORM = {"channel": "channel", "mailbox": "mailbox", "message": "message_id", "proof": "digest"}


def bound(form: dict[str, str], **parameters: str) -> GuardianConsentForm | BindingError:
    """What the control becomes over a register of consents in this form."""
    asked = {"channel": "email", "mailbox": "dpo@company.example", **parameters}
    control = Control(
        "MIN-2", "guardian_consent_form", "Form", Severity.CRITICAL, ("age",), (), date(2024, 1, 1), parameters=asked
    )
    register = {
        "table": "lib.letters",
        "key": ["id"],
        "subject": "child_id",
        "received": {"column": "received_at"},
        "revoked": {"column": "revoked_at"},
        "form": form,
    }
    about = {
        "store": "library",
        "title": "Library",
        "connection": "library",
        "owner": "Library",
        "alert": "library",
        "no_data_before": "2001-01-01",
        "registers": {"guardian_consents": register},
        "tables": {"lib.readers": {"title": "Readers", "key": ["id"]}},
    }
    (found,) = GuardianConsentForm.bind(control, StoreMap.model_validate(about), "Europe/Paris")
    return found


def test_without_a_guardian_nobody_can_tell_for_how_many_children_one_stands() -> None:
    found = bound(FORM, children="10")
    assert found == BindingError("lib.letters: MIN-2 needs `guardian` in `form` to see for whom one guardian stands")


@pytest.mark.parametrize("children", [None, "10"])
def test_the_rule_says_what_it_looks_at(children: str | None) -> None:
    found = bound({**FORM, "guardian": "parent"}, **({"children": children} if children else {}))
    assert isinstance(found, GuardianConsentForm)
    asked = children is not None
    assert ("no guardian stands for more than 10 children" in found.sentence) is asked
    assert ("one guardian stands for more than 10 children" in found.undecided_because) is asked
