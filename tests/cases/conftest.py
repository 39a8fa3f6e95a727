"""What the case tests share with the tests of the catalog."""

from __future__ import annotations

from tests.unit.sql.catalog.conftest import engine as engine
