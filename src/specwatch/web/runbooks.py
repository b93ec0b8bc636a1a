"""The runbooks: what to do about each alert, as pages of the prober itself."""

from __future__ import annotations

import difflib
import itertools
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, PackageLoader, Template
from markupsafe import Markup

from specwatch import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

PACKAGED: Final = Path(__file__).parents[1] / "_runbooks"
CHECKOUT: Final = Path(__file__).parents[3] / "docs" / "runbooks"
"""Where the pages are: a wheel has them inside the package, an editable install in the checkout only."""

NAME: Final = re.compile(r"Specwatch[A-Za-z0-9]{1,64}")
"""An alert, and the file of its page without `.md`."""

README: Final = "README"
ALONE: Final = "# Runbooks\n\nWhat each alert means, and what to do about it.\n"
"""What the list says where the folder has no README."""

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list: the name of an alert, and the first paragraph of its page as plain text."""

    name: str
    text: str


def runbook_folder() -> Path:
    """Where the pages are; the folder may be missing."""
    return PACKAGED if PACKAGED.is_dir() else CHECKOUT


class Runbooks:
    """The pages of a folder, read anew for each request.

    Args:
        folder: with a file `NAME.md` for each alert, and perhaps a `README.md` that goes before the list.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or runbook_folder()

    def names(self) -> list[str]:
        """The alerts that have a page, in alphabetical order."""
        return sorted(path.stem for path in self._folder.glob("*.md") if NAME.fullmatch(path.stem) and path.is_file())

    def index(self) -> str:
        """The folder's README, and after it the pages that it does not name; as HTML."""
        introduction = self._text(README) if (self._folder / f"{README}.md").is_file() else ALONE
        body = _rendered(introduction)
        others = [name for name in self.names() if f'href="{name}"' not in body]
        entries = [Entry(name, _first_paragraph(_parser().parse(self._text(name)))) for name in others]
        return _template().render(title="Runbooks", entries=entries, body=body, is_list=True, version=__version__)

    def page(self, name: str) -> str | None:
        """A page, as HTML; None where there is none of that name."""
        if name not in self.names():  # and so it is no path that leads elsewhere
            return None
        body = _rendered(self._text(name))
        return _template().render(title=name, entries=(), body=body, is_list=False, version=__version__)

    def missing(self, name: str) -> str:
        """What is said about a name without a page."""
        names = self.names()
        if not names:
            return f"There is no runbook: {self._folder.name}/ has none.\n"
        near = difflib.get_close_matches(name[:100], names, n=3, cutoff=0.8)  # all begin alike
        nearest = f" The nearest: {', '.join(near)}." if near else ""
        return f"There is no such runbook.{nearest} There are: {', '.join(names)}\n"

    def _text(self, name: str) -> str:
        return (self._folder / f"{name}.md").read_text(encoding="utf-8")


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _rendered(text: str) -> Markup:
    """Markdown as HTML."""
    tokens = _parser().parse(text)
    _lead_somewhere(tokens)
    # What the parser renders is safe: it escapes raw HTML, and refuses addresses that carry scripts.
    return Markup(_parser().renderer.render(tokens, _parser().options, {}))  # noqa: S704


@cache
def _template() -> Template:
    environment = Environment(loader=PackageLoader("specwatch.web"), autoescape=True, trim_blocks=True)
    environment.lstrip_blocks = True
    return environment.get_template("runbooks.html")


def _first_paragraph(tokens: Sequence[Token]) -> str:
    for before, token in itertools.pairwise(tokens):
        if before.type == "paragraph_open":
            words = [child.content or " " for child in token.children or () if not child.hidden]
            return " ".join("".join(words).split())
    return ""


def _lead_somewhere(tokens: Sequence[Token]) -> None:
    """Turn links to files of the documentation into links to pages here, or into the path of the file."""
    for token in tokens:
        if token.children:
            token.children = list(_led(token.children))


def _led(children: Sequence[Token]) -> Iterator[Token]:
    """The pieces of a line with such links; a link that leads nowhere is followed by its path in brackets."""
    from markdown_it.token import Token

    path = ""
    for child in children:
        if child.type == "link_open":
            href = str(child.attrGet("href") or "")
            path = ""
            if _SCHEME.match(href):
                child.attrSet("rel", "noopener noreferrer")
            elif page := _page(href):
                child.attrSet("href", page)
            elif not href.startswith("#"):
                path = f"docs/runbooks/{href.partition('#')[0]}"
                continue
        if child.type == "link_close" and path:
            yield Token("text", "", 0, content=f" ({_plain(path)})")
            path = ""
            continue
        yield child


def _page(href: str) -> str:
    """The page here that a link to a file of the folder leads to, or nothing."""
    file = PurePosixPath(href.partition("#")[0])
    if file.parent != PurePosixPath() or file.suffix != ".md":
        return ""
    return "./" if file.stem == README else file.stem if NAME.fullmatch(file.stem) else ""


def _plain(path: str) -> str:
    """A path without its detours: `docs/runbooks/../reference/x.md` is `docs/reference/x.md`."""
    parts: list[str] = []
    for part in PurePosixPath(path).parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)
