"""What `specwatch probe --json` prints is what its published schema says."""

import json
import socket
from collections.abc import Mapping
from importlib.resources import files

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from specwatch.cli.probe import command
from specwatch.values import PHASES, Reason

Document = dict[str, object]


def schema() -> Mapping[str, object]:
    """The published schema."""
    text = files("specwatch.reports").joinpath("probe.schema.json").read_text(encoding="utf-8")
    document: Mapping[str, object] = json.loads(text)
    return document


def problems(document: object) -> list[str]:
    """What the schema has against a document."""
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema()).iter_errors(document)]


def probed(*arguments: str) -> Document:
    """What a run on the embedded sandbox prints."""
    done = CliRunner().invoke(
        command, [*arguments, "--json"], standalone_mode=False, help_option_names=["-h", "--help"]
    )
    document: Document = json.loads(done.stdout)
    return document


def test_schema_is_a_schema() -> None:
    """The published schema is itself valid under JSON Schema 2020-12."""
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize(
    "arguments, verdict",
    [
        (("scan-documents",), "pass"),
        (("exaroutes-bulk/round-trip", "--worker-seconds", "0"), "pass"),
        (("scan-documents/known-task", "--fault", "scan-documents/other-task"), "fail"),
        (("scan-documents/known-task", "--fault", "scan-documents/getTask/200/truncated"), "fail"),
        (("scan-documents/bad-key", "--target", "https://nothing.invalid"), "unknown"),
    ],
    ids=["an API", "a job", "a broken claim", "broken JSON", "not sent"],
)
def test_what_is_printed_satisfies_the_schema(arguments: tuple[str, ...], verdict: str) -> None:
    """Runs that pass, fail, and could not be tried all have the published form."""
    document = probed(*arguments)
    assert document["verdict"] == verdict
    assert problems(document) == []


def test_a_target_that_cannot_be_reached_satisfies_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no answer came, the failure stands in its place, with its class and phases."""
    monkeypatch.setenv("SCAN_DOCUMENTS_API_KEY", "of-no-use")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    document = probed("scan-documents/unknown-task", "--target", f"http://127.0.0.1:{port}")
    assert '"reason": "refused"' in json.dumps(document)
    assert problems(document) == []


@pytest.mark.parametrize(
    "change",
    [{"schema": "specwatch.probe/2"}, {"verdict": "maybe"}, {"runs": [{}]}, {"more": 1}],
    ids=lambda change: next(iter(change)),
)
def test_schema_refuses_other_documents(change: Document) -> None:
    """The schema is strict enough to notice a document that is not one."""
    assert problems({"schema": "specwatch.probe/1", "verdict": "unknown", "runs": []} | change) != []


def test_schema_knows_every_class_and_phase() -> None:
    """The closed sets of the schema are those of the code."""
    definitions = schema()["$defs"]
    assert isinstance(definitions, dict)
    assert definitions["reason"]["enum"] == [reason.value for reason in Reason]
    assert definitions["phases"]["propertyNames"]["enum"] == list(PHASES)
