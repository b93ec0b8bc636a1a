"""`specwatch replay`: from a failing report to the same failure, or to the news that it is gone."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from tests.loopback import Server, answer

from specwatch.sandbox import EmbeddedSandbox
from specwatch.spec import load_api

Command = Callable[..., CompletedProcess[str]]
Edit = Callable[[Path, str, str], int]

DROPPED = "example-api/listRegions/200/drop/count"
CLAIM = "example-api/listRegions/200"

SCENARIO = """\
        - id: regions-are-two
          level: promise
          text: There are two regions.
          source: List regions
          scenario: true
"""
ABOUT_KNOWN = """\
        - id: known-region-is-listed
          level: promise
          text: The region of the account is listed.
          source: List regions
          when: response.status == 200
          holds: response.json.regions.exists(region, region == known.region)
"""
TEST = """
import pytest
from specwatch.contract.caller import Caller, expect
from specwatch.contract.current import current_run

API = Caller(current_run().apis["example-api"])


@pytest.mark.claim("example-api/regions-are-two")
def test_there_are_two() -> None:
    reply = API.call("listRegions")
    expect(len(reply.json["regions"]) == 2, "two regions", reply)
"""


@pytest.fixture
def report(specwatch: Command, workspace: Path, tmp_path: Path) -> Callable[..., Path]:
    """Checks the workspace with a fault and writes reports, of which it hands one back."""

    def write(*options: str, kind: str = "json", fault: str = DROPPED) -> Path:
        path = tmp_path / f"run.{kind}"
        fixed = ("--workspace", workspace, "--profile", "smoke", "--seed", "7", "--fault", fault)
        assert specwatch("check", *fixed, f"--{kind}", path, *options).returncode == 1
        return path

    return write


def key(path: Path, claim: str = "listRegions/200") -> str:
    """The id of the violation of a claim, with its API."""
    api = json.loads(path.read_text(encoding="utf-8"))["apis"][0]
    return next(f"{api['id']}/{each['id']}" for each in api["violations"] if each["claim"] == claim)


def test_it_still_fails_with_the_fault_of_the_run(
    specwatch: Command, workspace: Path, report: Callable[..., Path]
) -> None:
    """A new sandbox has the same fault on: 1, with what was found then beside what is found now."""
    path = report()
    finished = specwatch("replay", "--workspace", workspace, f"{path}#{key(path)}")

    assert (finished.returncode, finished.stderr) == (1, "")
    rows = dict(line.strip().split("  ", 1) for line in finished.stdout.splitlines() if line.startswith("  "))
    assert rows["target"].strip() == f"sandbox, with the fault {DROPPED}"
    assert rows["done"].strip() == "sending its request again, 1 time: one exchange shows it"
    assert rows["expected"].strip() == "a required field"
    assert rows["found then"].startswith("nothing (status 200, ")
    assert rows["found now"].strip() == "nothing (status 200)"
    assert "STILL FAILS: the claim is still broken." in finished.stdout


@pytest.mark.parametrize("how", [[], ["--how", "test"]])
def test_it_is_gone_elsewhere(
    specwatch: Command, workspace: Path, report: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, how: list[str]
) -> None:
    """Against a target that does as documented it does not fail: 0. The credential is that of the environment."""
    path = report()
    with EmbeddedSandbox([load_api(workspace / "specs" / "example-api.yaml")]) as sandbox:
        monkeypatch.setenv("EXAMPLE_API_TOKEN", "specwatch-sandbox-account")
        options = ("--target", sandbox.url, "--times", "2", *how)
        finished = specwatch("replay", "--workspace", workspace, f"{path}#{key(path).partition('/')[2]}", *options)

    assert finished.returncode == 0
    assert "DOES NOT FAIL: it failed in no try." in finished.stdout


def test_without_a_credential_it_cannot_be_told(
    specwatch: Command, workspace: Path, report: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reports hold no credential: 3, and the variable is named."""
    monkeypatch.delenv("EXAMPLE_API_TOKEN", raising=False)
    path = report()
    finished = specwatch("replay", "--workspace", workspace, f"{path}#{key(path)}", "--target", "http://127.0.0.1:9")

    assert finished.returncode == 3
    assert "CANNOT TELL: EXAMPLE_API_TOKEN is not set" in finished.stdout


def test_a_scenario_is_played_again(
    specwatch: Command, workspace: Path, report: Callable[..., Path], spec: Path, edit: Edit
) -> None:
    """What takes a contract test to show is shown by it, with the run's seed, and the output says so."""
    edit(spec, "      responses:\n", f"{SCENARIO}\n      responses:\n")
    edit(spec, "regions: [north, south]", "regions: [north]")
    (workspace / "contracts" / "test_example_api.py").write_text(TEST, encoding="utf-8")
    path = report()
    wanted = f"{path}#{key(path, 'regions-are-two')}"
    finished = specwatch("replay", "--workspace", workspace, wanted, "--times", "2")

    assert finished.returncode == 1
    assert "running contract tests, 2 times: no single exchange shows it" in finished.stdout
    assert "STILL FAILS: it failed in 2 of 2 tries." in finished.stdout
    assert specwatch("replay", "--workspace", workspace, wanted, "--how", "request").returncode == 2


def test_without_an_id_it_lists_what_there_is(specwatch: Command, workspace: Path, report: Callable[..., Path]) -> None:
    """Every violation with its claim and how it would be replayed; the command that is shown works."""
    path = report()
    finished = specwatch("replay", "--workspace", workspace, path)

    assert finished.returncode == 0
    assert f"{key(path)}  {CLAIM}\n" in finished.stdout
    command = next(line for line in finished.stdout.splitlines() if line.startswith("  next  ")).split("  # ")[0]
    assert specwatch("--workspace", workspace, *shlex.split(command)[2:]).returncode == 1


def test_a_har_serves_as_well(specwatch: Command, workspace: Path, report: Callable[..., Path]) -> None:
    """Its exchanges are judged first; which faults were on has to be said, for a HAR does not."""
    har = report("--json", "run.json", kind="har")
    wanted = f"{har}#{key(Path('run.json'))}"

    honest = specwatch("replay", "--workspace", workspace, wanted)
    assert honest.returncode == 0
    assert "a HAR does not say which faults of the sandbox were on: name them with --fault" in honest.stdout
    assert specwatch("replay", "--workspace", workspace, wanted, "--fault", DROPPED).returncode == 1


def test_the_check_says_how_to_replay(specwatch: Command, workspace: Path, report: Callable[..., Path]) -> None:
    """A run that fails and writes its report ends with a replay of its first violation that can be pasted."""
    path = report()
    options = ("--profile", "smoke", "--fault", DROPPED, "--json", path)
    finished = specwatch("check", "--workspace", workspace, *options)
    line = next(line for line in finished.stdout.splitlines() if " replay " in line)

    assert specwatch(*shlex.split(line, comments=True)[2:]).returncode == 1


def test_nothing_broken_is_nothing_to_replay(specwatch: Command, workspace: Path) -> None:
    """The list of a run that passed is empty, and says so."""
    specwatch("check", "--workspace", workspace, "--profile", "smoke", "--json", "good.json")
    finished = specwatch("replay", "--workspace", workspace, "good.json")

    assert finished.returncode == 0
    assert "nothing in it breaks a claim, so there is nothing to replay." in finished.stdout


@pytest.mark.parametrize(
    "content, told",
    [
        (None, "there is no such file"),
        ("{", "is no JSON"),
        ("[]", "is no report of specwatch"),
        ('{"schema": "specwatch.check/2"}', "is specwatch.check/2"),
        ('{"schema": "specwatch.check/1"}', "what the schema of specwatch.check/1 asks for"),
        ('{"log": {"entries": [{}]}}', "entry 0: was not recorded by specwatch"),
        ('{"log": {"entries": [{"_specwatch": {"api": "example-api"}}]}}', "entry 0: cannot be read"),
        ('{"log": {"entries": [7]}}', "entry 0: was not recorded by specwatch"),
    ],
)
def test_files_that_are_no_report(specwatch: Command, workspace: Path, content: str | None, told: str) -> None:
    """Whatever else the file is, it is said in a block, with 2."""
    if content is not None:
        Path("run.json").write_text(content, encoding="utf-8")
    finished = specwatch("replay", "--workspace", workspace, "run.json#0123456789")

    assert (finished.returncode, finished.stdout) == (2, "")
    assert told in finished.stderr


def test_faults_of_other_apis_are_left_out(
    specwatch: Command, workspace: Path, spec: Path, report: Callable[..., Path]
) -> None:
    """A run over several APIs had faults of several: a replay is about one, and switches on what was on for that."""
    other = spec.read_text(encoding="utf-8").replace("listRegions", "listZones").replace("/v1/regions", "/v1/zones")
    spec.with_name("other-api.yaml").write_text(other, encoding="utf-8")
    path = report("--fault", "other-api/listZones/200/drop/count")
    finished = specwatch("replay", "--workspace", workspace, f"{path}#{key(path)}")

    assert (finished.returncode, finished.stderr) == (1, "")
    assert f"sandbox, with the fault {DROPPED}\n" in finished.stdout


def _id(document: Any) -> None:
    document["apis"][0]["id"] = "other-api"


def _claim(document: Any) -> None:
    document["apis"][0]["violations"][0]["claim"] = "listRegions/20"


def _fault(document: Any) -> None:
    document["faults"] = ["example-api/no-such"]


@pytest.mark.parametrize(
    "change, told",
    [
        (_id, "no such API"),
        (_claim, "mend: did you mean listRegions/200"),
        (_fault, "--fault example-api/no-such: no such fault"),
    ],
)
def test_reports_of_another_workspace(
    specwatch: Command, workspace: Path, report: Callable[..., Path], change: Callable[[Any], None], told: str
) -> None:
    """An API, claim or fault that this workspace does not have is named, and nothing is sent."""
    path = report()
    document = json.loads(path.read_text(encoding="utf-8"))
    found = next(v for v in document["apis"][0]["violations"] if v["claim"] == "listRegions/200")
    document["apis"][0]["violations"] = [found]
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")
    listed = specwatch("replay", "--workspace", workspace, path).stdout
    command = shlex.split(next(line for line in listed.splitlines() if line.startswith("  next  ")), comments=True)
    finished = specwatch("--workspace", workspace, *command[2:])

    assert finished.returncode == 2
    assert told in finished.stderr


def test_an_unknown_id_is_told(specwatch: Command, workspace: Path, report: Callable[..., Path]) -> None:
    """With the ids that there are."""
    path = report()
    finished = specwatch("replay", "--workspace", workspace, f"{path}#0123456789")

    assert finished.returncode == 2
    assert "no such violation" in finished.stderr
    assert key(path) in finished.stderr


def _moved(path: Path, url: str, target: str, **request: Any) -> None:
    """Edit a report: it was made against `target`, and its exchanges went to `url`, maybe with another request."""
    document = json.loads(path.read_text(encoding="utf-8"))
    document |= {"target": target, "faults": []}
    for violation in document["apis"][0]["violations"]:
        exchange = violation["exchange"]
        exchange["request"]["url"] = exchange["request"]["url"].replace(exchange["target"], url)
        exchange["request"] |= request
        exchange["target"] = url
    path.write_text(json.dumps(document), encoding="utf-8")


@pytest.mark.parametrize("kind", ["recorded", "url"])
def test_an_address_that_only_the_report_names_has_to_be_named_again(
    specwatch: Command, workspace: Path, report: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Whoever edits a report sends nobody's credentials anywhere: nothing arrives until --target names the address."""
    path = report()
    monkeypatch.setenv("EXAMPLE_API_TOKEN", "specwatch-sandbox-account")
    server = Server(lambda _: answer(200, {"count": 2, "regions": ["north", "south"]}))
    with contextlib.closing(server):
        _moved(path, server.url, kind if kind == "recorded" else server.url)
        unasked = specwatch("replay", "--workspace", workspace, f"{path}#{key(path)}")
        assert (unasked.returncode, server.received) == (2, [])
        assert f"the report was made against {server.url}" in unasked.stderr
        assert f"--target {server.url} sends it there" in unasked.stderr

        listed = specwatch("replay", "--workspace", workspace, path).stdout
        line = next(line for line in listed.splitlines() if line.startswith("  next  "))
        asked = specwatch(*shlex.split(line, comments=True)[2:])
        assert len(server.received) == 1
    assert f"  target      {server.url}\n" in asked.stdout


def test_a_server_of_the_spec_needs_no_naming(
    specwatch: Command, workspace: Path, spec: Path, report: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The spec vouches for its own servers, whether the run called them live or recorded traffic went there."""
    path = report()
    monkeypatch.setenv("EXAMPLE_API_TOKEN", "specwatch-sandbox-account")
    server = Server(lambda _: answer(200, {"count": 2, "regions": ["north", "south"]}))
    text = spec.read_text(encoding="utf-8")
    (url,) = load_api(spec).servers
    spec.write_text(text.replace(url, server.url), encoding="utf-8")
    with contextlib.closing(server):
        for target in ("recorded", server.url, "live"):
            _moved(path, server.url, target)
            specwatch("replay", "--workspace", workspace, f"{path}#{key(path)}")
        assert len(server.received) == 3


def test_a_check_of_a_url_says_how_to_replay_there(
    specwatch: Command, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its replay, on the terminal and on the page, names the target again, so that it can be pasted."""
    monkeypatch.setenv("EXAMPLE_API_TOKEN", "specwatch-sandbox-account")
    server = Server(lambda _: answer(200, {"regions": []}))
    with contextlib.closing(server):
        options = ("--profile", "smoke", "--target", server.url, "--json", "run.json", "--html", "run.html")
        shown = specwatch("check", "--workspace", workspace, *options).stdout
        line = next(line for line in shown.splitlines() if " replay " in line)
        before = len(server.received)
        replayed = specwatch(*shlex.split(line, comments=True)[2:])
        assert (replayed.returncode, len(server.received)) == (1, before + 1)
    assert f"--target {server.url}" in line
    page = Path("run.html").read_text(encoding="utf-8")
    assert re.search(rf"replay (&#39;)?run.json#[0-9a-f]+(&#39;)? --target {re.escape(server.url)}", page)


@pytest.mark.parametrize("name, value", [("x-é", "a"), ("x-a", "€"), ("x a", "a"), ("x-a", "b\r\nInjected: 1")])
def test_a_header_that_cannot_be_sent_is_told(
    specwatch: Command, workspace: Path, report: Callable[..., Path], name: str, value: str
) -> None:
    """No run has sent it, so the report was edited: that is said in a block, with 2, and nothing is sent."""
    path = report()
    _moved(path, "http://127.0.0.1:9", "sandbox", headers=[{"name": name, "value": value}])
    finished = specwatch("replay", "--workspace", workspace, f"{path}#{key(path)}")

    assert (finished.returncode, finished.stdout) == (2, "")
    assert "has a header that cannot be sent" in finished.stderr


def test_the_curl_line_is_that_of_what_was_sent(
    specwatch: Command, workspace: Path, report: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not that of the report: its own credential is left out, and ours is a variable."""
    path = report()
    monkeypatch.setenv("EXAMPLE_API_TOKEN", "tok-of-ours-0001")
    server = Server(lambda _: answer(200, {"regions": []}))
    headers = [
        {"name": n, "value": v} for n, v in (("accept", "text/*"), ("authorization", "Bearer x"), ("cookie", "a=b"))
    ]
    with contextlib.closing(server):
        _moved(path, server.url, server.url, headers=headers)
        shown = specwatch("replay", "--workspace", workspace, f"{path}#{key(path)}", "--target", server.url).stdout
        (arrived,) = server.received
    line = next(line for line in shown.splitlines() if "curl -i " in line)
    sent = shlex.split(line.partition("curl -i ")[2])

    assert (arrived.headers["authorization"], arrived.headers["accept"]) == ("Bearer tok-of-ours-0001", "text/*")
    assert "cookie" not in arrived.headers
    assert sent[0] == f"{server.url}{arrived.path}"
    assert sent[1:] == ["-H", "accept: text/*", "-H", "authorization: Bearer $EXAMPLE_API_TOKEN"]


ONLY_UNKEYED = """
import pytest
from specwatch.contract.caller import Caller
from specwatch.contract.current import current_run

API = Caller(current_run().apis["example-api"])


@pytest.mark.api("example-api")
def test_asks_nobody() -> None:
    API.call("listRegions", credentials="absent")


@pytest.mark.claim("example-api/listRegions/status")
def test_asks() -> None:
    API.call("listRegions")
"""


def test_all_contract_tests_are_played_on_the_sandbox(
    specwatch: Command, workspace: Path, report: Callable[..., Path]
) -> None:
    """What another claim's test shows is found again: the choice of a claim does not change what is sent."""
    (workspace / "contracts" / "test_example_api.py").write_text(ONLY_UNKEYED, encoding="utf-8")
    for path in (workspace / "contracts").glob("test_*.py"):
        if path.name != "test_example_api.py":
            path.unlink()
    path = report()
    finished = specwatch("replay", "--workspace", workspace, f"{path}#{key(path)}", "--how", "test")

    assert finished.returncode == 1
    assert "STILL FAILS: the claim is still broken." in finished.stdout


def test_a_claim_that_was_not_asked_about_is_not_kept(
    specwatch: Command, workspace: Path, report: Callable[..., Path]
) -> None:
    """Contract tests that keep the claim without a request like that which failed establish nothing: 3."""
    path = report()
    document = json.loads(path.read_text(encoding="utf-8"))
    for violation in document["apis"][0]["violations"]:
        violation["exchange"]["request"]["url"] += "?shape=another"
    document["faults"] = []
    path.write_text(json.dumps(document), encoding="utf-8")
    finished = specwatch("replay", "--workspace", workspace, f"{path}#{key(path)}", "--how", "test")

    assert finished.returncode == 3
    assert "CANNOT TELL: no request like that which failed was sent, listRegions with token account." in finished.stdout
    line = next(line for line in finished.stdout.splitlines() if line.startswith("  next  "))
    assert specwatch("--workspace", workspace, *shlex.split(line, comments=True)[4:]).returncode == 0


@pytest.mark.parametrize("times, advice", [("1", "--times 20 asks"), ("20", "--times 100 asks"), ("100", "")])
def test_what_came_and_went_is_not_gone(
    specwatch: Command, workspace: Path, report: Callable[..., Path], times: str, advice: str
) -> None:
    """A failure that showed at some tries only and is not seen now may come again: 3, with a larger number if any."""
    path = report()
    document = json.loads(path.read_text(encoding="utf-8"))
    for violation in document["apis"][0]["violations"]:
        violation["rate"] = {"failed": 2, "tries": 5}
    document["faults"] = []
    path.write_text(json.dumps(document), encoding="utf-8")
    finished = specwatch("replay", "--workspace", workspace, f"{path}#{key(path)}", "--times", times)

    tries = "1 try" if times == "1" else f"{times} tries"
    assert finished.returncode == 3
    assert f"CANNOT TELL: not seen in {tries}; it came and went before." in finished.stdout
    assert ("asks more often" in finished.stdout) is bool(advice)
    assert advice in finished.stdout


def test_the_sandbox_that_the_curl_line_needs_is_named(
    specwatch: Command, workspace: Path, report: Callable[..., Path]
) -> None:
    """The curl line goes to the port of a sandbox that has ended: the next line starts one there, with the fault."""
    path = report()
    lines = specwatch("replay", "--workspace", workspace, f"{path}#{key(path)}").stdout.splitlines()
    curl = next(line for line in lines if "curl -i " in line)
    port = curl.partition("http://127.0.0.1:")[2].partition("/")[0]
    command = shlex.split(next(line for line in lines if " sandbox --port " in line), comments=True)

    assert command[1:4] == ["specwatch", "--workspace", str(workspace)]
    assert command[4:] == ["sandbox", "--port", port, "--api", "example-api", "--fault", DROPPED]


def test_a_replay_that_sent_nothing_shows_no_curl_line_but_what_helps(
    specwatch: Command, workspace: Path, report: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a credential, or a target that can be reached, the next step is to mend that."""
    path = report()
    wanted = ("replay", "--workspace", workspace, f"{path}#{key(path)}", "--target", "http://127.0.0.1:9")
    monkeypatch.delenv("EXAMPLE_API_TOKEN", raising=False)
    unset = specwatch(*wanted).stdout
    monkeypatch.setenv("EXAMPLE_API_TOKEN", "specwatch-sandbox-account")
    gone = specwatch(*wanted).stdout

    assert "next  set the variables that are named above, then repeat the command" in unset
    assert "next  see that the target can be reached from here, then repeat the command" in gone
    assert "curl" not in unset + gone


def test_a_har_lists_what_a_check_of_it_finds(
    specwatch: Command, workspace: Path, spec: Path, report: Callable[..., Path], edit: Edit
) -> None:
    """Claims that look at identifiers of the account are among them."""
    har = report(kind="har")
    edit(spec, "      responses:\n", f"{ABOUT_KNOWN}\n      responses:\n")
    edit(
        spec,
        "\npaths:",
        "\nx-known: {region: {value: east}}\n\npaths:",
    )
    assert specwatch("check", "--workspace", workspace, "--from", har, "--json", "from.json").returncode == 1
    (api,) = json.loads(Path("from.json").read_text(encoding="utf-8"))["apis"]
    listed = specwatch("replay", "--workspace", workspace, har).stdout

    assert {"listRegions/200", "known-region-is-listed"} <= {each["claim"] for each in api["violations"]}
    assert [line.split()[0] for line in listed.splitlines() if line.startswith("example-api/")] == [
        f"example-api/{each['id']}" for each in api["violations"]
    ]
