"""The specs of this workspace are sound: valid, with fitting examples, and with claims that are judged and tested."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from specwatch.claims import check_expressions
from specwatch.conformance import parse_strict
from specwatch.spec import Api, Schema, load_api
from specwatch.values import Derived

ROOT = Path(__file__).parents[2]
APIS = {path.stem: load_api(path) for path in sorted((ROOT / "specs").glob("*.yaml"))}
LOADED = [pytest.param(api, id=api_id) for api_id, api in APIS.items()]


def examples(api: Api) -> Iterator[tuple[str, object, Schema]]:
    """Every named example of a spec with each schema that it has to fit."""
    for operation in api.operations:
        for parameter in operation.parameters:
            for name, value in parameter.examples.items():
                if parameter.schema is not None:
                    yield f"{operation.id}-{parameter.name}-{name}", value, parameter.schema
        bodies = [(status, response.media) for status, response in operation.responses.items()]
        bodies += [("request", operation.body.media)] if operation.body else []
        for part, media in bodies:
            for each in media.values():
                for name, value in each.examples.items():
                    for kind, schema in (("schema", each.schema), ("inferred", each.inferred)):
                        if schema is not None:
                            yield f"{operation.id}-{part}-{each.name}-{name}-{kind}", value, schema


EXAMPLES = [
    pytest.param(value, schema, id=f"{api_id}-{name}")
    for api_id, api in APIS.items()
    for name, value, schema in examples(api)
]


def test_there_are_four_apis() -> None:
    """The four that this repository is about."""
    assert list(APIS) == ["exaroutes-bulk", "producer-videos", "qrart-tasks", "scan-documents"]


@pytest.mark.parametrize("api", LOADED)
def test_a_spec_is_valid_openapi(api: Api) -> None:
    """The reference validator of OpenAPI 3.1 finds nothing."""
    document = yaml.safe_load(api.path.read_text(encoding="utf-8"))

    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


@pytest.mark.parametrize("value, schema", EXAMPLES)
def test_an_example_fits_its_schema(value: object, schema: Schema) -> None:
    """Under JSON Schema 2020-12 with formats, for the fast validator and for the thorough one."""
    oracle = jsonschema.Draft202012Validator(
        schema.document, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )

    assert schema.errors(value) == ()
    assert [error.message for error in oracle.iter_errors(value)] == []


@pytest.mark.parametrize(
    "value, schema", [each for each in EXAMPLES if each.values[1].content is not None]  # type: ignore[union-attr]
)  # fmt: skip
def test_json_in_a_string_fits_its_schema(value: str, schema: Schema) -> None:
    """What a string holds is strict JSON and what `contentSchema` says."""
    content = parse_strict(value.encode())

    assert content.problems == ()
    assert schema.content is not None
    assert schema.content.errors(content.value) == ()


@pytest.mark.parametrize("api", LOADED)
def test_formats_are_known_to_both_validators(api: Api) -> None:
    """A format that a validator does not know is checked by nobody."""
    known = set(jsonschema.Draft202012Validator.FORMAT_CHECKER.checkers)
    text = api.path.read_text(encoding="utf-8")

    used = {line.split("format:")[1].strip() for line in text.splitlines() if line.strip().startswith("format:")}

    assert used <= known


@pytest.mark.parametrize("api", LOADED)
def test_every_documented_answer_has_an_example(api: Api) -> None:
    """Every status with a body, and every error code under it, is shown."""
    missing = []
    for operation in api.operations:
        for status, response in operation.responses.items():
            shown = [value for media in response.media.values() for value in media.examples.values()]
            codes = {json.dumps(code) for code in response.codes}
            missing += [f"{operation.id} {status} {code}" for code in codes if code not in json.dumps(shown)]
            missing += [f"{operation.id} {status}"] if response.media and not shown else []
    assert missing == []


@pytest.mark.parametrize("api", LOADED)
def test_every_expression_compiles(api: Api) -> None:
    """No claim names something that an expression cannot see."""
    assert list(check_expressions(api)) == []


@pytest.mark.parametrize("api", LOADED)
def test_every_claim_has_a_text_and_a_source(api: Api) -> None:
    """A claim is a sentence, and names the section that it is taken from."""
    claims = [claim for claim in api.claims if not isinstance(claim.form, Derived)]

    assert len(claims) > 10
    assert [claim.id for claim in claims if not claim.text.endswith((".", ".)")) or not claim.source] == []


@pytest.mark.parametrize("api", LOADED)
def test_every_doubt_is_handled(api: Api) -> None:
    """A place where the document is silent names where, and what is done about it."""
    assert [doubt.about for doubt in api.doubts if not (doubt.about and doubt.places and doubt.handling)] == []


def marked_claims() -> set[str]:
    """What the contract tests name: every text that a `claim` mark is called with."""
    found = set()
    for path in (ROOT / "contracts").glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"claim", "pytest.mark.claim"}:
                found.add(ast.literal_eval(node.args[0]))
    return found


def test_every_claim_has_a_contract_test() -> None:
    """Each claim that a spec writes down is made to happen by a test that names it."""
    written = {claim.full_id for api in APIS.values() for claim in api.claims if not isinstance(claim.form, Derived)}

    assert sorted(written - marked_claims()) == []


def test_no_contract_test_names_an_unknown_claim() -> None:
    """A claim that was renamed is renamed in its test."""
    known = {claim.full_id for api in APIS.values() for claim in api.claims}

    assert sorted(marked_claims() - known) == []
