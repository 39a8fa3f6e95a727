"""What the kinds over a company's registers share: one reads its control's parameters, finds its register, and says
what is broken in a row (`RegisterRowRule`), or in the register as a whole (`RegisterRule`). The rest is here.

A row of the register is out of scope when `only` or `in_force` surely leave it out, and undecidable when nobody can
tell whether they do and it may be in breach.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

import sqlalchemy as sa
from pydantic import AfterValidator, Field, ValidationError

from privacy_audit.config.map_fields import Line, MapPart, Name
from privacy_audit.config.map_registers import RegisterBinding
from privacy_audit.config.registers import COMPANY_REGISTERS, FieldType
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.interface import BindingError, Rule
from privacy_audit.domain.periods import Period
from privacy_audit.domain.promises import Control
from privacy_audit.selftest.case import OWN, SelfTestCase
from privacy_audit.selftest.register_cases import RegisterCase, Selector, in_scope, on_edges, self_test_cases_of
from privacy_audit.sql.evaluation_context import AnyNeed, EvaluationContext, Predicate, never, no, no_day, unknown
from privacy_audit.sql.register_rows import (
    LINE,
    Answer,
    InForceFields,
    Only,
    RegisterSql,
    columns_of,
    every,
    needs_of_records,
    planted,
)
from privacy_audit.sql.row_predicates import RowPredicates

PeriodText = Annotated[str, AfterValidator(lambda text: str(Period.parse(text)))]
"""A calendar period as `Period` reads and writes it."""


class RegisterParams(MapPart):
    """The parameters of a control over a register. Each kind adds its own."""

    register_: Name = Field(alias="register")
    """The company's register whose rows are judged (`config/registers.py`)."""
    only: Only = {}
    """Which of its rows are meant."""
    in_force: InForceFields | None = None
    """Fields between which a row holds: rows that do not hold at T are out of scope."""

    def fields(self) -> Iterator[str]:
        """The fields of the register that are read. A kind adds those of its own."""
        yield from self.only
        if self.in_force:
            yield from (self.in_force.from_, self.in_force.to)

    def moments(self) -> Iterator[str]:
        """Those of its fields that must tell a moment. A kind adds its own."""
        if self.in_force:
            yield from (self.in_force.from_, self.in_force.to)

    def joined_moments(self) -> Iterator[tuple[str, str]]:
        """Other registers, and those of their fields that must tell a moment."""
        return iter(())

    def key(self, records: RegisterBinding) -> tuple[str, ...]:
        """The columns that tell apart what is judged: rows of the register, unless a kind judges more than a row."""
        return records.key or (LINE,)

    def joined(self) -> Mapping[str, Sequence[str]]:
        """Other registers that rows are held against, with the fields that are read of them."""
        return {}


@dataclass(frozen=True)
class RegisterBreach:
    """What a kind says of the rows of its register, whatever their scope."""

    broken: Answer
    """Null where nobody can tell."""
    moment: sa.ColumnElement[Any] | None = None
    """The row's clock as `timestamptz`, where it has one."""
    began: sa.ColumnElement[Any] | None = None
    """First civil day on which a broken row was in breach, where that can be told."""
    joins: tuple[tuple[sa.FromClause, Predicate], ...] = ()
    """Relations joined from the left; none of them multiplies rows."""


class RegisterRule(Rule):
    """A control over a register of the company. One that judges more than a row says so in `rows` and `judge`."""

    asked: ClassVar[type[RegisterParams]] = RegisterParams
    """The type of its parameters."""
    company_wide: ClassVar[bool] = True

    promise: Line
    """What is promised, as the control's title says it."""
    how: str
    """How to close a finding."""
    records: RegisterBinding
    joined: dict[Name, RegisterBinding] = {}
    """The other registers it reads, by their names."""
    asks: RegisterParams
    """The control's parameters; each kind narrows their type to its own, and they are what a control may say."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        annotation = cls.model_fields["asks"].annotation
        cls.asked = (
            annotation if isinstance(annotation, type) and issubclass(annotation, RegisterParams) else RegisterParams
        )
        named = {field.alias or name: field.is_required() for name, field in cls.asked.model_fields.items()}
        cls.parameters = frozenset(name for name, required in named.items() if required) | {"register"}
        cls.optional_parameters = frozenset(named) - cls.parameters

    @classmethod
    def faults(cls, parameters: Mapping[str, Any], /) -> Iterator[tuple[tuple[str | int, ...], str]]:
        try:
            asks = cls.asked.model_validate(parameters)
        except ValidationError as error:
            for fault in error.errors():
                yield fault["loc"], f"{fault['msg']}."
            return
        for register, fields in ((asks.register_, tuple(asks.fields())), *asks.joined().items()):
            if register not in COMPANY_REGISTERS:
                yield ("register",), f'there is no register "{register}". There are: {", ".join(COMPANY_REGISTERS)}.'
                continue
            for field in fields:
                if field not in COMPANY_REGISTERS[register].fields:
                    known = ", ".join(COMPANY_REGISTERS[register].fields)
                    yield ("register",), f'the register {register} has no field "{field}". It has: {known}.'
        for register, field in (*((asks.register_, own) for own in asks.moments()), *asks.joined_moments()):
            fields_of = COMPANY_REGISTERS[register].fields if register in COMPANY_REGISTERS else {}
            if fields_of.get(field, FieldType.MOMENT) is not FieldType.MOMENT:
                telling = ", ".join(name for name, kind in fields_of.items() if kind is FieldType.MOMENT)
                yield ("register",), f"{field} tells no moment. Of {register} these fields do: {telling}."

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | BindingError]:
        asks = cls.asked.model_validate(control.parameters)
        records = store.registers.records(asks.register_)
        if records is None:
            return
        joined = {name: store.registers.records(name) for name in asks.joined()}
        lacks = [*_lacking(asks.register_, records, asks.fields())]
        for name, fields in asks.joined().items():
            lacks += _lacking(name, joined[name], fields)
        if lacks:
            yield BindingError(f"{control.id}: {'; '.join(lacks)}")
            return
        yield cls(
            table=records.name,
            title=records.title or COMPANY_REGISTERS[asks.register_].title,
            key=asks.key(records),
            zone=zone,
            no_data_before=store.no_data_before,
            may_be_empty=records.may_be_empty,
            promise=control.title,
            how=control.fix
            or "Complete the register where it is incomplete. Else do what was promised, and record it.",
            records=records,
            joined={name: other for name, other in joined.items() if other is not None},
            asks=asks,
        )

    @abstractmethod
    def entries(self, meant: Selector) -> Iterator[RegisterCase]:
        """Rows of the register with what must be said of them where they are meant; one at least is in breach."""

    def self_test_cases(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        meant = self._meant(context)
        yield from self_test_cases_of(self.entries(meant), meant, self.joined)

    def _meant(self, context: EvaluationContext) -> Selector:
        return Selector(self.asks.register_, self.records, self.asks.only, self.asks.in_force, context)

    @property
    def avoided(self) -> Only:
        """What makes a row compliant whatever else it says: self-test cases do not say it unless they mean it."""
        return {}

    @property
    def in_store(self) -> bool:
        return self.records.table is not None

    @property
    def sentence(self) -> str:
        begins_with_name = any(char.isupper() for char in self.promise[1:].split(" ")[0])
        promise = self.promise if begins_with_name else self.promise[:1].lower() + self.promise[1:]
        return f"{self.title}: {promise}."

    @property
    def fix(self) -> str:
        return self.how

    def remedy(self) -> None:
        """What a register says is mended by people: they do what was promised, or write down that they did."""

    def columns(self) -> Sequence[str]:
        return columns_of(self.records, tuple(self._fields()))

    def needs(self) -> Iterator[AnyNeed]:
        asks = self.asks
        yield from needs_of_records(asks.register_, self.records, tuple(self._fields()))
        for name, fields in asks.joined().items():
            yield from needs_of_records(name, self.joined[name], tuple(fields))

    def context(self, as_of: Any) -> EvaluationContext:
        return self.with_files(super().context(as_of))

    def with_files(self, context: EvaluationContext) -> EvaluationContext:
        """The evaluation context in which the registers that are files are relations too."""
        files = planted(self.asks.register_, self.records)
        for name, records in self.joined.items():
            files |= planted(name, records)
        return EvaluationContext(
            context.as_of, context.zone_name, context.no_data_before, context.holds_of, {**files, **context.planted}
        )

    def _fields(self) -> Iterator[str]:
        yield from self.asks.fields()


class RegisterRowRule(RegisterRule):
    """A control over each row of a register."""

    @abstractmethod
    def breach(self, records: RegisterSql) -> RegisterBreach:
        """What is broken in a row of the register."""

    def scope(self, records: RegisterSql) -> Sequence[Answer]:
        """What else leaves rows out, beside `only` and `in_force`."""
        return ()

    def self_test_cases(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        meant = self._meant(context)
        known = COMPANY_REGISTERS[meant.register].fields
        persons = dict.fromkeys((name for name in self._fields() if known[name] is FieldType.PERSON), OWN)
        base = {**persons, **meant.base(self.avoided)}
        entries = list(self.entries(meant))
        if all(other.name != self.records.name for other in self.joined.values()):  # else a row may count for itself
            entries = list(on_edges(entries, meant))
        yield from self_test_cases_of((in_scope(entry, meant, base) for entry in entries), meant, self.joined)

    def evaluate(self, row: sa.FromClause, context: EvaluationContext) -> RowPredicates:
        records, asks = RegisterSql(self.records, row, context), self.asks
        found = self.breach(records)
        broken = found.broken
        others = self.scope(records)
        everywhere = not (asks.only or asks.in_force or others)
        scope = every([records.meant(asks.only), records.in_force(asks.in_force), *others])
        return RowPredicates(
            row=row,
            out_of_scope=never() if everywhere else no(scope),
            undecidable=never() if everywhere else sa.and_(unknown(scope), sa.not_(no(broken))),
            violating=found.broken,
            moment=sa.cast(sa.null(), sa.DateTime(timezone=True)) if found.moment is None else found.moment,
            breach_began=no_day() if found.began is None else found.began,
            subject=self._person(row),
            joins=found.joins,
        )

    def _fields(self) -> Iterator[str]:
        yield from super()._fields()
        yield from self._person_field()

    def _person_field(self) -> Iterator[str]:
        known = COMPANY_REGISTERS[self.asks.register_].fields
        yield from (field for field in self.records.fields if known[field] is FieldType.PERSON)

    def _person(self, row: sa.FromClause) -> sa.ColumnElement[Any]:
        field = next(self._person_field(), None)
        return sa.null() if field is None else row.c[self.records.fields[field].column]


def _kind_of(register: str, field: str) -> FieldType | None:
    """What a field is; None where there is no such register or field."""
    return COMPANY_REGISTERS[register].fields.get(field) if register in COMPANY_REGISTERS else None


def _lacking(register: str, records: RegisterBinding | None, fields: Iterator[str] | Sequence[str]) -> list[str]:
    if records is None:
        return [f"it needs the register `{register}`, which this store map does not bind (a file can be bound as well)"]
    missing = [field for field in dict.fromkeys(fields) if field not in records.fields]
    where = records.file or records.table
    return [f"register {register} ({where}) does not say which column is `{field}`" for field in missing]
