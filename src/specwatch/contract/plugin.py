"""The pytest side of a contract run: collects the tests of the selected APIs, orders them, and books their outcome."""

from __future__ import annotations

import difflib
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from specwatch.contract.caller import ClaimBroken
    from specwatch.contract.run import ApiRun, ContractRun
    from specwatch.values.violation import Violation


class RunPlugin:
    """Connects one pytest session with one contract run.

    Args:
        run: the run.
        errors: receives a text for every test that failed for a reason of its own.
        stop_at_first: whether the first violation ends the session.
    """

    def __init__(self, run: ContractRun, errors: list[str], *, stop_at_first: bool = False) -> None:
        self._run = run
        self._errors = errors
        self._stop_at_first = stop_at_first

    def _is_ours(self, node: pytest.Item | pytest.Collector) -> bool:
        """Whether a node is, or holds, contract tests of the run: other tests of a session are left alone."""
        del node
        return True

    def _drawing(self, node: pytest.Item | pytest.Collector) -> AbstractContextManager[None]:
        """Hypothesis as the run wants it, for a node of ours."""
        from specwatch.contract.draws import drawing

        return drawing(self._run.settings) if self._is_ours(node) else nullcontext()

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """A contract module is imported with the run's settings of Hypothesis, which its decorators read."""
        with self._drawing(collector):
            return (yield)

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave out the modules of APIs that are not part of the run."""
        workspace_apis = _api_modules(collection_path.parent)
        api_id = workspace_apis.get(collection_path.name)
        return True if api_id is not None and api_id not in self._run.apis else None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep what the selection needs; directed tests in front, exploration behind."""
        kept = [item for item in items if not self._is_ours(item) or self._is_selected(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        ours = iter(sorted(map(_with_full_id, filter(self._is_ours, kept)), key=_turn))
        items[:] = [next(ours) if self._is_ours(item) else item for item in kept]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module that does not import is a defect of the contract tests."""
        if report.failed:
            self._defect(f"{report.nodeid}: {report.longreprtext}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Try again what failed, where the run was to see everything."""
        from specwatch.contract.retries import try_again

        if not self._stop_at_first and not self._run.interrupted:
            try_again(self._run)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C ended the session; pytest's own stops, which it tells here too, are no interruption."""
        self._run.interrupted = not isinstance(excinfo.value, pytest.Session.Interrupted)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Note which APIs a selection, ours or `-k`, left tests of out of the run."""
        for item in filter(self._is_ours, items):
            names = {str(mark.args[0]) for mark in item.iter_markers("api")}
            names |= {str(mark.args[0]).partition("/")[0] for mark in item.iter_markers("claim")}
            for name in names & self._run.apis.keys():
                self._run.apis[name].left_out = True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Let a test answer for its own findings alone, and draw as the run's seed says."""
        from specwatch.contract.current import findings

        findings().clear()
        with self._drawing(item):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[Any]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Book the outcome of a test for the claims that it names."""
        report = yield
        if not self._is_ours(item):
            return report
        if call.excinfo is not None:
            self._book_failure(item, call.excinfo)
        elif call.when == "call":
            for api, claim in self._claims(item):
                if _is_scenario(api, claim):
                    api.scenario(claim)
        if self._is_enough():
            item.session.shouldstop = "a violation was found"
        return report

    def _is_enough(self) -> bool:
        """Whether nothing more has to be sent."""
        return self._stop_at_first and any(api.ledger.violations for api in self._run.apis.values())

    def _is_selected(self, item: pytest.Item) -> bool:
        claims = list(item.iter_markers("claim"))
        apis = [str(mark.args[0]) for mark in item.iter_markers("api")]
        if not claims:
            return all(api in self._run.apis for api in apis)
        return any(claim in api.ledger.selected for api, claim in self._claims(item))

    def _claims(self, item: pytest.Item) -> Iterator[tuple[ApiRun, str]]:
        for mark in item.iter_markers("claim"):
            api_id, _, claim = str(mark.args[0]).partition("/")
            if api_id in self._run.apis:
                yield self._run.apis[api_id], claim

    def _book_failure(self, item: pytest.Item, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        from specwatch.contract.caller import ClaimBroken, first_finding
        from specwatch.contract.current import findings
        from specwatch.errors import CannotTell

        error = first_finding() or _cause(excinfo.value)
        findings().clear()
        if isinstance(error, (CannotTell, pytest.skip.Exception)):
            for api, claim in self._claims(item):
                api.explain(claim, str(error))
        elif isinstance(error, ClaimBroken):
            for name in self._meant(item, error):
                self._book(item, name, error)
        else:
            self._defect(f"{item.nodeid}: {type(error).__name__}: {error}")
            for api, claim in self._claims(item):
                api.explain(claim, f"its contract test itself failed: {type(error).__name__}")

    def _meant(self, item: pytest.Item, error: ClaimBroken) -> list[str]:
        """Full ids of the claims that a failure speaks about: the one it names, else all its test is marked with."""
        marked = list(self._claims(item))
        if error.claim is None:
            played = [(api, claim) for api, claim in marked if _is_scenario(api, claim)]
            return [f"{api.api.id}/{claim}" for api, claim in played or marked]
        return [f"{marked[0][0].api.id}/{error.claim}" if marked else error.claim]

    def _book(self, item: pytest.Item, name: str, error: ClaimBroken) -> None:
        """Book a finding for a claim by its full id; a claim that does not exist is a defect of the test."""
        api_id, _, claim = name.partition("/")
        api = self._run.apis.get(api_id)
        if api is None or not _has(api, claim):
            self._defect(f"{item.nodeid}: names the claim {name!r}, which no spec has{self._nearest(name)}")
        elif _is_scenario(api, claim) or not api.ledger.is_broken(claim):
            api.scenario(claim, _violation(api, claim, error))

    def _nearest(self, name: str) -> str:
        """The claim that may have been meant, as the end of a sentence."""
        known = [claim.full_id for api in self._run.apis.values() for claim in api.api.claims]
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        return f"; did you mean {near[0]!r}?" if near else ""

    def _defect(self, text: str) -> None:
        for api in self._run.apis.values():
            text = api.clean(text)
        self._errors.append(text)


def _cause(error: BaseException) -> BaseException:
    """What a test failed for: Hypothesis wraps a finding that another try does not show again in a group."""
    from specwatch.contract.caller import ClaimBroken

    while isinstance(error, BaseExceptionGroup):
        leaves = error.exceptions
        error = next((leaf for leaf in leaves if isinstance(leaf, ClaimBroken)), leaves[0])
    return error


def _with_full_id(item: pytest.Item) -> pytest.Item:
    """The test, with its whole name in its id: pytest 9.2 leaves out what schemathesis adds to a name.

    Where many tests share an id, pytest-xdist runs one of them and says nothing of the others.
    """
    full = f"{item.parent.nodeid}::{item.name}" if item.parent is not None else item.nodeid
    if item.nodeid != full:
        item._id = type(item.id).parse(full)  # noqa: SLF001
    return item


def _turn(item: pytest.Item) -> int:
    """When a test runs: what starts background work first, then what does not wait for it, exploration last."""
    marks = {mark.name for mark in item.iter_markers()}
    return 0 if "first" in marks else 3 if "last" in marks else 2 if "waits" in marks else 1


def _has(api: ApiRun, claim: str) -> bool:
    try:
        api.api.claim(claim)
    except KeyError:
        return False
    return True


def _is_scenario(api: ApiRun, claim: str) -> bool:
    from specwatch.values.claim import Scenario

    return _has(api, claim) and isinstance(api.api.claim(claim).form, Scenario)


def _violation(api: ApiRun, claim_id: str, error: ClaimBroken) -> Violation:
    from specwatch.values.violation import Violation

    claim = api.api.claim(claim_id)
    exchange = error.reply.exchange if error.reply is not None else api.last
    return Violation(
        api=api.api.id,
        claim=claim_id,
        level=claim.level,
        operation=exchange.operation if exchange is not None else "",
        kind="scenario",
        message=f"Not so: {claim.text}",
        expected=error.expected,
        found=error.found,
        exchange=exchange,
    )


def _api_modules(folder: Path) -> dict[str, str]:
    """File name to API id, for the specs beside a folder of contract tests."""
    specs = folder.parent / "specs"
    return {f"test_{path.stem.replace('-', '_')}.py": path.stem for path in specs.glob("*.*")} if specs.is_dir() else {}
