"""Mutation of a rule's SQL: a compiler that writes one expression otherwise, one at a time.

A mutant is what a slip would make of a rule: a comparison that takes its limit in or leaves it out, an AND for an OR, a
condition forgotten, an unknown taken for a yes, a day too many. One expression of the source is one place, however
often the statement repeats it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import (
    AsBoolean,
    BinaryExpression,
    BindParameter,
    BooleanClauseList,
    False_,
    Grouping,
    Null,
    True_,
)

from privacy_audit.controls import Rule
from privacy_audit.engine.self_test import self_test_cases_of, self_test_context, statements
from privacy_audit.sql.inline_relation import InlineRelation

Write = Callable[[], str]
"""Writes an expression in another way."""
Variants = dict[str, Write]
"""What a slip would make of an expression, by its name."""
States = list[tuple[int, int]]
"""The number of each self-test case and its state, in order."""

BATCH = 40
"""Mutants of one statement."""


@dataclass(frozen=True)
class Mutant:
    """A statement in which one expression is written otherwise."""

    place: str
    """The expression as it should be."""
    slip: str
    """What became of it."""
    sql: str

    @property
    def name(self) -> str:
        """As one line, without what differs from run to run."""
        return re.sub(r"\s+", " ", f"{self.slip}: {self.place}")


@dataclass
class _Plan:
    """Which expression is written otherwise, or, without one, what could be."""

    target: int | None = None
    slip: str = ""
    found: dict[tuple[int, str], str] = field(default_factory=dict)
    kept: list[Any] = field(default_factory=list)
    """The expressions themselves, so that no other gets their identity."""
    spared: set[int] = field(default_factory=set)


_FLIPS: Mapping[Any, Sequence[tuple[str, Any]]] = {
    operators.lt: (("< to <=", operators.le), ("< to >=", operators.ge)),
    operators.le: (("<= to <", operators.lt), ("<= to >", operators.gt)),
    operators.gt: (("> to >=", operators.ge), ("> to <=", operators.le)),
    operators.ge: ((">= to >", operators.gt), (">= to <", operators.lt)),
    operators.eq: (("= to <>", operators.ne),),
    operators.ne: (("<> to =", operators.eq),),
    operators.is_: (("IS to IS NOT", operators.is_not),),
    operators.is_not: (("IS NOT to IS", operators.is_),),
    operators.in_op: (("IN to NOT IN", operators.not_in_op),),
    operators.not_in_op: (("NOT IN to IN", operators.in_op),),
}
_SWAPPED = {"min": "max", "max": "min", "bool_or": "bool_and", "bool_and": "bool_or", "greatest": "least",
            "least": "greatest"}  # fmt: skip
_DROPPED = ("coalesce", "lower", "btrim", "nullif")
"""Functions that are left out: of what they are given only the first is taken."""


class _Compiler(postgresql.dialect.statement_compiler):  # type: ignore[misc]
    """Writes SQL as PostgreSQL's compiler does, but for the expression that the plan names."""

    @property
    def _plan(self) -> _Plan:
        plan: _Plan = self.dialect.plan
        return plan

    def _written(self, element: Any, right: Write, variants: Variants) -> str:
        plan = self._plan
        if id(element) in plan.spared:
            return right()
        if plan.target == id(element) and plan.slip in variants:
            return variants[plan.slip]()
        text = right()
        if plan.target is None:
            plan.kept.append(element)
            for slip in variants:
                plan.found.setdefault((id(element), slip), text)
        return text

    def visit_binary(self, binary: Any, *args: Any, **kw: Any) -> str:
        """A comparison: its operator otherwise, one of two limits forgotten, an unknown taken for a yes or a no."""
        write = super().visit_binary

        def other(**changes: Any) -> Write:
            copy = binary._clone()
            for name, value in changes.items():
                setattr(copy, name, value)
            return lambda: str(write(copy, *args, **kw))

        right = binary.right
        if isinstance(right, True_ | False_ | Null):  # written as it stands: the constant is no place of its own
            right = sa.literal_column({True_: "true", False_: "false", Null: "NULL"}[type(binary.right)])
        variants = {slip: other(operator=flipped, right=right) for slip, flipped in _FLIPS.get(binary.operator, ())}
        asks = binary.operator in (operators.is_, operators.is_not) and isinstance(binary.right, True_ | False_)
        if asks and not _is_never_null(binary.left):
            flipped = operators.is_not if binary.operator is operators.is_ else operators.is_
            opposite = sa.literal_column("false" if isinstance(binary.right, True_) else "true")
            variants["unknown taken otherwise"] = other(operator=flipped, right=opposite)
        if binary.operator is operators.between_op:
            low, high = binary.right.clauses
            self._plan.spared.add(id(binary.right))
            variants["only from"] = other(operator=operators.ge, right=low)
            variants["only to"] = other(operator=operators.le, right=high)
        return self._written(binary, other(right=right), variants)

    def visit_expression_clauselist(self, clauselist: Any, **kw: Any) -> str:
        """AND and OR: the one for the other, and each operand forgotten."""
        write = super().visit_expression_clauselist
        variants: Variants = {}
        if clauselist.operator in (operators.and_, operators.or_):
            flip = operators.or_ if clauselist.operator is operators.and_ else operators.and_

            def other(clauses: Sequence[Any], joined: Any = clauselist.operator) -> Write:
                # In brackets, for an OR that was an AND binds otherwise.
                return lambda: f" {joined.__name__.strip('_').upper()} ".join(
                    f"({self.process(clause, **kw)})" for clause in clauses
                ).join("()")

            nothing = clauselist.operator is operators.and_
            clauses = [clause for clause in clauselist.clauses if _constant(clause) is not nothing]
            if len(clauses) > 1:
                variants["AND to OR" if flip is operators.or_ else "OR to AND"] = other(clauses, flip)
            # Beside what is always so whatever else is asked changes nothing.
            idle = any(_constant(clause) is (not nothing) for clause in clauses)
            for place in () if idle else range(len(clauses)):
                variants[f"without operand {place + 1}"] = other(clauses[:place] + clauses[place + 1 :])
        return self._written(clauselist, lambda: str(write(clauselist, **kw)), variants)

    def visit_unary(self, unary: Any, **kw: Any) -> str:
        """NOT forgotten."""
        write = super().visit_unary
        negates = unary.operator is operators.inv
        variants: Variants = {"without NOT": lambda: f"({self.process(unary.element, **kw)})"} if negates else {}
        return self._written(unary, lambda: str(write(unary, **kw)), variants)

    def visit_case(self, clause: Any, **kw: Any) -> str:
        """Each branch forgotten, and what is said otherwise."""
        write = super().visit_case
        whens = list(clause.whens)

        def other(whens: Sequence[Any], else_: Any) -> Write:
            return lambda: str(self.process(sa.case(*whens, else_=else_), **kw)) if whens else (
                "NULL" if else_ is None else str(self.process(else_, **kw)))  # fmt: skip

        numbers = [result for _, result in whens if isinstance(result, BindParameter) and isinstance(result.value, int)]
        if len(numbers) == len(whens):  # the States themselves
            self._plan.spared |= {id(clause), *map(id, numbers), id(clause.else_)}
        variants: Variants = {}
        for place, (condition, result) in enumerate(whens):
            before, following = whens[:place], whens[place + 1 :]
            variants[f"without branch {place + 1}"] = other(before + following, clause.else_)
            for name, said in _otherwise(result):
                variants[f"branch {place + 1} says {name}"] = other(
                    [*before, (condition, said), *following], clause.else_
                )
        for name, said in _otherwise(clause.else_):
            variants[f"ELSE says {name}"] = other(whens, said)
        if clause.else_ is not None and not isinstance(clause.else_, Null):
            variants["without ELSE"] = other(whens, None)
        return self._written(clause, lambda: str(write(clause, **kw)), variants)

    def visit_function(self, func: Any, add_to_result_map: Any = None, **kw: Any) -> str:
        """The least for the most, what is done to a text forgotten, a period a day longer."""
        write = super().visit_function

        def right() -> str:
            return str(write(func, add_to_result_map, **kw))

        variants: Variants = {}
        if func.name in _SWAPPED:
            variants[f"{func.name} to {_SWAPPED[func.name]}"] = lambda: right().replace(
                f"{func.name}(", f"{_SWAPPED[func.name]}(", 1
            )
        arguments = list(func.clauses)
        as_it_is = isinstance(arguments[0], BindParameter) if arguments else False  # a word in small letters already
        if func.name in _DROPPED and not as_it_is:
            variants[f"without {func.name}"] = lambda: str(self.process(next(iter(func.clauses)), **kw))
        if func.name == "make_interval":
            for days in (1, -1):
                variants[f"{days:+} day"] = lambda days=days: f"({right()} + interval '{days} day')"  # type: ignore[misc]
        return self._written(func, right, variants)

    def visit_bindparam(self, bindparam: Any, **kw: Any) -> str:
        """A day, or a moment, a day later or earlier; a year likewise."""
        write, value = super().visit_bindparam, bindparam.value

        def other(shifted: Any) -> Write:
            return lambda: str(write(sa.literal(shifted, bindparam.type), **kw))

        steps: dict[str, Any] = {}
        if isinstance(value, date):
            steps = {f"{days:+} day": value + timedelta(days=days) for days in (1, -1)}
        elif isinstance(value, int) and not isinstance(value, bool) and 1900 < value < 2200:
            steps = {f"{years:+} year": value + years for years in (1, -1)}
        elif isinstance(value, int) and not isinstance(value, bool) and value > 10**8:
            day = 86_400 * (1000 if value > 10**11 else 1)
            steps = {"+1 day": value + day, "-1 day": value - day}
        variants = {slip: other(shifted) for slip, shifted in steps.items()}
        return self._written(bindparam, lambda: str(write(bindparam, **kw)), variants)


def _constant(element: Any) -> bool | None:
    """What an expression always says; None where that depends."""
    if isinstance(element, True_ | False_):
        return isinstance(element, True_)
    if isinstance(element, Grouping):
        return _constant(element.element)
    if isinstance(element, AsBoolean):
        told = _constant(element.element)
        return told if told is None else told is (element.operator is operators.is_true)
    if isinstance(element, BinaryExpression) and element.operator is operators.is_:
        one, other = _constant(element.left), _constant(element.right)
        return None if None in (one, other) else one is other
    return None


def _is_never_null(element: Any) -> bool:
    """Whether its form alone shows that an expression is true or false: then an unknown cannot be mistaken."""
    match element:
        case True_() | False_():
            return True
        case Grouping() | AsBoolean():
            return _is_never_null(element.element)
        case sa.UnaryExpression(operator=operators.inv):
            return _is_never_null(element.element)
        case BinaryExpression():
            return element.operator in (operators.is_, operators.is_not)
        case BooleanClauseList():
            return all(_is_never_null(clause) for clause in element.clauses)
    return False


def _otherwise(said: Any) -> Iterator[tuple[str, Any]]:
    """The two other answers to a question, for one that is given as such."""
    answers = {"true": (True_, sa.true()), "false": (False_, sa.false()), "null": (Null, sa.null())}
    if isinstance(said, True_ | False_ | Null):
        yield from ((name, other) for name, (kind, other) in answers.items() if not isinstance(said, kind))


def mutants(statement: sa.Select[Any]) -> Iterator[Mutant]:
    """All mutants of a statement, in the order of the text. AssertionError when one cannot be told by its place."""
    dialect: Any = postgresql.dialect()
    dialect.statement_compiler = _Compiler
    found = _Plan()
    right = _compiled(statement, dialect, found)
    for (element, slip), place in found.found.items():
        sql = _compiled(statement, dialect, _Plan(element, slip))
        assert sql != right, f"{slip}: {place}"
        yield Mutant(place, slip, sql)


def _compiled(statement: sa.Select[Any], dialect: Any, plan: _Plan) -> str:
    dialect.plan = plan
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def survivors(connection: sa.Connection, right: States, made: Sequence[Mutant]) -> Iterator[Mutant]:
    """Mutants that say of each self-test case what the rule says. One that the server refuses is dead."""
    for start in range(0, len(made), BATCH):
        yield from _surviving(connection, right, made[start : start + BATCH])


def _surviving(connection: sa.Connection, right: States, made: Sequence[Mutant]) -> Iterator[Mutant]:
    each = (f"SELECT {place} AS mutant, m.number, m.state FROM ({mutant.sql}) m" for place, mutant in enumerate(made))
    said: dict[int, States] = {place: [] for place in range(len(made))}
    try:
        with connection.begin_nested():
            rows = connection.exec_driver_sql(" UNION ALL ".join(each).replace("%", "%%")).all()
    except sa.exc.DBAPIError:
        if len(made) > 1:
            for half in (made[: len(made) // 2], made[len(made) // 2 :]):
                yield from _surviving(connection, right, half)
        return
    for place, number, state in rows:
        said[place].append((number, state))
    yield from (mutant for place, mutant in enumerate(made) if sorted(said[place], key=str) == right)


class Standing:
    """Planted relations as temporary tables, so that thousands of statements need not carry their rows."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._send = InlineRelation.relation
        self._count = 0

    @contextmanager
    def stand(self) -> Iterator[None]:
        """Statements that are made inside read these tables. The relations of a world are made once."""
        made: dict[int, tuple[InlineRelation, str]] = {}

        def relation(planted: InlineRelation, names: tuple[str, ...], alias: str) -> sa.FromClause:
            if id(planted) not in made:
                made[id(planted)] = (planted, self._made(planted))
            chosen = (sa.column(name, planted.columns[name]) for name in names)
            return sa.table(made[id(planted)][1], *chosen).alias(alias)

        with patch.object(InlineRelation, "relation", relation):
            yield

    def _made(self, planted: InlineRelation) -> str:
        self._count += 1
        name = f"standing_{self._count}"
        rows = sa.select(self._send(planted, tuple(planted.columns), "sent"))
        sql = rows.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
        self._connection.exec_driver_sql(f"CREATE TEMP TABLE {name} AS {sql}".replace("%", "%%"))
        return name


def mutants_of(connection: sa.Connection, rule: Rule, as_of: datetime) -> tuple[States, list[Mutant]]:
    """What a rule says of its self-test cases, and its mutants over them.

    Where some self-test cases stand in worlds of their own, the statements differ in their tables only, and all get one
    slip.
    """
    context = self_test_context(rule, as_of)
    connection.exec_driver_sql("SET jit = off")  # each statement runs once: compiling it would take longer
    with Standing(connection).stand():
        made = statements(rule, self_test_cases_of(rule, context), context)
    right = [tuple(row) for statement in made for row in connection.execute(statement)]
    first, *others = (_tables(str(statement.compile(dialect=postgresql.dialect()))) for statement in made)
    elsewhere = [dict(zip(first, tables, strict=True)) for tables in others]

    def everywhere(sql: str) -> str:
        return " UNION ALL ".join([f"({sql})", *(f"({_moved(sql, tables)})" for tables in elsewhere)])

    return sorted(right, key=str), [replace(mutant, sql=everywhere(mutant.sql)) for mutant in mutants(made[0])]


def _tables(sql: str) -> list[str]:
    """The standing tables of a statement in the order in which it names them."""
    return list(dict.fromkeys(re.findall(r"standing_\d+", sql)))


def _moved(sql: str, tables: Mapping[str, str]) -> str:
    return re.sub(r"standing_\d+", lambda found: tables[found[0]], sql)
