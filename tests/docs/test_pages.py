"""The pages keep what they promise: commands run, snippets load, links lead somewhere.

Blocks marked `console` are carried out, page by page, in a copy of the workspace; after each command the lines that
follow it have to come, in that order, whatever their numbers. Blocks marked `console terminal` begin a command that
goes on until the page ends, or, without a command, show what it says next. Blocks with `file=` are written into that
copy first.
"""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx
import pytest
import yaml

from specwatch.claims import check_expressions
from specwatch.sandbox import EmbeddedSandbox, load_modules
from specwatch.spec import load_api
from specwatch.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FOLDERS = ("specs", "contracts", "probes", "sandbox", "grafana")
SANDBOX = "http://127.0.0.1:8700"  # where the pages say that `specwatch sandbox` serves
EXPORTER = "http://127.0.0.1:9464"  # and `specwatch watch`
PATIENCE = 60.0
"""Seconds after which a command that has not said what the page shows is ended."""

FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
VOLATILE = (
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "# now"),
    (re.compile(r"\d+\.\d+ s\b|\d+(?:\.\d+)? ms\b"), "# s"),
    (re.compile(r"\b(?=[nctswr]{6,}\b)n*c*t*s*w*r*\b"), "bar"),
    (re.compile(r"[1-9]\d*|\b0\d+"), "#"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, the words after it as a mapping, and its text."""

    page: Path
    language: str
    about: dict[str, str]
    text: str

    def __str__(self) -> str:
        """The page and the first line, as the name of a test."""
        return f"{self.page.relative_to(ROOT)}: {self.text.splitlines()[0][:40]}"


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a console block and the lines that follow it."""

    command: str
    expected: tuple[str, ...]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found = []
    for info, text in FENCE.findall(page.read_text(encoding="utf-8")):
        language, *words = info.split() or [""]
        found.append(Block(page, language, dict(word.partition("=")[::2] for word in words), text))
    return found


def all_blocks(*languages: str) -> list[Block]:
    """The blocks of all pages in these languages."""
    return [block for page in PAGES for block in blocks(page) if block.language in languages]


def steps(block: Block) -> list[Step]:
    """The commands of a console block; a backslash at the end continues a command."""
    found: list[list[str]] = []
    for line in block.text.replace("\\\n", "").splitlines():
        if line.startswith("$ "):
            found.append([line[2:]])
        elif line.strip():
            found[-1].append(line)
    return [Step(command, tuple(lines)) for command, *lines in found]


def essence(text: str) -> str:
    """A line without what differs from run to run: spaces, times and numbers, though not whether one is 0."""
    for pattern, mark in VOLATILE:
        text = pattern.sub(mark, text)
    return " ".join(text.split())


def missing(expected: tuple[str, ...], output: str) -> str | None:
    """The first expected line that does not come after those before it; a line of dots stands for any lines."""
    return first_missing(expected, iter(output.splitlines()))


def first_missing(expected: tuple[str, ...], output: Iterator[str]) -> str | None:
    """The same for lines that are still to come; no more of them are taken than are needed."""
    lines = map(essence, output)
    for line in expected:
        if line.strip() in {"...", "…"}:
            continue
        pattern = re.compile(".*".join(re.escape(part.strip()) for part in essence(line).split("…")))
        if not any(pattern.fullmatch(seen) for seen in lines):
            return line
    return None


@pytest.mark.parametrize(
    "expected, output, lost",
    [
        (("a", "...", "c"), "a\nb\nc\n", None),
        (("kept 45  0.3 s",), "kept 7 12.0 s\n", None),
        (("ccwwwwwwr  5.9 ms",), "cccsswr  12 ms\n", None),
        (("PASS: …",), "PASS: 45 claims hold.\n", None),
        (("… ran … look=2 …",), "now ran well\nlater ran ill look=2 twice\n", None),
        (("… ran …",), "now sat\n", "… ran …"),
        (("c", "a"), "a\nb\nc\n", "a"),
        (("broken 1",), "broken 0\n", "broken 1"),
        (("broken 0",), "broken 10\n", "broken 0"),
    ],
)
def test_lines_are_compared_loosely(expected: tuple[str, ...], output: str, lost: str | None) -> None:
    """Numbers, times, bars of times and spaces may differ; words, order, and whether something is zero may not."""
    assert missing(expected, output) == lost


def make_workspace(folder: Path) -> Workspace:
    """A copy of this repository's workspace."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("specwatch.yaml", ".env.example"):
        shutil.copy(ROOT / name, folder)
    return Workspace(folder, "a copy")


class Terminal:
    """A command that goes on while others run, and what it has said that no page has shown yet."""

    def __init__(self, arguments: list[str], folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "specwatch", *arguments],
            cwd=folder,
            env=surroundings(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []

    def lines(self) -> Iterator[str]:
        """What it says next, line by line; comes to an end where the process does, or is too slow."""
        timer = threading.Timer(PATIENCE, self._process.kill)
        timer.start()
        try:
            for line in self._process.stdout or ():
                self.said.append(line)
                yield line
        finally:
            timer.cancel()

    def expect(self, expected: tuple[str, ...]) -> None:
        """Wait until it has said what a page shows."""
        line = first_missing(expected, self.lines())
        assert line is None, f"missing: {line}\n{''.join(self.said)}"

    def url(self) -> str:
        """Where it serves, as it said."""
        found = re.search(r"(?<=serving url=)http://127\.0\.0\.1:\d+", "".join(self.said))
        assert found, "".join(self.said)
        return found[0]

    def end(self) -> None:
        """Stop it, and let go of it."""
        self._process.terminate()
        self._process.communicate(timeout=PATIENCE)


def surroundings() -> dict[str, str]:
    """The environment of a command: that of a plain terminal."""
    environment = {**os.environ, "COLUMNS": "80"}
    environment.pop("CI", None)
    return environment


class Shell:
    """Carries out the commands of a page: specwatch, cd, cp, cat, mkdir and curl, of which grep may take lines."""

    def __init__(self, folder: Path, sandbox: str) -> None:
        self.folder = folder
        self.code = 0
        self._places = {SANDBOX: sandbox}
        self._terminal: Terminal | None = None

    def begin(self, command: str) -> None:
        """Start a command that goes on, on a port of its own."""
        words = [self.placed(word) for word in shlex.split(command)]
        assert words[:2] == ["specwatch", "watch"], f"the pages' shell cannot let {command} go on"
        self._terminal = Terminal([*words[1:], "--listen", "127.0.0.1:0"], self.folder)

    def listen(self, expected: tuple[str, ...]) -> None:
        """Wait until the command that goes on has said these lines."""
        assert self._terminal is not None, "nothing goes on"
        self._terminal.expect(expected)
        self._places[EXPORTER] = self._terminal.url()

    def end(self) -> None:
        """Stop what goes on."""
        if self._terminal is not None:
            self._terminal.end()

    def placed(self, word: str) -> str:
        """A word with the servers of this test in the place of those that the pages name."""
        for shown, real in self._places.items():
            word = word.replace(shown, real)
        return word

    def run(self, command: str) -> tuple[int, str]:
        """Exit code and output."""
        if command == "echo $?":
            return 0, f"{self.code}"
        command, *filters = command.split(" | grep ")
        words = shlex.split(command, comments=True)
        if words[0] == "cd":
            self.folder = (self.folder / words[1]).resolve()
            return 0, ""
        if words[0] == "curl":
            return 0, grep(self.curl(words[1:]), filters)
        if words[0] in {"cp", "cat", "mkdir"}:
            done = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=False)
        else:
            assert words[0] == "specwatch", f"the pages' shell does not know {command}"
            done = self.specwatch(words[1:])
        self.code = done.returncode
        return done.returncode, done.stdout + done.stderr

    def specwatch(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        """Run our own command."""
        return subprocess.run(
            [sys.executable, "-m", "specwatch", *map(self.placed, arguments)],
            cwd=self.folder,
            env=surroundings(),
            capture_output=True,
            text=True,
            check=False,
        )

    def curl(self, words: list[str]) -> str:
        """Send what curl would send; status line and body come back."""
        method, headers, data, url = "GET", {}, "", ""
        rest = iter(words)
        for word in rest:
            if word == "-X":
                method = next(rest)
            elif word == "-H":
                name, _, value = next(rest).partition(":")
                headers[name] = value.strip()
            elif word in {"-d", "--data-raw"}:
                data = next(rest)
            elif not word.startswith("-"):
                url = self.placed(word)
        with httpx.Client(trust_env=False) as client:
            answer = client.request(method, url, headers=headers, content=data)
        return f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}\n{answer.text}"


def grep(text: str, filters: list[str]) -> str:
    """The lines that hold a match of every filter, which is one word for `grep`."""
    patterns = [re.compile(shlex.split(each)[-1]) for each in filters]
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if all(pattern.search(line) for pattern in patterns))


def pages_with_commands() -> list[Path]:
    """The pages that have something to carry out."""
    return [page for page in PAGES if any(block.language == "console" for block in blocks(page))]


@pytest.mark.slow
@pytest.mark.parametrize("page", pages_with_commands(), ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_run_and_print_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    """Every command of a page exits as it says (0 unless `echo $?` follows) and prints the lines that follow it."""
    workspace = make_workspace(tmp_path)
    if not any(SANDBOX in block.text for block in blocks(page) if block.language == "console"):
        carry_out(page, Shell(tmp_path, SANDBOX))
        return
    apis = workspace.apis(["scan-documents"])
    with EmbeddedSandbox(apis, load_modules(workspace.sandbox, apis)) as sandbox:
        carry_out(page, Shell(tmp_path, sandbox.url))


def carry_out(page: Path, shell: Shell) -> None:
    """Write the files of a page and run its commands, in the order in which they stand there."""
    try:
        for block in blocks(page):
            if "file" in block.about:
                (shell.folder / block.about["file"]).write_text(block.text, encoding="utf-8")
            if block.language == "console":
                run_block(shell, block)
    finally:
        shell.end()


def run_block(shell: Shell, block: Block) -> None:
    """Run the commands of a block, or look at what the one that goes on says."""
    if "terminal" not in block.about:
        run_steps(shell, steps(block))
    elif block.text.startswith("$ "):
        (step,) = steps(block)
        shell.begin(step.command)
        shell.listen(step.expected)
    else:
        shell.listen(tuple(line for line in block.text.splitlines() if line.strip()))


def run_steps(shell: Shell, todo: list[Step]) -> None:
    """Run the steps of one block."""
    for index, step in enumerate(todo):
        code, output = shell.run(step.command)
        told = index + 1 < len(todo) and todo[index + 1].command == "echo $?"
        assert told or code == 0, f"$ {step.command}\n{output}"
        line = missing(step.expected, output)
        assert line is None, f"$ {step.command}\nmissing: {line}\n{output}"


@pytest.mark.parametrize("block", all_blocks("python"), ids=str)
def test_python_parses(block: Block) -> None:
    """Python on a page is Python."""
    ast.parse(block.text)


def test_yaml_parses() -> None:
    """YAML on a page is YAML."""
    for block in all_blocks("yaml"):
        assert yaml.safe_load(block.text) is not None, block


@cache
def spec_of(api: str) -> str:
    """The text of a spec, parsed as often as it is needed and changed by nobody."""
    return (ROOT / "specs" / f"{api}.yaml").read_text(encoding="utf-8")


def without_claims(node: object) -> object:
    """The same document without a claim anywhere."""
    if isinstance(node, dict):
        return {key: without_claims(value) for key, value in node.items() if key != "x-claims"}
    return [without_claims(item) for item in node] if isinstance(node, list) else node


@pytest.mark.parametrize("block", [b for b in all_blocks("yaml") if "claims" in b.about], ids=str)
def test_claims_load_and_compile(block: Block, tmp_path: Path) -> None:
    """Claims on a page are accepted by the loader, in the spec that the block names, and their expressions compile."""
    name, _, operation = block.about["claims"].partition("/")
    spec = without_claims(yaml.load(spec_of(name), yaml.CSafeLoader))
    assert isinstance(spec, dict)
    places = [node for item in spec["paths"].values() for node in item.values() if isinstance(node, dict)]
    place = next((node for node in places if operation and node.get("operationId") == operation), spec)
    place["x-claims"] = yaml.safe_load(block.text)
    path = tmp_path / f"{name}.yaml"
    path.write_text(yaml.dump(spec, Dumper=yaml.CSafeDumper), encoding="utf-8")
    assert list(check_expressions(load_api(path))) == []


SMALL = """
openapi: 3.1.0
info: {title: A small API, version: 1.0.0}
servers: [{url: 'https://api.example.com'}]
security: [{token: []}]
paths:
  /v1/parcels/{id}:
    get:
      operationId: getParcel
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses:
        '200': {description: A parcel., content: {application/json: {schema: {type: object}}}}
components: {securitySchemes: {token: {type: http, scheme: bearer}}}
"""


@pytest.mark.parametrize("block", [b for b in all_blocks("yaml") if "at" in b.about], ids=str)
def test_fields_load(block: Block, tmp_path: Path) -> None:
    """The example of each field of a spec is accepted by the loader at the place where it belongs."""
    spec = yaml.safe_load(SMALL)
    operation = spec["paths"]["/v1/parcels/{id}"]["get"]
    places = {
        "root": spec,
        "operation": operation,
        "response": operation["responses"]["200"],
        "media": operation["responses"]["200"]["content"]["application/json"],
        "scheme": spec["components"]["securitySchemes"]["token"],
    }
    places[block.about["at"]] |= yaml.safe_load(block.text)
    path = tmp_path / "parcels.yaml"
    path.write_text(yaml.safe_dump(spec), encoding="utf-8")
    assert list(check_expressions(load_api(path))) == []


def links(page: Path) -> Iterator[str]:
    """The links of a page that stay in the repository."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    yield from (target for target in LINK.findall(text) if "://" not in target and not target.startswith("mailto:"))


def anchors(page: Path) -> set[str]:
    """The anchors that the headings of a page get."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every link within the repository leads to a file, and to a heading where it names one."""
    lost = []
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


def test_every_page_is_reached() -> None:
    """Each page of docs/ is linked from another page."""
    linked = {(page.parent / link.partition("#")[0]).resolve() for page in PAGES for link in links(page)}
    assert [str(page.relative_to(ROOT)) for page in PAGES if "docs" in page.parts and page not in linked] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_have_one_title(page: Path) -> None:
    """A page starts with its title, and has one."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    assert text.startswith("# ")
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1
