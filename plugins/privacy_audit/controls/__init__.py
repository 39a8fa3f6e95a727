"""The control kinds, one file each. `kinds()` finds them: there is no list to keep."""

from __future__ import annotations

import inspect
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from privacy_audit.controls.base.interface import BindingError, IndexPlan, Rule

__all__ = ["BindingError", "IndexPlan", "Rule", "kinds"]


@cache
def kinds() -> dict[str, type[Rule]]:
    """Every control kind by its name. A file whose name is not its kind's name, and one that does not say all that
    a kind must, refuses to load."""
    found: dict[str, type[Rule]] = {}
    for module_info in iter_modules(__path__):
        if module_info.ispkg:
            continue
        module = import_module(f"{__name__}.{module_info.name}")
        rules = [
            value
            for value in vars(module).values()
            if inspect.isclass(value) and issubclass(value, Rule) and value.__module__ == module.__name__
        ]
        if [rule.kind for rule in rules] != [module_info.name]:
            raise ImportError(
                f"controls/{module_info.name}.py must define one Rule, and its kind must be the file's name"
            )
        if inspect.isabstract(rules[0]):
            lacking = ", ".join(sorted(rules[0].__abstractmethods__))
            raise ImportError(f"controls/{module_info.name}.py does not say {lacking}. See controls/base/interface.py.")
        found[rules[0].kind] = rules[0]
    return found
