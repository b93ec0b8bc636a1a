"""`specwatch lint`: one planted mistake per rule, with the exact place and words."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from specwatch.lint.settings import SETTINGS_FORM
from specwatch.spec import Schema

Command = Callable[..., CompletedProcess[str]]
Edit = Callable[[Path, str, str], int]

SPEC = "specs/example-api.yaml"
SETTINGS = "specwatch.yaml"

KNOWN_FIELDS = (
    "one of x-claims, x-cost, x-credential, x-doubt, x-effect, x-error-code, x-inferred, x-known, x-max-body-bytes,"
    " x-objective, x-polling, or a field of another tool"
)

MISTAKES = {
    "no YAML": (SPEC, "info:", "info: [", ": is not YAML: ", "well-formed YAML", ""),
    "not OpenAPI 3": (SPEC, "openapi: 3.1.0", "openapi: 2.0.0", "2.0.0", "", ""),
    "field that OpenAPI requires": (
        SPEC,
        "          description: All regions.\n",
        "",
        "paths / /v1/regions / get / responses / 200: ",
        "",
        "",
    ),
    "type that JSON Schema does not know": (SPEC, "type: integer", "type: integre", "'integre' is not valid", "", ""),
    "reference that leads nowhere": (
        SPEC,
        "              schema:\n                type: object\n                required: [error]",
        "              schema:\n                $ref: '#/components/schemas/None'\n                required: [error]",
        "",
        "",
        "",
    ),
    "operation without a name": (
        SPEC,
        "      operationId: listRegions\n",
        "",
        "GET /v1/regions has no operationId",
        "an operationId of its own",
        "add `operationId: <verbNoun>`",
    ),
    "misspelt field": (
        SPEC,
        "x-effect: read",
        "x-efect: read",
        "unknown field 'x-efect'",
        KNOWN_FIELDS,
        "did you mean 'x-effect'?",
    ),
    "misspelt field of a credential": (
        SPEC,
        "x-credential:",
        "x-credentials:",
        "unknown field 'x-credentials'",
        KNOWN_FIELDS,
        "did you mean 'x-credential'?",
    ),
    "misspelt field of polling": (
        SPEC,
        "x-effect: read",
        "x-poling: {seconds: [1]}",
        "unknown field 'x-poling'",
        KNOWN_FIELDS,
        "did you mean 'x-polling'?",
    ),
    "misspelt field of a limit": (
        SPEC,
        "x-effect: read",
        "x-max-body-byte: {below: 1, above: 2}",
        "unknown field 'x-max-body-byte'",
        KNOWN_FIELDS,
        "did you mean 'x-max-body-bytes'?",
    ),
    "misspelt field of a media type": (
        SPEC,
        "            application/json:\n",
        "            application/json:\n              x-infered: {}\n",
        "unknown field 'x-infered'",
        KNOWN_FIELDS,
        "did you mean 'x-inferred'?",
    ),
    "effect that is none": (
        SPEC,
        "x-effect: read",
        "x-effect: write",
        "x-effect is 'write'",
        "read, create or consume",
        "",
    ),
    "misspelt key of a claim": (
        SPEC,
        "          source: List regions",
        "          sourec: List regions",
        "unknown key 'sourec' in a claim",
        "one of concern, holds, id, level, observe, operations, scenario, series, source, text, when",
        "did you mean 'source'?",
    ),
    "level that is none": (
        SPEC,
        "level: promise",
        "level: promised",
        "level is 'promised'",
        "promise or inference",
        "",
    ),
    "claim about an unknown operation": (
        SPEC,
        "          level: promise",
        "          operations: [listRegion]\n          level: promise",
        "unknown operation 'listRegion'",
        "one of listRegions",
        "",
    ),
    "expression that does not compile": (
        SPEC,
        "holds: response.json.count == size(response.json.regions)",
        "holds: response.json.count ==",
        "claim 'count-equals-regions': 'response.json.count ==' does not compile: ",
        "an expression in CEL over request, response, known and item",
        "correct the expression",
    ),
    "example that does not fit": (
        SPEC,
        "count: 2\n",
        "count: two\n",
        "example 'two' does not fit its schema: /count is \"two\"",
        "integer",
        "correct the example or the schema",
    ),
    "example without a required field": (
        SPEC,
        "                    error: invalid token",
        "                    reason: invalid token",
        "example 'refused' does not fit its schema: /error is nothing",
        "a required field",
        "correct the example or the schema",
    ),
    "variable that the workspace does not list": (
        SPEC,
        "env: [EXAMPLE_API_TOKEN]",
        "env: [EXAMPLE_TOKEN]",
        "names the environment variable EXAMPLE_TOKEN",
        "a variable that specwatch.yaml lists",
        "add EXAMPLE_TOKEN under `variables:` there, if this spec may read it",
    ),
    "scenario claim without a test": (
        SPEC,
        "holds: response.json.count == size(response.json.regions)",
        "scenario: true",
        "scenario claim 'count-equals-regions' has no contract test",
        '@pytest.mark.claim("example-api/count-equals-regions")',
        "write the test, or say the claim as holds, series or observe",
    ),
    "unknown key of the settings": (
        SETTINGS,
        "version: 1",
        "verison: 1",
        "unknown key 'verison'",
        "one of version, variables",
        "did you mean 'version'?",
    ),
    "version that is not known": (SETTINGS, "version: 1", "version: 2", "version is 2", "1", ""),
    "no version": (SETTINGS, "version: 1\n", "", "no 'version'", "1", "add `version: 1`"),
    "variable twice": (
        SETTINGS,
        "  - EXAMPLE_API_TOKEN",
        "  - EXAMPLE_API_TOKEN\n  - EXAMPLE_API_TOKEN",
        'variables is ["EXAMPLE_API_TOKEN", "EXAMPLE_API_TOKEN"]',
        "every name once",
        "",
    ),
    "variable that is no name": (
        SETTINGS,
        "  - EXAMPLE_API_TOKEN",
        "  - EXAMPLE_API_TOKEN\n  - EXAMPLE-KEY",
        'variables.1 is "EXAMPLE-KEY"',
        "the name of an environment variable: letters, digits and _",
        "",
    ),
}

ELSEWHERE = {
    "misspelt field of a media type",
    "scenario claim without a test",
    "no version",
    "version that is not known",
    "operation without a name",
    "field that OpenAPI requires",
    "no YAML",
    "variable twice",
    "variable that is no name",
    "example without a required field",
    "claim about an unknown operation",
    "reference that leads nowhere",
}
"""Mistakes that are seen at another line than the one that was changed: at the parent, or at the next one."""


@pytest.mark.parametrize("file, old, new, found, expected, mend", MISTAKES.values(), ids=MISTAKES.keys())
def test_mistake_is_found(  # noqa: PLR0913 - the columns of the table
    specwatch: Command,
    workspace: Path,
    edit: Edit,
    request: pytest.FixtureRequest,
    *,
    file: str,
    old: str,
    new: str,
    found: str,
    expected: str,
    mend: str,
) -> None:
    """Each mistake ends with 2, and is told with its file and line, what was expected, and the mend."""
    line = edit(workspace / file, old, new)

    finished = specwatch("lint", "--workspace", workspace)

    assert finished.returncode == 2
    assert found in finished.stdout
    assert f"  expected: {expected}" in finished.stdout or expected in finished.stdout
    assert not mend or f"  mend: {mend}\n" in finished.stdout
    place = f"{workspace / file}:" if request.node.callspec.id in ELSEWHERE else f"{workspace / file}:{line}: "
    assert finished.stdout.startswith(place)
    assert "Traceback" not in finished.stdout + finished.stderr


CONTRACT = '''"""The contract of the example."""

import pytest

claim = pytest.mark.claim


@{mark}
def test_it() -> None:
    """Plays a claim."""
'''

MARKS = {
    "unknown claim": (
        'claim("example-api/count-equal-regions")',
        (
            ":8: names the unknown claim 'example-api/count-equal-regions'\n"
            "  expected: a claim of example-api.yaml\n"
            "  mend: did you mean 'example-api/count-equals-regions'?\n"
        ),
    ),
    "unknown API": (
        'pytest.mark.api("exampel-api")',
        (
            ":8: names the unknown API 'exampel-api'\n"
            "  expected: one of example-api\n"
            "  mend: did you mean 'example-api'?\n"
        ),
    ),
    "claim that has to be computed": (
        "pytest.mark.claim(NAME)",
        ":8: mark claim with NAME\n  expected: a plain text, so that it can be checked without running the test\n",
    ),
    "no Python": ("(", ":8: cannot be read as Python: "),
}


@pytest.mark.parametrize("mark, told", MARKS.values(), ids=MARKS.keys())
def test_mark_that_names_nothing(specwatch: Command, workspace: Path, mark: str, told: str) -> None:
    """A contract test that names what is not there is found without being run."""
    module = workspace / "contracts" / "test_example_api.py"
    module.write_text(CONTRACT.replace("{mark}", mark), encoding="utf-8")
    finished = specwatch("lint", "--workspace", workspace)
    assert finished.returncode == 2
    assert finished.stdout.startswith(f"{module}{told}")


CALLS = """
from specwatch.contract.caller import Caller
from specwatch.contract.current import current_run

API = Caller(current_run().apis["example-api"])


def test_it() -> None:
    API.call("listRegoins")
    API.call("listRegions")
    Caller(current_run().apis["other"]).call("listRegoins")
    API.run.call("anything")
"""


def test_a_call_of_an_unknown_operation(specwatch: Command, workspace: Path) -> None:
    """A call names an operation of the spec; what is no caller of its API is left alone."""
    module = workspace / "contracts" / "test_example_api.py"
    module.write_text(CALLS, encoding="utf-8")
    finished = specwatch("lint", "--workspace", workspace)
    assert finished.returncode == 2
    assert finished.stdout.startswith(
        f"{module}:9: calls the unknown operation 'listRegoins'\n"
        "  expected: an operationId of example-api.yaml\n"
        "  mend: did you mean 'listRegions'?\n"
    )
    assert finished.stdout.count("unknown operation") == 1


def test_a_caller_from_the_module_beside_it(specwatch: Command, workspace: Path) -> None:
    """A caller that is imported under another name is a caller as well."""
    made = CALLS.partition("\n\ndef")[0]
    (workspace / "contracts" / "example_api_shared.py").write_text(made, encoding="utf-8")
    module = workspace / "contracts" / "test_example_api.py"
    module.write_text('from example_api_shared import API as SHOP\n\nSHOP.can("listRegoin", "second")\n')
    assert f"{module}:3: calls the unknown operation 'listRegoin'" in specwatch("lint", "--workspace", workspace).stdout


FAULT = """
from specwatch.sandbox import SandboxApi

api = SandboxApi("example-api")
api.switch("one", breaks="count-equal-regions", text="It is so.")
api.switch("two", breaks="listRegions/200", text="It is so.")
api.switch("three", breaks="count-equals-regions", text="It is so.")
"""


def test_a_fault_that_breaks_no_claim(specwatch: Command, workspace: Path) -> None:
    """What a fault says that it breaks is a claim, written or derived."""
    module = workspace / "sandbox" / "example_api.py"
    module.write_text(FAULT, encoding="utf-8")
    finished = specwatch("lint", "--workspace", workspace)
    assert finished.returncode == 2
    assert finished.stdout.startswith(
        f"{module}:5: fault 'one' breaks 'count-equal-regions', which is no claim of example-api.yaml\n"
    )
    assert "  mend: did you mean 'count-equals-regions'?\n" in finished.stdout
    assert finished.stdout.count("is no claim") == 1


def test_played_scenario_is_right(specwatch: Command, workspace: Path, spec: Path, edit: Edit) -> None:
    """A scenario claim is played by a test that carries its mark, under whatever name the mark has there."""
    edit(spec, "holds: response.json.count == size(response.json.regions)", "scenario: true")
    module = workspace / "contracts" / "test_example_api.py"
    module.write_text(CONTRACT.replace("{mark}", 'claim("example-api/count-equals-regions")'), encoding="utf-8")
    assert specwatch("lint", "--workspace", workspace).returncode == 0


MODULES = {
    "does not run": ("1 / 0\n", ":1: cannot be loaded: ZeroDivisionError: division by zero\n"),
    "has no api": ("x = 1\n", ": defines no `api`\n"),
    "for another API": (
        'from specwatch.sandbox import SandboxApi\napi = SandboxApi("other")\n',
        ": its SandboxApi is for 'other'\n",
    ),
}


@pytest.mark.parametrize("text, told", MODULES.values(), ids=MODULES.keys())
def test_sandbox_module_that_does_not_fit(specwatch: Command, workspace: Path, text: str, told: str) -> None:
    """A sandbox module that cannot serve is found before a sandbox starts."""
    module = workspace / "sandbox" / "example_api.py"
    module.write_text(text, encoding="utf-8")
    finished = specwatch("lint", "--workspace", workspace)
    assert finished.returncode == 2
    assert finished.stdout.startswith(f"{module}{told}")


def test_all_mistakes_at_once(specwatch: Command, workspace: Path, spec: Path, edit: Edit) -> None:
    """Mistakes in several files are told together, and counted in the last line."""
    edit(spec, "level: promise", "level: promised")
    edit(spec, "x-effect: read", "x-effect: write")
    edit(workspace / SETTINGS, "version: 1", "version: 2")
    finished = specwatch("lint", "--workspace", workspace)
    assert finished.stdout.splitlines()[-1].endswith(": 3 errors in 2 files")


def test_fields_of_others_are_left_alone(specwatch: Command, workspace: Path, spec: Path, edit: Edit) -> None:
    """A field that is near to none of ours belongs to another tool; a name or a value is no field at all."""
    edit(spec, "x-effect: read", "x-codegen: {x-effects: many}\n      x-internal: true\n      x-effect: read")
    edit(
        spec,
        "              schema:\n",
        "              schema:\n                default: {count: 0, regions: [], x-claim: any}\n",
    )
    edit(
        spec,
        "                properties:\n",
        "                properties:\n                  x-claim: {type: string}\n",
    )
    finished = specwatch("lint", "--workspace", workspace)
    assert (finished.returncode, finished.stdout.splitlines()[-1].split(": ")[-1]) == (0, "no errors")


def test_named_files_only(specwatch: Command, workspace: Path, spec: Path, edit: Edit) -> None:
    """With a path only that file is looked at."""
    edit(spec, "level: promise", "level: promised")
    settings = workspace / SETTINGS
    assert specwatch("lint", "--workspace", workspace, settings).returncode == 0
    assert specwatch("lint", "--workspace", workspace, spec).returncode == 2
    assert specwatch("lint", "--workspace", workspace, workspace / "specs").returncode == 2


def test_nothing_is_fetched(specwatch: Command, workspace: Path, spec: Path, edit: Edit) -> None:
    """A reference to another host is an error and no request."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x.yaml"
        edit(spec, "        '401':\n", f"        '403':\n          $ref: '{address}'\n        '401':\n")

        finished = specwatch("lint", "--workspace", workspace)

        with pytest.raises(BlockingIOError):
            server.accept()
    assert finished.returncode == 2
    assert f"$ref {address} leads nowhere" in finished.stdout


def test_own_workspace_is_right(specwatch: Command) -> None:
    """The workspace of this repository has no errors."""
    finished = specwatch("lint", "--workspace", Path(__file__).resolve().parents[2])
    assert (finished.returncode, finished.stdout.splitlines()[-1].split(": ")[-1]) == (0, "no errors")


def test_published_schema_is_a_schema() -> None:
    """The JSON Schema of the settings file accepts the smallest file and refuses another key."""
    schema = Schema(SETTINGS_FORM.schema)
    assert schema.is_valid({"version": 1})
    assert not schema.is_valid({"version": 1, "x": 1})
