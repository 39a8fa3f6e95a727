"""A small format with every shape a policy or store map may have: enums, bounds, unions, dictionaries, own rules."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Kind(StrEnum):
    SAIL = "sail"
    MOTOR = "motor"


def _one_word(name: str) -> str:
    if " " in name:
        raise ValueError(f'"{name}" is not one word. Leave out the spaces.')
    return name


class Boat(Strict):
    length: int = Field(gt=0, le=400)
    kind: Kind
    sold: bool = False
    sails: int | None = None

    @model_validator(mode="after")
    def _motor_boats_have_no_sails(self) -> Boat:
        if self.kind is Kind.MOTOR and self.sails:
            raise ValueError("A motor boat has no sails. Leave out `sails`.")
        return self


class ByNumber(Strict):
    by: Literal["number"]
    number: int


class ByName(Strict):
    by: Literal["name"]
    name: str


class Steady(Strict):
    colour: Literal["red", "green"]


class Blinking(Strict):
    pattern: tuple[Literal["long", "short"], ...]


def _light(value: Any) -> str:
    return "pattern" if isinstance(value, dict) and "pattern" in value else "colour"


Light = Annotated[
    Annotated[Steady, Tag("colour")] | Annotated[Blinking, Tag("pattern")],
    Discriminator(_light),
]
"""Its tags are also names of fields: a place must not be lost between the two."""


class Harbour(Strict):
    name: str = Field(min_length=1)
    boats: dict[Annotated[str, AfterValidator(_one_word)], Boat]
    opened: date | None = None
    berths: tuple[Annotated[ByNumber | ByName, Field(discriminator="by")], ...] | None = Field(None, min_length=1)
    lights: tuple[Light, ...] = ()
    prices: dict[Kind, int] = {}
    label: str | int | bool = ""
    open_in: tuple[str, ...] = Field((), alias="in")
