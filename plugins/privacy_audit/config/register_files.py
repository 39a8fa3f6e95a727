"""Registers that a company keeps as files: `expectations/registers/*.csv` and `*.yaml`, held against their kind.

A sheet's first line names the fields; a YAML file has the list `rows`. Days are written 2026-11-24, moments
2026-11-24T10:00:00+01:00, flags yes or no. A column holds days or moments, never both. All mistakes are told at once.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from privacy_audit.config.map_clocks import ColumnClock, Encoding
from privacy_audit.config.map_fields import MapPart
from privacy_audit.config.map_registers import RegisterBinding
from privacy_audit.config.registers import COMPANY_REGISTERS, FieldType
from privacy_audit.config.store_map import StoreMap
from privacy_audit.config.yaml import documents
from privacy_audit.domain.errors import ConfigurationRefusedError, Mistake, did_you_mean

FOLDER = "registers"
_FLAGS = {"yes": "true", "true": "true", "no": "false", "false": "false"}


class _RowsFile(MapPart):
    """A register as YAML."""

    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A file as texts, with the place of each row."""

    name: str
    fields: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    places: tuple[str, ...]


def with_files(store: StoreMap, expectations: Path) -> StoreMap:
    """The map with what its register files say; ConfigurationRefusedError with every mistake of every file."""
    found: dict[str, RegisterBinding] = {}
    mistakes: list[Mistake] = []
    for name in COMPANY_REGISTERS:
        records = store.registers.records(name)
        if records is None or records.file is None:
            continue
        try:
            found[name] = _read(name, records, expectations)
        except ConfigurationRefusedError as error:
            mistakes += error.mistakes
    if mistakes:
        raise ConfigurationRefusedError(mistakes)
    return store.model_copy(update={"registers": store.registers.model_copy(update=found)}) if found else store


def _read(register: str, records: RegisterBinding, expectations: Path) -> RegisterBinding:
    path = expectations / FOLDER / (records.file or "")
    sheet = _csv(path, expectations.parent) if path.suffix == ".csv" else _yaml(path, expectations.parent)
    known = COMPANY_REGISTERS[register].fields
    mistakes = [
        Mistake(f"{sheet.name}:1", f'the register {register} has no field "{field[:80]}".', did_you_mean(field, known))
        for field in sheet.fields
        if field not in known
    ]
    mistakes += [
        Mistake(f"{sheet.name}:1", f'the field "{field[:80]}" stands there twice.', "A field is one column.")
        for number, field in enumerate(sheet.fields)
        if field in sheet.fields[:number]
    ]
    if mistakes:
        raise ConfigurationRefusedError(mistakes)
    columns = {field: list(_column(sheet, number, known[field])) for number, field in enumerate(sheet.fields)}
    faults = [fault for column in columns.values() for fault in column if isinstance(fault, Mistake)]
    faults += [
        fault
        for field in sheet.fields
        if known[field] is FieldType.MOMENT
        for fault in _mixed(sheet, field, columns[field])
    ]
    if faults:
        raise ConfigurationRefusedError(faults)
    texts = [[text for text in column if not isinstance(text, Mistake)] for column in columns.values()]
    return records.model_copy(
        update={
            "fields": {field: _clock(field, known[field], texts[number]) for number, field in enumerate(sheet.fields)},
            "line_fields": sheet.fields,
            "lines": tuple(zip(*texts, strict=True)) if sheet.rows else (),
        }
    )


def _csv(path: Path, root: Path) -> _Sheet:
    name = documents.name_of(path, root)
    text = documents.decode(documents.read_bytes(path, root=root), name)
    try:
        lines = [line for line in csv.reader(io.StringIO(text), strict=True) if any(cell.strip() for cell in line)]
    except csv.Error as error:
        raise ConfigurationRefusedError(
            [Mistake(name, f"is no sheet: {error}.", "Save it as CSV with commas.")]
        ) from None
    if not lines:
        raise ConfigurationRefusedError([Mistake(name, "is empty.", "Its first line names the fields.")])
    fields = tuple(cell.strip() for cell in lines[0])
    short = [
        Mistake(f"{name}:{number}", f"has {len(line)} cells, and the first line names {len(fields)} fields.")
        for number, line in enumerate(lines[1:], start=2)
        if len(line) != len(fields)
    ]
    if short:
        raise ConfigurationRefusedError(short)
    rows = tuple(tuple(cell.strip() or None for cell in line) for line in lines[1:])
    return _Sheet(name, fields, rows, tuple(f"{name}:{number}" for number in range(2, len(lines) + 1)))


def _yaml(path: Path, root: Path) -> _Sheet:
    parsed = documents.read(path, _RowsFile, root=root)
    fields = tuple(dict.fromkeys(field for row in parsed.value.rows for field in row))
    rows = tuple(tuple(_text(row.get(field)) for field in fields) for row in parsed.value.rows)
    places = tuple(parsed.document.place("rows", number) for number in range(len(rows)))
    return _Sheet(parsed.document.name, fields, rows, places)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (value.isoformat() if isinstance(value, date) else str(value)).strip() or None


def _column(sheet: _Sheet, number: int, kind: FieldType) -> Iterator[str | Mistake | None]:
    """The cells of a column as the server reads them, or what is wrong with one. A cell's words are never repeated."""
    for row, place in zip(sheet.rows, sheet.places, strict=True):
        text = row[number]
        read = text if text is None else _READ[kind](text)
        if text is not None and read is None:
            yield Mistake(place, f"{sheet.fields[number]} is no {_WORDS[kind]}.", _EXAMPLES[kind])
        else:
            yield read


def _mixed(sheet: _Sheet, field: str, cells: Sequence[str | Mistake | None]) -> Iterator[Mistake]:
    texts = [cell for cell in cells if isinstance(cell, str)]
    if len({_is_day(text) for text in texts}) > 1:
        fact = f"{field} holds days in some rows and moments in others."
        yield Mistake(f"{sheet.name}:1", fact, "Write all of them in one way.")


def _clock(field: str, kind: FieldType, cells: Sequence[str | None]) -> ColumnClock:
    days = all(_is_day(cell) for cell in cells if cell)
    encoding = Encoding.DATE if kind is FieldType.MOMENT and days else Encoding.TIMESTAMPTZ
    return ColumnClock(column=field, encoding=encoding)


def _is_day(text: str) -> bool:
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text))


def _moment(text: str) -> str | None:
    try:
        if _is_day(text):
            return date.fromisoformat(text).isoformat()
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.isoformat() if moment.tzinfo else None


def _number(text: str) -> str | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return text if number.is_finite() else None


_READ: Mapping[FieldType, Callable[[str], str | None]] = {
    FieldType.TEXT: str,
    FieldType.PERSON: str,
    FieldType.MOMENT: _moment,
    FieldType.NUMBER: _number,
    FieldType.FLAG: lambda text: _FLAGS.get(text.lower()),
}
_WORDS = {FieldType.MOMENT: "day or moment", FieldType.NUMBER: "number", FieldType.FLAG: "flag"}
_EXAMPLES = {
    FieldType.MOMENT: "Write it as 2026-11-24, or as 2026-11-24T10:00:00+01:00.",
    FieldType.NUMBER: "Write it as 12 or 12.5.",
    FieldType.FLAG: "Write yes or no.",
}
