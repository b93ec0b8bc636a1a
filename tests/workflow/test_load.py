"""What a document becomes when it is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from specwatch.errors import WorkspaceError
from specwatch.spec import Api, Effect, load_api
from specwatch.workflow import ActionKind, Document, fill_inputs, input_problems, load_document, unknown_inputs

DATA = Path(__file__).with_name("data")
API = load_api(Path(__file__).parents[1] / "shop.yaml")


def apis(path: Path) -> Api | None:
    """The one API there is."""
    return API if path.name == "shop.yaml" else None


@pytest.fixture(scope="module")
def shop() -> Document:
    """The document with every construct."""
    return load_document(DATA / "shop.arazzo.yaml", apis)


def test_a_document_has_its_sources_and_workflows(shop: Document) -> None:
    """Version, title, sources and workflows are there, in their order, and nothing is missing."""
    assert (shop.version, shop.title, shop.missing) == ("1.0.1", "A shop", ())
    assert {name: (source.type, source.resolved) for name, source in shop.sources.items()} == {
        "shop": ("openapi", True),
        "more": ("arazzo", True),
    }
    assert list(shop.workflows) == [
        "one",
        "item",
        "job",
        "nested",
        "outer",
        "make-one",
        "ways",
        "failing",
        "bodies",
        "refusals",
    ]
    assert shop.workflow("one").document is shop


def test_apis_can_be_given_by_their_paths() -> None:
    """The APIs may be a mapping; its paths need not be resolved."""
    path = DATA / ".." / ".." / "shop.yaml"

    document = load_document(DATA / "more.arazzo.yaml", {path: API})

    assert document.sources["shop"].api is API


def test_steps_know_their_operations(shop: Document) -> None:
    """An operation is found by its id, with or without its source, and by its path."""
    steps = shop.workflow("item").steps

    assert [(step.operation and step.operation.id, step.api) for step in steps] == [("getItem", API)] * 2
    assert steps[0].place.endswith("shop.arazzo.yaml:22")
    assert [(p.name, p.location) for p in steps[0].parameters] == [
        ("X-Trace", "header"), ("lang", "query"), ("id", "path"), ("theme", "cookie")
    ]  # fmt: skip


def test_effects_and_refusals_are_seen(shop: Document) -> None:
    """A step knows what its operation does to the provider, and whether it is promised to be refused."""
    steps = shop.workflow("job").steps

    assert [(step.operation and step.operation.effect, step.refused) for step in steps] == [
        (Effect.CREATE, False), (Effect.READ, False), (Effect.CONSUME, False), (Effect.CONSUME, True)
    ]  # fmt: skip
    assert [step.refused for step in shop.workflow("refusals").steps] == [True, True, True, False, False, False]


def test_actions_are_those_of_the_step_then_of_the_workflow(shop: Document) -> None:
    """Actions keep their order; a retry is attempted once unless it says how often."""
    poll, first = shop.workflow("job").step("poll"), shop.workflow("failing").step("first")

    assert [(a.kind, a.retry_after, a.retry_limit) for a in poll.on_failure] == [
        (ActionKind.RETRY, 2.0, 1), (ActionKind.RETRY, 5.0, 1), (ActionKind.RETRY, 15.0, 2)
    ]  # fmt: skip
    assert [a.name for a in first.on_failure] == ["aside", "repair", "nested", "blind", "stop"]


def test_inputs_are_described_by_their_schema(shop: Document) -> None:
    """Names, required ones and defaults come from the schema, through its references."""
    item, job = shop.workflow("item"), shop.workflow("job")

    assert (item.input_names, item.required_inputs, item.defaults) == (("item",), frozenset({"item"}), {})
    assert (job.input_names, job.required_inputs, job.defaults) == (("name", "like"), frozenset(), {"name": "a cup"})
    assert fill_inputs(job, {"like": "i-1"}) == {"name": "a cup", "like": "i-1"}
    assert input_problems(job, {"name": 5}) == ("input name of job: found 5, expected type string",)
    assert unknown_inputs(job, {"nam": 1}) == ("input nam: job knows name, like; did you mean 'name'?",)
    assert unknown_inputs(shop.workflow("one"), {"x": 1}) == ("input x: one has no inputs",)


def test_a_source_that_is_missing_is_no_error(tmp_path: Path) -> None:
    """A remote or absent source, and one that cannot be loaded, leave a document whose steps cannot run."""
    (tmp_path / "broken.yaml").write_text("openapi: 3.0.0\n", encoding="utf-8")
    path = tmp_path / "x.arazzo.yaml"
    path.write_text(
        "arazzo: 1.0.1\ninfo: {title: x, version: '1'}\nsourceDescriptions:\n"
        "  - {name: far, url: 'https://api.example.com/openapi.yaml', type: openapi}\n"
        "  - {name: absent, url: absent.arazzo.yaml}\n"
        "  - {name: broken, url: broken.yaml}\n"
        "workflows:\n"
        "  - workflowId: w\n"
        "    steps:\n"
        "      - {stepId: a, operationId: far.getIt, outputs: {x: $steps.b.outputs.nothing}}\n"
        "      - {stepId: b, workflowId: $sourceDescriptions.absent.workflows.v, outputs: {x: $outputs.any}}\n"
        "      - {stepId: c, operationPath: '{$sourceDescriptions.broken.url}#/paths/~1x/get'}\n",
        encoding="utf-8",
    )

    document = load_document(path, load_api)

    assert [problem.where.rpartition(":")[2] for problem in document.missing] == ["4", "5", "6", "10"]
    assert [problem.found.replace(str(tmp_path), "") for problem in document.missing] == [
        "source far: https://api.example.com/openapi.yaml is not fetched: only files are",
        "source absent: absent.arazzo.yaml does not exist",
        "source broken: broken.yaml cannot be loaded: /broken.yaml:1: openapi is '3.0.0'",
        "no output of the step b is called 'nothing'",
    ]
    assert all(step.unresolved for step in document.workflow("w").steps)


def test_documents_that_name_each_other_are_told_apart(tmp_path: Path) -> None:
    """A circle of documents ends: the inner one misses the outer one."""
    text = (
        "arazzo: 1.0.1\ninfo: {{title: x, version: '1'}}\nsourceDescriptions: [{{name: o, type: arazzo, url: {0}}}]\n"
    )
    steps = "workflows: [{workflowId: w, steps: [{stepId: a, workflowId: $sourceDescriptions.o.w}]}]\n"
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{name}.yaml").write_text(text.format(f"{other}.yaml") + steps, encoding="utf-8")

    document = load_document(tmp_path / "a.yaml", load_api)

    assert "a circle" in document.missing[0].found


@pytest.mark.parametrize("version", ["1.0.0", "1.0.1", "1.1.0", "1.1.7"])
def test_versions_1_0_and_1_1_are_read(tmp_path: Path, version: str) -> None:
    """The patch version makes no difference (Arazzo, "Versions")."""
    path = DATA / "more.arazzo.yaml"
    text = path.read_text(encoding="utf-8").replace("arazzo: 1.0.0", f"arazzo: {version}")
    (tmp_path / "more.arazzo.yaml").write_text(text.replace("../../", f"{DATA}/../../"), encoding="utf-8")

    assert load_document(tmp_path / "more.arazzo.yaml", apis).version == version


def test_an_operation_in_two_sources_has_to_be_named_with_its_source(tmp_path: Path) -> None:
    """Where two sources know an operation, its id alone is refused."""
    text = (DATA / "more.arazzo.yaml").read_text(encoding="utf-8").replace("../../", f"{DATA}/../../")
    again = f"sourceDescriptions:\n  - {{name: two, type: openapi, url: {DATA}/../../shop.yaml}}"
    path = tmp_path / "more.arazzo.yaml"
    path.write_text(text.replace("sourceDescriptions:", again), encoding="utf-8")

    with pytest.raises(WorkspaceError, match="operation 'getPrice' is in several sources"):
        load_document(path, apis)
