"""The source descriptions of a document, and the operations and workflows that its steps name in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from specwatch.errors import Problem, WorkspaceError
from specwatch.spec.model import Api, Operation
from specwatch.spec.source import pointer_parts
from specwatch.workflow.model import Document, SourceDescription, Workflow, WorkflowRef
from specwatch.workflow.names import Mistake, listed, suggest
from specwatch.workflow.reader import Place, Reader

TYPES = ("openapi", "arazzo")
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_IN_SOURCE = re.compile(r"(?:\$sourceDescriptions\.)?([A-Za-z0-9_-]+)\.(.+)", re.DOTALL)
_PATH = re.compile(r"\{?\$sourceDescriptions\.([A-Za-z0-9_-]+)(?:\.url)?\}?#(/.*)", re.DOTALL)

Apis = Callable[[Path], Api | None]
Documents = Callable[[Path], Document]


@dataclass(frozen=True, slots=True)
class Called:
    """What a step calls: an operation, or why it is not known which although the document is right."""

    operation: Operation | None = None
    api: Api | None = None
    unresolved: str = ""


class Sources:
    """Reads the source descriptions of one document.

    Args:
        reader: where problems go.
        apis: the API of a file, or None.
        documents: another Arazzo document; raises `WorkspaceError`.
    """

    def __init__(self, reader: Reader, apis: Apis, documents: Documents) -> None:
        self.reader = reader
        self.apis = apis
        self.documents = documents
        self.missing: list[Problem] = []
        self.found: dict[str, SourceDescription] = {}

    def read(self, raw: object) -> None:
        """Read all of them into `found`; those that cannot be resolved go to `missing`."""
        if not raw:
            self.reader.problem(("sourceDescriptions",), "no source descriptions", "at least one")
        for at, item in self.reader.items(("sourceDescriptions",), raw):
            node = self.reader.node(at, item, "source")
            if node is not None:
                self._one(at, str(node["name"]), str(node["url"]), str(node.get("type", "")))

    def fields(self) -> dict[str, Mapping[str, str]]:
        """The fields of each source that expressions may name."""
        return {name: {"url": source.url, "type": source.type} for name, source in self.found.items()}

    def _one(self, at: Place, name: str, url: str, kind: str) -> None:
        if not _NAME.fullmatch(name):
            self.reader.problem((*at, "name"), f"source named {name!r}", "letters, digits, - and _")
        elif name in self.found:
            self.reader.problem((*at, "name"), f"source {name!r} again", "a name of its own")
        kind = kind or ("arazzo" if ".arazzo." in url else "openapi")
        if kind not in TYPES:
            expected = f"{' or '.join(TYPES)}; AsyncAPI is not supported"
            self.reader.problem((*at, "type"), f"source of type {kind!r}", expected, suggest(kind, TYPES))
            return
        self.found[name] = self._resolve(at, name, url, kind)

    def _resolve(self, at: Place, name: str, url: str, kind: str) -> SourceDescription:
        empty = SourceDescription(name, kind, url)
        path = self._file(url)
        if path is None or not path.is_file():
            why = "is not fetched: only files are" if path is None else "does not exist"
            return self._missing(at, empty, f"source {name}: {url} {why}", "a file, relative to this one")
        try:
            if kind == "arazzo":
                document = self.documents(path)
                self.missing += [problem for problem in document.missing if problem not in self.missing]
                return SourceDescription(name, kind, url, document=document)
            api = self.apis(path)
        except WorkspaceError as error:
            first = error.problems[0]
            found = f"source {name}: {url} cannot be loaded: {first.where}: {first.found}"
            return self._missing(at, empty, found, first.expected)
        if api is None:
            return self._missing(at, empty, f"source {name}: {url} is no spec of the workspace", "one of its specs")
        return SourceDescription(name, kind, url, api=api)

    def _file(self, url: str) -> Path | None:
        parts = urlsplit(url)
        if parts.scheme not in {"", "file"} or parts.netloc:
            return None
        return (self.reader.source.path.parent / unquote(parts.path)).resolve()

    def _missing(self, at: Place, source: SourceDescription, found: str, expected: str) -> SourceDescription:
        self.missing.append(Problem(self.reader.source.place(*at, "url"), found, expected))
        return source

    def operation(self, text: str) -> Called:
        """What an `operationId` names.

        Raises:
            Mistake: no source has it, or it is not said which one is meant.
        """
        match = _IN_SOURCE.fullmatch(text)
        if match is not None and (text.startswith("$") or match[1] in self.found):
            return self._in_source(self._source(match[1], text), match[2], text)
        sources = [source for source in self.found.values() if source.type != "arazzo"]
        having = [called for source in sources if (called := _operation_of(source, text)) is not None]
        if len(having) > 1:
            raise Mistake(f"operation {text!r} is in several sources", "$sourceDescriptions.<name>.<operationId>")
        if having:
            return having[0]
        if unresolved := [source for source in sources if not source.resolved]:
            return Called(unresolved=f"the source {unresolved[0].name} is missing")
        known = [operation.id for source in sources if source.api for operation in source.api.operations]
        raise Mistake(f"unknown operation {text!r}", f"one of {listed(known)}", suggest(text, known))

    def _in_source(self, source: SourceDescription, name: str, text: str) -> Called:
        if source.type == "arazzo":
            raise Mistake(f"{text} names an Arazzo document", "an operation of an API", "use workflowId")
        if source.api is None:
            return Called(unresolved=f"the source {source.name} is missing")
        called = _operation_of(source, name)
        if called is None:
            known = [operation.id for operation in source.api.operations]
            raise Mistake(f"unknown operation {name!r}", f"one of {listed(known)}", suggest(name, known))
        return called

    def _source(self, name: str, text: str) -> SourceDescription:
        if name not in self.found:
            raise Mistake(
                f"{text}: no source is called {name!r}", f"one of {listed(self.found)}", suggest(name, self.found)
            )
        return self.found[name]

    def operation_path(self, text: str) -> Called:
        """What an `operationPath` names: a source and a JSON pointer to an operation in it.

        Raises:
            Mistake: it leads to no operation.
        """
        match = _PATH.fullmatch(text)
        if match is None:
            expected = "such as '{$sourceDescriptions.shop.url}#/paths/~1items~1{id}/get'"
            raise Mistake(f"operationPath {text!r}", expected)
        source = self._source(match[1], text)
        if source.api is None:
            return Called(unresolved=f"the source {source.name} is missing")
        for pointer in (match[2], unquote(match[2])):
            parts = pointer_parts(pointer)
            for operation in source.api.operations:
                if parts == ["paths", operation.path, operation.method.lower()]:
                    return Called(operation, source.api)
        known = [f"{operation.method} {operation.path}" for operation in source.api.operations]
        raise Mistake(f"{match[2]} leads to no operation", f"/paths/<path>/<method> of one of {listed(known)}")

    def workflow(self, text: str, own: Mapping[str, Workflow], ids: tuple[str, ...]) -> WorkflowRef:
        """What a `workflowId` names.

        Args:
            text: as written.
            own: the workflows of the document, complete only later.
            ids: of the workflows of the document.

        Raises:
            Mistake: there is no such workflow.
        """
        if not text.startswith("$"):
            if text not in ids:
                raise Mistake(f"unknown workflow {text!r}", f"one of {listed(ids)}", suggest(text, ids))
            return WorkflowRef(text, own, text)
        match = _IN_SOURCE.fullmatch(text)
        if match is None:
            raise Mistake(f"workflowId {text!r}", "$sourceDescriptions.<name>.<workflowId>")
        source = self._source(match[1], text)
        name = match[2].removeprefix("workflows.")
        if source.type != "arazzo":
            raise Mistake(f"{text} names no Arazzo document", "a source of type arazzo")
        if source.document is None:
            return WorkflowRef(name, None, text)
        known = source.document.workflows
        if name not in known:
            raise Mistake(f"unknown workflow {name!r}", f"one of {listed(known)}", suggest(name, known))
        return WorkflowRef(name, known, text)


def _operation_of(source: SourceDescription, name: str) -> Called | None:
    if source.api is None:
        return None
    return next((Called(o, source.api) for o in source.api.operations if o.id == name), None)
