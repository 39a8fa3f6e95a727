"""What hypothesis draws of a store's tables: what hangs together, what reads what, what is named as what; and a map."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from tests.unit.sql.catalog.stored import Column, Kind, Relation, Row, Stored, StoreMap, Tie

Draw = st.DrawFn
ID = Column("id", "integer")


@dataclass(frozen=True)
class Palette:
    """What a store is drawn from."""

    schemas: Sequence[str]
    names: Callable[[str], st.SearchStrategy[str]]
    """Names of relations, given one of another."""
    columns: st.SearchStrategy[Column]
    values: Mapping[str, Sequence[str]]
    """Type to texts that may stand in its columns. A type without any: its columns are empty."""
    looked_into: bool
    """Whether the auditor may be granted something: then nothing that is read may lie on another server."""


# Names ----------------------------------------------------------------------------------------------------------------

SUBJECTS = ("users", "users", "user", "tags", "positions", "user_roles", "Users")
BEFORE = ("old_", "bak", "copy_of_", "tmp_", "staging_", "hist_", "20240131_", "new_", "my_", "super", "_", "zz_")
AFTER = (
    "_old", "_bak", "_backups", "bak", "_copy", "_tmp", "_2024", "_20240131", "_y2024m01", "_7", "2", "_v2", "_new",
    "_history", "_test", "s", "_sessions", "_plan", "es", "_older", "_OLD", "_archive",
)  # fmt: skip
OTHERS = ("plans", "old", "temp", "geo_m7", "weather", "temperature")


@st.composite
def named_as_copies(draw: Draw, of: str) -> str:
    """Names of copies, most often of a relation, and names that only resemble them."""
    if draw(st.integers(0, 5)) == 0:
        return draw(st.sampled_from(OTHERS))
    before, after = (draw(st.lists(st.sampled_from(words), max_size=2)) for words in (BEFORE, AFTER))
    name = draw(st.sampled_from((*SUBJECTS, *[of] * len(SUBJECTS)))).join(("".join(before[:1]), "".join(after)))
    return draw(st.sampled_from((name, name, name, name.upper(), name.title())))


def spelled(words: Sequence[str], style: int) -> str:
    """Words as the name of a column, in one of the ways in which people write them."""
    capitals = [word.capitalize() for word in words]
    styles = (
        "_".join(words),
        "".join([words[0], *capitals[1:]]),
        "".join(capitals),
        "_".join(words).upper(),
        f"{'_'.join(words)}_2",
        "; ".join(capitals),
    )
    return styles[style % len(styles)]


# Columns --------------------------------------------------------------------------------------------------------------


@st.composite
def distinct_columns(draw: Draw, palette: Palette, least: int, most: int, taken: Sequence[Column] = ()) -> list[Column]:
    """Columns of different names, and of other names than those that are taken."""
    drawn = draw(st.lists(palette.columns, min_size=least, max_size=most))
    found = {column.name: column for column in drawn}
    return [column for name, column in found.items() if name not in {one.name for one in (*taken, ID)}]


@st.composite
def alike(draw: Draw, palette: Palette, base: Sequence[Column]) -> tuple[Column, ...]:
    """The columns of another relation, or nearly: some are missing, of another type, or more."""
    most = st.sampled_from((True, True, True, True, True, False))
    kept = [column for column in base if draw(most)]
    altered = [column if draw(most) else replace(column, type=draw(palette.columns).type) for column in kept]
    more = draw(distinct_columns(palette, 0, 2, base)) if draw(st.booleans()) else []
    return (*altered, *more) or (ID,)


# Relations ------------------------------------------------------------------------------------------------------------


@st.composite
def relations(draw: Draw, palette: Palette, most: int) -> tuple[Relation, ...]:
    """A table, a partitioned one, and up to so many beside them and upon them."""
    made: list[Relation] = []
    for number in range(1, 3 + draw(st.integers(most // 2, most))):
        kind = {1: Kind.TABLE, 2: Kind.PARTITIONED}.get(number)
        one = draw(tables(palette, number, kind) if kind else following(palette, number, made))
        if one and one.full not in {other.full for other in made}:
            made.append(draw(with_rows_and_rights(palette, one)))
    return tuple(made)


@st.composite
def tables(draw: Draw, palette: Palette, number: int, kind: Kind) -> Relation:
    """A relation of its own."""
    columns = draw(distinct_columns(palette, 2, 5))
    return _relation(draw, palette, number, kind, columns, SUBJECTS[number - 1])


@st.composite
def following(draw: Draw, palette: Palette, number: int, made: Sequence[Relation]) -> Relation | None:
    """One more relation, most often one that has to do with another; none where the other allows none."""
    base = draw(st.sampled_from((*made, *made[:2], *made[:2])))
    steps = {"like": 3, "upon": 2, "foreign": 1, **_that_hang(base)}
    step = draw(st.sampled_from([step for step, times in steps.items() for _ in range(times)]))
    if step == "part":
        return draw(parts(palette, number, made, base))
    if step == "child":
        more = draw(distinct_columns(palette, 0, 2, base.columns))
        child = _relation(draw, palette, number, Kind.TABLE, (), base.name)
        return replace(child, columns=(*base.columns, *more), parent=base, tie=Tie.CHILD)
    if step == "upon":
        kind = draw(st.sampled_from((Kind.COPY, Kind.COPY, Kind.VIEW)))
        chosen = draw(st.lists(st.sampled_from(base.columns), min_size=1, unique=True))
        return replace(_relation(draw, palette, number, kind, (), base.name), columns=tuple(chosen), reads=base)
    kind = Kind.FOREIGN if step == "foreign" else draw(st.sampled_from((Kind.TABLE, Kind.TABLE, Kind.PARTITIONED)))
    return _relation(draw, palette, number, kind, draw(alike(palette, base.columns)), base.name)


def _that_hang(base: Relation) -> dict[str, int]:
    """What may hang on a relation, and how often it is drawn."""
    if base.kind is Kind.PARTITIONED:
        return {"part": 8}
    return {"child": 4} if base.kind is Kind.TABLE and base.tie in (None, Tie.CHILD) else {}


@st.composite
def parts(draw: Draw, palette: Palette, number: int, made: Sequence[Relation], base: Relation) -> Relation:
    """A partition, or what was one."""
    ties = [Tie.PARTITION, Tie.PARTITION, Tie.DETACHED]
    if not _is_in_a_default_partition(base):
        # A partition that this transaction marks as being detached is in the tree of a default partition or not: that
        # hangs on what other transactions of the server do meanwhile. A mark of another transaction would not.
        ties += [Tie.DETACHING] * 2
    if not any(one.parent == base and one.tie is Tie.DEFAULT for one in made):
        ties += [Tie.DEFAULT] * 3
    kinds = [Kind.TABLE, Kind.TABLE, Kind.PARTITIONED, *([] if palette.looked_into else [Kind.FOREIGN])]
    part = _relation(draw, palette, number, draw(st.sampled_from(kinds)), (), base.name)
    name = draw(st.sampled_from((part.name, f"{base.name}_{number}", f"{base.name}_p{number}", f"geo_m{number}")))
    return replace(part, name=name, columns=base.columns, parent=base, tie=draw(st.sampled_from(ties)))


def _relation(draw: Draw, palette: Palette, number: int, kind: Kind, columns: Sequence[Column], of: str) -> Relation:
    """A relation, with a name like that of another or one of its own. What is partitioned has an `id`."""
    bare = tuple(column for column in columns if column.name != ID.name)
    with_id = (ID, *bare) if kind is Kind.PARTITIONED or len(bare) < len(columns) or not bare else bare
    return Relation(draw(st.sampled_from(palette.schemas)), draw(palette.names(of)), kind, with_id, number)


# Rows and rights ------------------------------------------------------------------------------------------------------


@st.composite
def with_rows_and_rights(draw: Draw, palette: Palette, relation: Relation) -> Relation:
    """The relation with what it holds and with what the auditor may read of it."""
    names = [column.name for column in relation.columns]
    whole = st.sampled_from((names, names, []))
    granted = draw(st.one_of(whole, whole, st.lists(st.sampled_from(names), unique=True)))
    may_be_filled = palette.looked_into and _can_be_read(relation.reads)
    return replace(
        relation,
        rows=draw(rows(palette, relation)),
        filled=relation.kind is not Kind.COPY or (may_be_filled and draw(st.booleans())),
        readable=frozenset(granted if palette.looked_into and relation.kind is not Kind.FOREIGN else ()),
        row_security=_is_stored(relation) and draw(st.integers(0, 9)) == 0,
    )


@st.composite
def rows(draw: Draw, palette: Palette, relation: Relation) -> tuple[Row, ...]:
    """Up to two rows, if any fits there."""
    if relation.kind is not Kind.TABLE or len(relation.ids) > 1 or _is_being_detached(relation):
        return ()
    fitting = str(*relation.ids or {-1})
    texts = {
        column: st.just(fitting) if column == ID else st.sampled_from((None, *palette.values.get(column.type, ())))
        for column in relation.columns
    }
    return tuple(draw(st.lists(st.tuples(*texts.values()), max_size=2)))


def _is_stored(relation: Relation) -> bool:
    return relation.kind in (Kind.TABLE, Kind.PARTITIONED)


def _is_in_a_default_partition(relation: Relation | None) -> bool:
    return relation is not None and (relation.tie is Tie.DEFAULT or _is_in_a_default_partition(relation.parent))


def _is_being_detached(relation: Relation) -> bool:
    return relation.tie is Tie.DETACHING or bool(relation.parent and _is_being_detached(relation.parent))


def _can_be_read(relation: Relation | None) -> bool:
    """Whether a statement that reads it goes well: nothing beneath it lies elsewhere, or was never filled."""
    if relation is None:
        return True
    return relation.filled and relation.kind is not Kind.FOREIGN and _can_be_read(relation.reads)


# The map --------------------------------------------------------------------------------------------------------------

CATEGORIES = ("professional_identity", "financial", "geolocation", "connection", "cookie")
_PLAIN = re.compile("[A-Za-z_][A-Za-z0-9_]*")


@st.composite
def maps(draw: Draw, made: Sequence[Relation]) -> StoreMap:
    """A map of some of the relations, and of one that is not there; and decisions upon some."""
    plain = [one for one in made if _PLAIN.fullmatch(one.schema) and _PLAIN.fullmatch(one.name)]
    gone = replace(made[0], schema="app", name="gone")
    drawn = st.sampled_from([*plain, *plain, *plain[:2] * 2, gone])
    chosen = draw(st.lists(drawn, min_size=1, max_size=4, unique=True))
    decided = draw(st.lists(st.sampled_from([*plain, gone]), max_size=3, unique=True))
    return StoreMap(
        tables=tuple((one.full, draw(known(one)) or frozenset({ID.name})) for one in chosen),
        not_personal=tuple((one.full, draw(known(one))) for one in decided),
        wholes=tuple((one.full, draw(categories())) for one in chosen if draw(st.integers(0, 3))),
    )


def categories() -> st.SearchStrategy[frozenset[str]]:
    """What the rows of a table are as a whole: data of one category or several."""
    return st.frozensets(st.sampled_from(CATEGORIES), min_size=1, max_size=3)


@st.composite
def known(draw: Draw, relation: Relation) -> frozenset[str]:
    """All of its columns, some of them, or none."""
    plain = [column.name for column in relation.columns if _PLAIN.fullmatch(column.name)]
    few = st.lists(st.sampled_from(plain), unique=True) if plain else st.just([])
    return frozenset(draw(st.one_of(st.just(plain), few, st.just([]))))


@st.composite
def stores(draw: Draw, palette: Palette, most: int) -> Stored:
    """A store, its map, and the schemas that the auditor may use."""
    made = draw(relations(palette, most))
    usable = [schema for schema in palette.schemas if draw(st.integers(0, 7))]
    return Stored(made, draw(maps(made)), frozenset(usable))


# Two palettes ---------------------------------------------------------------------------------------------------------

FEW_COLUMNS = ("email", "full_name", "born", "at", "lat", "Email")
FEW_TYPES = ("text", "varchar(40)", "date", "timestamptz", "bigint", "boolean", "text[]", "types.code")
WORDS = (
    "email", "mails", "phone", "birth", "iban", "ip", "lat", "user", "agent", "clients", "name", "comments", "token",
    "plan", "plan", "code", "code", "total", "total", "hotel", "description", "latest", "prénom", "téléphone", "card",
    "passport", "salary", "health", "cookies", "lat",
)  # fmt: skip
IN_TEXTS = ("blue", "1.2.3", "a@b.fr", "0612345678", "write to a@b.fr", "4111111111111111", "83.152.4.9", "user@host")
IN_LONG_TEXTS = (*IN_TEXTS, "FR76 3000 6000 0112 3456 7890 189", "FR76 3000 6000 0112 3456 7890 188", "255081416802538")
IN_NUMBERS = ("42", "4111111111111111", "4111111111111112", "255081416802538")
IN_SHORT_TEXTS = tuple(text for text in IN_TEXTS if len(text) <= 12)
VALUES = {
    "text": IN_LONG_TEXTS,
    "types.prose": IN_LONG_TEXTS,
    "varchar(99)": IN_LONG_TEXTS,
    "varchar(100)": IN_LONG_TEXTS,
    "types.email_address": IN_LONG_TEXTS,
    "types.code": IN_SHORT_TEXTS,
    "bigint": IN_NUMBERS,
    "numeric": IN_NUMBERS,
    "integer": ("7", "33"),
    "jsonb": ('{"colour": "blue"}', '{"who": ["a@b.fr"]}', '{"pan": 4111111111111111}'),
    "inet": ("83.152.4.9", "2001:db8::17"),
    "text[]": ("{x,y}", "{x,a@b.fr}", "{0612345678,a@b.fr}"),
    "varchar(20)[]": ("{x,y}", "{a@b.fr}"),
    "types.place": ("(1,blue)", "(1,a@b.fr)"),
    "bytea": ("a@b.fr",),
    "types.mood": ("fine",),
    "types.birth_date": ("2001-01-01",),
    "boolean": ("true",),
    "date": ("2024-01-01",),
    "point": ("(48.8,2.3)",),
}
"""Type to what may stand in its columns, for people and for nobody."""

COPIES = Palette(
    schemas=("app", "app", "app", "app", "crm", "backup", "Archive", "stg_crm", "tmp2", "oldies", "household"),
    names=named_as_copies,
    columns=st.builds(Column, st.sampled_from(FEW_COLUMNS), st.sampled_from(FEW_TYPES)),
    values={},
    looked_into=False,
)
"""Stores in which copies lie about."""

COLUMNS = Palette(
    schemas=("app", "app", "app", "crm", "My App", "data.v1"),
    names=lambda _: st.sampled_from(("users", "Users", "leads", "visits", "guests", "It's Us", "plans", "data.v2")),
    columns=st.builds(
        Column,
        st.builds(spelled, st.lists(st.sampled_from(WORDS), min_size=1, max_size=2), st.integers(0, 5)),
        st.sampled_from((*VALUES, *["varchar(100)"] * 3, *["point"] * 2)),
    ),
    values=VALUES,
    looked_into=True,
)
"""Stores with columns of which no map speaks."""
