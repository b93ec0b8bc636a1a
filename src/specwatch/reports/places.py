"""Where a violation stands in the files of a repository: the line of its claim, or of what the claim follows from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from specwatch.errors import WorkspaceError
from specwatch.spec import Api, Source
from specwatch.values.claim import Derived
from specwatch.values.violation import Violation

Parts = tuple[str | int, ...]

CLAIMS: Final = "x-claims"


@dataclass(frozen=True, slots=True)
class Place:
    """One line of a file.

    Args:
        path: from the root of the repository, with `/` between its parts.
        line: counted from 1.
        first_column: of the first character that is no space, counted from 1 in UTF-16 code units.
        end_column: behind the last character, counted likewise.
    """

    path: str
    line: int
    first_column: int = 1
    end_column: int = 1


class Places:
    """Finds the lines of claims. A spec is read when the first of its claims is asked for, and once.

    Args:
        apis: the specs.
    """

    def __init__(self, apis: Sequence[Api]) -> None:
        self._files = {api.id: _SpecFile(api) for api in apis}

    def of(self, violation: Violation) -> Place:
        """The line of the claim that is broken.

        A claim under `x-claims` has a line of its own. One that is derived stands at the documented answer that it
        speaks about, or at the operation. Where the spec is gone, or holds neither any more, it is the first line.
        """
        file = self._files.get(violation.api)
        if file is None:
            return Place(f"specs/{violation.api}.yaml", 1)
        return file.place(file.parts(violation.claim, violation.operation))


class _SpecFile:
    """A spec on disk and the lines of its claims."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._path = relative_path(api.path)

    def parts(self, claim_id: str, operation: str) -> Parts:
        """The keys that lead to a claim, or to what it follows from."""
        if claim_id in self._written:
            return self._written[claim_id]
        claim = next((claim for claim in self._api.claims if claim.id == claim_id), None)
        if claim is not None and len(claim.operations) == 1:
            operation = next(iter(claim.operations))
        at = next((_at(each.path, each.method) for each in self._api.operations if each.id == operation), ())
        if at and claim is not None and isinstance(claim.form, Derived) and claim.form.status:
            return (*at, "responses", claim.form.status)
        return at

    def place(self, parts: Parts) -> Place:
        """The line that the keys lead to."""
        if self._source is None:
            return Place(self._path, 1)
        line = int(self._source.place(*parts).rpartition(":")[2])
        text = next(iter(self._source.text.splitlines()[line - 1 : line]), "")
        indent = len(text) - len(text.lstrip())
        return Place(self._path, line, indent + 1, _units(text.rstrip()) + 1)

    @cached_property
    def _source(self) -> Source | None:
        try:
            source = Source.read(self._api.path)
            source.place()  # composes the text, which finds out whether it is YAML
        except WorkspaceError:  # it was moved or changed while the run went on
            return None
        return source

    @cached_property
    def _written(self) -> Mapping[str, Parts]:
        return dict(self._claims())

    def _claims(self) -> Iterator[tuple[str, Parts]]:
        yield from _ids((CLAIMS,), self._api.raw.get(CLAIMS))
        for operation in self._api.operations:
            yield from _ids((*_at(operation.path, operation.method), CLAIMS), operation.raw.get(CLAIMS))


def _at(path: str, method: str) -> Parts:
    return ("paths", path, method.lower())


def _ids(at: Parts, block: object) -> Iterator[tuple[str, Parts]]:
    for index, claim in enumerate(block if isinstance(block, list) else ()):
        if isinstance(claim, Mapping) and isinstance(claim.get("id"), str):
            yield claim["id"], (*at, index)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def relative_path(path: Path) -> str:
    """A file's path from the root of its repository, with `/` between its parts.

    The root is the nearest folder upwards with a `.git`; without one the current folder, if the file lies in it; else
    the workspace, so that no path of one machine gets into a report. Symbolic links are followed, since hosts of
    repositories do not show what lies behind one.
    """
    file = path.resolve()
    here = Path.cwd().resolve()
    repository = [folder for folder in file.parents if (folder / ".git").exists()][:1]
    for root in (*repository, here, *file.parents[1:2]):
        if file.is_relative_to(root):
            return file.relative_to(root).as_posix()
    return file.name
