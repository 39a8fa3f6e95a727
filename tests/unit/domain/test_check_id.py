"""The id of a check is one for one, whatever PostgreSQL allows in a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy_audit.domain.check_id import CheckId, of_store

names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
"""PostgreSQL refuses nothing but the character of number 0."""


def quoted(name: str) -> str:
    plain = name.isascii() and name.replace("_", "a").isalnum()
    return name if plain else '"' + name.replace('"', '""') + '"'


def test_plain_names_stand_in_it_as_they_are() -> None:
    assert str(CheckId("app", "app.positions", "RET-3")) == "app/app.positions/RET-3"
    assert str(CheckId("app", "app.users", "RET-1", "connection_2")) == "app/app.users/RET-1/connection_2"
    assert of_store("web", "SEC-1") == "web/_store/SEC-1"
    assert of_store("privacy_audit", "META-5", "reports") == "privacy_audit/_store/META-5/reports"


@pytest.mark.parametrize(
    ("table", "written"),
    [
        ('"my schema"."my.table"', "my%20schema.my%2Etable"),
        ('public."a/b"', "public.a%2Fb"),
        ('public."say ""hello"""', "public.say%20%22hello%22"),
        ('"été".t', "%C3%A9t%C3%A9.t"),
        ('public."50%"', "public.50%25"),
    ],
)
def test_other_names_are_encoded(table: str, written: str) -> None:
    assert str(CheckId("app", table, "RET-3")) == f"app/{written}/RET-3"
    assert CheckId.parse(f"app/{written}/RET-3") == CheckId("app", table, "RET-3")


@given(store=names, schema=names, relation=names, control=names, qualifier=st.one_of(st.just(""), names))
def test_an_id_is_read_back_as_what_it_was_made_of(
    store: str, schema: str, relation: str, control: str, qualifier: str
) -> None:
    made = CheckId(store, f"{quoted(schema)}.{quoted(relation)}", control, qualifier)
    assert CheckId.parse(str(made)) == made
    assert str(made).isascii()
    assert str(made).count("/") == (3 if qualifier else 2)


@pytest.mark.parametrize("text", ["", "app", "app/app.users", "app//RET-3", "a/b/c/d/e", "/b/c"])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no check\. Write store/schema\.table/control"):
        CheckId.parse(text)
