"""A published site as a browser meets it: elements, attributes, text, and where links lead."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

OUTSIDE = "../reports/"
"""The one place outside the site that pages lead to, seen from its index."""


@dataclass
class Page(HTMLParser):
    """One page. Elements without an end tag are those that HTML has without one."""

    path: Path
    tags: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    """Tag, attribute, value."""
    texts: list[str] = field(default_factory=list)
    style: str = ""
    sections: dict[str, list[str]] = field(default_factory=dict)
    """Text by the id of the element it stands in, all levels."""

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[tuple[str, str]] = []
        self.feed(self.source)

    @cached_property
    def source(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def text(self) -> str:
        return tidy(self.texts)

    def within(self, anchor: str) -> str:
        """The text of the element with that id."""
        return tidy(self.sections[anchor])

    def values(self, *names: str) -> list[str]:
        """The values of attributes."""
        return [value for _, name, value in self.attributes if name in names]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in {"meta", "link", "br"}:
            self._open.append((tag, dict(attrs).get("id") or ""))

    def handle_endtag(self, tag: str) -> None:
        opened, _ = self._open.pop()
        assert opened == tag, f"{self.path.name}: <{opened}> is closed by </{tag}>"

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][0] == "style":
            self.style += data
            return
        self.texts.append(data)
        for _, anchor in self._open:
            if anchor:
                self.sections.setdefault(anchor, []).append(data)


def tidy(texts: list[str]) -> str:
    return " ".join(" ".join(texts).split()).replace("\u202f", " ")


@dataclass(frozen=True)
class Site:
    """A published site, by the folder that people open."""

    root: Path

    @cached_property
    def index(self) -> Page:
        return Page(self.root / "index.html")

    @cached_property
    def suites(self) -> dict[str, Page]:
        """Suite to its page, by the folders that Great Expectations files it under."""
        paths = sorted((self.root / "validations").rglob("*.html"))
        return {".".join(path.relative_to(self.root).parts[1:-3]): Page(path) for path in paths}

    @property
    def pages(self) -> list[Page]:
        return [self.index, Page(self.root / "coverage.html"), *self.suites.values()]

    def target(self, page: Page, link: str) -> tuple[Path, str]:
        """File and anchor that a link leads to, as a browser resolves it: by the address, without following links."""
        parts = urlsplit(link)
        folder = page.path.parent if parts.path else page.path
        path = (folder / unquote(parts.path)) if parts.path else page.path
        steps: list[str] = []
        for part in path.parts:
            if part == "..":
                steps.pop()
            else:
                steps.append(part)
        return Path(*steps), parts.fragment
