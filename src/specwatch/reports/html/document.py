"""The view model as an HTML document. Whatever is put into the template is made visible and escaped."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from specwatch import __version__
from specwatch.reports.html.view import Gap, Page
from specwatch.reports.html.visible import visible

PACKAGE: Final = "specwatch.reports.html"


def to_document(page: Page) -> str:
    """The page as HTML, in UTF-8 and with a policy (CSP level 3) under which only its own style and script count."""
    style, script = _asset("report.css"), _asset("report.js")
    return _template().render(
        page=page,
        version=__version__,
        style=Markup(style),  # noqa: S704 - a file of this package
        script=Markup(script),  # noqa: S704 - a file of this package
        policy=policy(style, script),
    )


def policy(style: str, script: str) -> str:
    """The Content-Security-Policy: nothing may be loaded, sent or framed; one style and one script, by their hashes."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _asset(name: str) -> str:
    """A file of this package, as it stands between its tags."""
    text = files(PACKAGE).joinpath("templates", name).read_text(encoding="utf-8")
    return f"\n{text}"


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader(PACKAGE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_final,
    )
    environment.tests["gap"] = lambda piece: isinstance(piece, Gap)
    return environment.get_template("report.html")


def _final(value: object) -> object:
    """What is put into the template: text is made visible; markup is that of the template's own macros."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
