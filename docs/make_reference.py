# ruff: noqa: INP001 - a script, no package
"""Writes the pages of docs/reference/ that code and workspace already know: commands, settings, profiles, faults.

python docs/make_reference.py
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Final

import click

from specwatch.cli.app import COMMANDS, group
from specwatch.contract.profile import PROFILES
from specwatch.sandbox import Catalogue, FaultKind, load_modules, underivable
from specwatch.spec import Api
from specwatch.workspace import SETTINGS_FILE, Workspace

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / "docs" / "reference"
NOTE: Final = "<!-- Written by docs/make_reference.py. Change what it is made from, then run it again. -->"

LIMITS: Final = {
    "max_requests": "requests per API at most, unless `--budget` says otherwise",
    "coverage": "boundary values that a spec allows and rules out",
    "cases": "cases per operation from schemathesis at most",
    "fuzz_examples": "random requests per operation",
    "walks": "random walks along the links of an API",
    "steps": "calls per walk",
    "behaviour_examples": "inputs per contract test that varies them",
    "repeats": "how often a free read is repeated",
    "large_bodies": "bodies of many megabytes are sent",
}


def pages() -> dict[str, str]:
    """File name to text of every generated page."""
    makers: Mapping[str, Callable[[], Iterator[str]]] = {
        "commands.md": commands,
        "settings.md": settings,
        "profiles.md": profiles,
        "faults.md": faults,
    }
    return {name: "\n".join([*make(), ""]) for name, make in makers.items()}


def workspace() -> Workspace:
    """The workspace of this checkout."""
    return Workspace(ROOT, "this checkout")


# ------------------------------------------------------------------------------------------------------------ commands


def commands() -> Iterator[str]:
    """Every command with its arguments and options, as click knows them."""
    yield from ("# Commands", "", NOTE, "")
    yield "The same words as `specwatch COMMAND --help`. What the exit codes mean: [exit codes](exit-codes.md)."
    root = click.Context(group, info_name="specwatch", **group.context_settings)
    yield from ("", "## specwatch", "", f"    {group.get_usage(root)[7:]}", "")
    yield from _help(group)
    yield from _options(root)
    for name in sorted(COMMANDS):
        command = import_module(COMMANDS[name][0]).command
        context = click.Context(command, info_name=name, parent=root)
        yield from ("", f"## specwatch {name}", "", f"    {command.get_usage(context)[7:]}", "")
        yield from _help(command)
        yield from _options(context)


def _help(command: click.Command) -> Iterator[str]:
    for paragraph in (command.help or "").split("\n\n"):
        yield " ".join(paragraph.split())
        yield ""


def _options(context: click.Context) -> Iterator[str]:
    records = [record for each in context.command.get_params(context) if (record := each.get_help_record(context))]
    yield from ("| option | |", "|---|---|")
    for declaration, text in records:
        yield f"| `{_cell(declaration)}` | {_cell(text)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


# ------------------------------------------------------------------------------------------------------------ settings


def settings() -> Iterator[str]:
    """Every environment variable of the workspace: what it holds, and who reads it."""
    yield from ("# Settings", "", NOTE, "")
    yield (
        f"`{SETTINGS_FILE}` lists the variables that the specs of a workspace may name; a spec that names another one"
        " is refused. All are optional: without one, the claims that need it are `unknown`, and the report names it."
    )
    yield ""
    yield "- Values come from the environment, then from `.env` in the current folder. Empty ones count as unset."
    yield "- `NAME_FILE` may hold the path of a file with the value of `NAME`."
    yield "- For the embedded sandbox no variable is read."
    yield "- Where a cell names two variables for one credential, the first that is set is used."
    yield ""
    yield from ("| variable | holds | read by |", "|---|---|---|")
    uses = _uses()
    for name, text in variables().items():
        yield f"| `{name}` | {text} | {'; '.join(uses.get(name, ['no spec']))} |"
    yield ""
    yield "## Variables of the program"
    yield ""
    yield from ("| variable | effect |", "|---|---|")
    yield "| `NO_COLOR` | no colours |"
    yield "| `COLUMNS` | the width of what is printed |"
    yield "| `CI` | plain lines instead of a table that renews itself, on a terminal too |"
    yield "| `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY` | a proxy for https targets; loopback addresses never get one |"
    yield "| `HTTP_PROXY` | the same for http targets, but not for `check`, which uses none there |"
    yield (
        "| `SPECWATCH_WEB_TOKEN` | the bearer token that [requests to `specwatch watch`](http-endpoints.md#who-may-ask)"
        " need; none without it. `SPECWATCH_WEB_TOKEN_FILE` and `.env` work as above |"
    )
    yield (
        "| `SPECWATCH_NOTIFY_URL` | where `specwatch watch` posts"
        " [changes of verdicts](../how-to/get-notified-without-alertmanager.md), unless `--notify` says otherwise; a"
        " secret. `SPECWATCH_NOTIFY_URL_FILE` and `.env` work as above |"
    )
    yield ""
    yield "## Files of the program"
    yield ""
    yield "| file | what it is |"
    yield "|---|---|"
    yield "| `.env` | variables, read from the current folder; `watch` reads it again when it is told to reload |"
    yield (
        "| `.specwatch/` | made in the current folder by `watch`, and by `probe` where a run creates or consumes"
        " something, on a target that is no sandbox: [the state](state-file.md); and by `up`, whose logs, samples and"
        " configuration are in `.specwatch/up/` |"
    )


def variables() -> dict[str, str]:
    """Variable to the comment above it in the settings file."""
    found: dict[str, str] = {}
    comment: list[str] = []
    for line in (ROOT / SETTINGS_FILE).read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if text.startswith("#"):
            comment.append(text.removeprefix("#").strip())
        elif match := re.fullmatch(r"- (\w+)", text):
            found[match[1]] = " ".join(comment[-1:])
            comment.clear()
        else:
            comment.clear()
    return found


def _uses() -> dict[str, list[str]]:
    uses: dict[str, list[str]] = {}
    for api in workspace().apis():
        for name, use in _uses_of(api):
            uses.setdefault(name, []).append(f"`{api.id}`: {use}")
    return uses


def _uses_of(api: Api) -> Iterator[tuple[str, str]]:
    for scheme in api.schemes.values():
        states = {state.name: state.variables for state in scheme.states.values()}
        for role, names in {**scheme.variables, **states}.items():
            order = f" (of {', '.join(f'`{name}`' for name in names)})" if len(names) > 1 else ""
            yield from ((name, f"header `{scheme.header}`, role `{role}`{order}") for name in names)
    for known in api.known.values():
        yield known.setting, f"`known.{known.name}`"


# ------------------------------------------------------------------------------------------------------------ profiles


def profiles() -> Iterator[str]:
    """What each profile sends."""
    yield from ("# Profiles", "", NOTE, "")
    yield "How much `specwatch check --profile NAME` asks. All figures are upper bounds, per API."
    yield ""
    yield f"| | {' | '.join(f'`{name}`' for name in PROFILES)} |"
    yield f"|---|{'---|' * len(PROFILES)}"
    for field in fields(next(iter(PROFILES.values()))):
        if field.name != "name":
            values = (_value(getattr(profile, field.name)) for profile in PROFILES.values())
            yield f"| {LIMITS[field.name]} | {' | '.join(values)} |"
    yield ""
    yield "Directed requests come first: what the contract tests ask, each credential missing, wrong and misplaced, and"
    yield "every documented failure that a credential can bring about. Random ones get what is left of the budget."


def _value(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"{value:,}"


# -------------------------------------------------------------------------------------------------------------- faults


def faults() -> Iterator[str]:
    """The faults and variations that the sandbox modules declare; derived ones are told by their patterns elsewhere."""
    apis = workspace().apis()
    catalogue = Catalogue(apis, load_modules(workspace().sandbox, apis))
    yield from ("# Faults", "", NOTE, "")
    yield (
        "What the sandbox modules of this workspace can do wrong. The faults that follow from a spec are many more;"
        " `specwatch sandbox --list-faults` prints them all, and [the sandbox](sandbox.md#derived-faults) says how they"
        " are named."
    )
    for api in apis:
        mine = [fault for fault in catalogue.of(api.id).values() if "/variation/" not in fault.name]
        yield from ("", f"## {api.id}", "", "| fault | what deviates | breaks |", "|---|---|---|")
        for fault in (each for each in mine if each.kind is FaultKind.BEHAVIOUR):
            yield f"| `{fault.name}` | {_cell(fault.text)} | `{fault.breaks}` ({fault.level}) |"
        allowed = [each for each in mine if each.kind is FaultKind.VARIATION]
        if allowed:
            yield from ("", "Variations, which the document allows:", "", "| variation | what differs |", "|---|---|")
            yield from (f"| `{each.name}` | {_cell(each.text)} |" for each in allowed)
        yield from _unbuilt(api)


def _unbuilt(api: Api) -> Iterator[str]:
    """What would follow from the spec but cannot be built, by reason."""
    by_reason: dict[str, list[str]] = {}
    for each in underivable(api):
        by_reason.setdefault(each.reason, []).append(f"`{each.what}`")
    yield from (
        "",
        "Not built, though it would follow from the spec:",
        "",
        "| reason | what it would be |",
        "|---|---|",
    )
    yield from (f"| {_cell(reason)} | {', '.join(names)} |" for reason, names in by_reason.items())


def main() -> None:
    """Write all pages."""
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
