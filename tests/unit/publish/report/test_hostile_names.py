"""Names are text: whatever they hold, no format runs it, opens it, hides with it or breaks on it."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy_audit.publish.report import canonical_json, findings_csv, findings_json, html_report, interface
from privacy_audit.view.clean_text import clean
from privacy_audit.view.make_view import make_view
from tests.unit.publish.report import histories

NAMES = {
    "script": "<script>alert(1)</script>",
    "event handler": '"><img src=x onerror=alert(1)>',
    "attribute": "' onmouseover='alert(1)",
    "closes the style": "</style><script>alert(1)</script>",
    "closes the title": "</title></svg><script>alert(1)</script>",
    "template": "{{7*7}}{% raw %}${7*7}%s{0}",
    "formula": '=HYPERLINK("#","x")',
    "formula after a space": '  "=1+1',
    "full-width formula": "\uff1d1+1",
    "at": "@SUM(1)",
    "plus": "+1|cmd",
    "minus": "-1+1",
    "tab": "\t=1",
    "carriage return": "\r=1",
    "bidi": "gnp\u202e.exe\u2066x\u2069",
    "invisible": "\u200b=1\ufeff",
    "control": "a\x00b\x1b[31mc\x9bd",
    "line separator": "a\u2028b",
    "lone surrogate": "a\ud800b",
    "comment": "--><!-- ]]>",
    "long": "x" * 10_000,
    "newline": 'a\r\nBcc: b\n"c","d"',
}
UNSEEN = set("\u202e\u2066\u2069\u200b\ufeff\x00\x1b\x9b\u2028\ud800")


class Page(HTMLParser):
    """What a browser would make of a page: its elements, and the values of their attributes."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


HARMLESS = Page(html_report.render(make_view(*histories.hostile("name"))))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_html_has_the_same_elements_whatever_the_names(name: str) -> None:
    page = Page(html_report.render(make_view(*histories.hostile(name))))
    assert page.tags == HARMLESS.tags
    assert [attribute for attribute, _ in page.attributes] == [attribute for attribute, _ in HARMLESS.attributes]
    links = [value for attribute, value in page.attributes if attribute in {"href", "src", "action"}]
    assert all(link.startswith("#") or link == "data:," for link in links)


def test_template_words_in_names_stay_words() -> None:
    page = html_report.render(make_view(*histories.hostile("{{7*7}}{% raw %}")))
    assert b"<h4 id=" in page
    assert b">{{7*7}}{% raw %}</h4>" in page


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_csv_has_no_formula_and_no_extra_cell(name: str) -> None:
    rows = list(csv.reader(io.StringIO(findings_csv.render(make_view(*histories.hostile(name))).decode(), newline="")))
    assert {len(row) for row in rows} == {len(findings_csv.COLUMNS)}
    assert len(rows) == 8, "the header, a store that is lost, four checks that did not pass, two that nobody looks at"
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.lstrip(' "\u200b')[:1] in set("=+-@\t\r\uff1d") and cell]


@pytest.mark.parametrize("form", interface.formats(), ids=lambda form: form.FILE_NAME)
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_nothing_invisible_and_no_address(name: str, form: interface.ReportFormat) -> None:
    told = form.render(make_view(*histories.hostile(name))).decode()
    assert not UNSEEN & set(told)
    assert "://" not in told


def test_json_keeps_the_text() -> None:
    view = make_view(*histories.hostile("<b>{{7*7}}</b>"))
    assert json.loads(canonical_json.render(view))["policy"]["title"] == "<b>{{7*7}}</b>"
    assert json.loads(findings_json.render(view))["waivers"][0]["reason"] == "<b>{{7*7}}</b>"


@given(st.text())
def test_no_text_becomes_a_formula_in_a_cell(text: str) -> None:
    cell = findings_csv.safe(clean(text))
    assert cell.lstrip(' \n"`')[:1] not in set("=+-@\t\r\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b")
    cell.encode()
