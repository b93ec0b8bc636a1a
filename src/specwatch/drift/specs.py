"""Overlays and the specs of a workspace: which belongs to which, and how a spec is changed without losing it."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path, PurePosixPath
from typing import Final

from specwatch.drift.editing import edited
from specwatch.drift.gravity import grave
from specwatch.drift.merging import carried_out
from specwatch.drift.overlay import DIGEST, Action, Overlay, path_of, reference
from specwatch.errors import Problem, UsageError
from specwatch.lint import lint_spec
from specwatch.reports.files import check_writable, write_text
from specwatch.spec.files import read_text
from specwatch.spec.source import Source

_AGAIN: Final = "make it again from a report, or take that line out of the overlay to apply it all the same"


@dataclass(frozen=True, slots=True)
class Change:
    """A spec that is about to be changed.

    Args:
        api: its id.
        spec: its file.
        before: its bytes when it was read.
        text: its text after the change.
        actions: what was done.
        missed: what could not be done, as its target is nowhere in the spec.
        reformatted: whether lines had to be written anew that did not have to change.
        applied: the overlays that had been applied before, so that nothing of them was left to do.
        grave: what of it decides where requests go, what they carry, cost and do.
    """

    api: str
    spec: Path
    before: bytes
    text: str
    actions: tuple[Action, ...]
    reformatted: bool
    applied: tuple[str, ...] = ()
    grave: tuple[str, ...] = ()
    missed: tuple[Action, ...] = ()

    @property
    def lines(self) -> tuple[int, int]:
        """How many lines are added and removed."""
        old, new = _text(self.before).splitlines(), self.text.splitlines()
        added = removed = 0
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if tag != "equal":
                added, removed = added + j2 - j1, removed + i2 - i1
        return added, removed


def digest_of(spec: Path) -> str:
    """What tells whether a spec is still the one that an overlay was made for."""
    return hashlib.sha256(spec.read_bytes()).hexdigest()


def overlay_for(api: str, spec: Path, place: Path | None, actions: tuple[Action, ...]) -> Overlay:
    """An overlay of ours.

    Args:
        api: its id.
        spec: its file.
        place: where the overlay is going to be; None where it is not written.
        actions: one or more.
    """
    extends = reference(Path(os.path.relpath(spec, place.parent)).as_posix()) if place is not None else ""
    return Overlay(f"Drift of {api}", "1.0.0", actions, extends, digest_of(spec))


def api_of(overlay: Overlay, specs: Mapping[str, Path], named: Sequence[str]) -> str:
    """The API that an overlay is for: the one that is named, the one that it extends, or the only one.

    Raises:
        UsageError: it cannot be told.
    """
    if len(named) == 1:
        return named[0]
    path = path_of(overlay.extends)
    own = (Path(overlay.where).parent / path).resolve() if path else None
    for api, spec in specs.items():
        if own is not None and own == spec.resolve():
            return api
    stem = PurePosixPath(path).stem
    if stem in specs:
        return stem
    if len(specs) == 1 and not overlay.extends:
        return next(iter(specs))
    found = (
        f"extends {overlay.extends}, which is no spec here" if overlay.extends else "does not say which spec it is for"
    )
    raise UsageError(Problem(overlay.where, found, f"one of {', '.join(specs)}", "name it with --api"))


def extends_another(overlay: Overlay, spec: Path) -> bool:
    """Whether an overlay says that it is for another file than this spec."""
    if not overlay.extends:
        return False
    return (Path(overlay.where).parent / path_of(overlay.extends)).resolve() != spec.resolve()


def change(api: str, spec: Path, overlays: Sequence[Overlay]) -> Change:
    """What these overlays make of a spec; nothing is written yet.

    Raises:
        SpecwatchError: an overlay is for another state of the spec, cannot be applied, makes it invalid, or has no
            target that is anywhere in it.
    """
    text = read_text(spec)  # says what is wrong with a file that is none
    before = spec.read_bytes()
    other = [each for each in overlays if each.digest and each.digest != hashlib.sha256(before).hexdigest()]
    known = Source(spec, text).data
    for overlay in other:
        if not all(carried_out(known, action) for action in overlay.actions):
            found = f"was made for another state of {spec}: {DIGEST} differs"
            raise UsageError(Problem(overlay.where or "overlay", found, "the spec as it was then", _AGAIN))
    current = [overlay for overlay in overlays if overlay not in other]
    actions = [action for overlay in current for action in overlay.actions]
    result = edited(spec, _text(before), actions)
    _check_found(spec, current, result.missed)
    _check(spec, text, result.text)
    applied = tuple(overlay.where or "overlay" for overlay in other)
    serious = grave(known, Source(spec, result.text).data)
    done = tuple(action for position, action in enumerate(actions) if position not in result.missed)
    missed = tuple(actions[position] for position in result.missed)
    return Change(api, spec, before, result.text, done, result.reformatted, applied, serious, missed)


def write(change: Change, place: Path) -> None:
    """Write a changed spec.

    Raises:
        UsageError: the spec has changed since it was read, or the place cannot be written.
    """
    if change.spec.read_bytes() != change.before:
        found = "has changed while it was worked on"
        raise UsageError(Problem(str(change.spec), found, "the file as it was read", "run the command again"))
    check_writable(place)
    mark = "\ufeff" if change.before.startswith(b"\xef\xbb\xbf") and not change.text.startswith("\ufeff") else ""
    write_text(place, mark + change.text)


def nowhere(spec: Path, action: Action) -> Problem:
    """What there is to say of an action whose target a spec does not have."""
    found = f"the target {action.target} matches nothing in {spec}: a misspelt path, or it is gone"
    return Problem(action.where or "overlay", found)


def _check_found(spec: Path, overlays: Sequence[Overlay], missed: Sequence[int]) -> None:
    """Pass where each overlay has a target that is somewhere: version 1.0 lets a target be nowhere, here and there.

    Args:
        spec: that they are for.
        overlays: in order.
        missed: the positions of those of their actions whose targets are nowhere, counted through.

    Raises:
        UsageError: an overlay would do nothing at all.
    """
    problems: list[Problem] = []
    start = 0
    for overlay in overlays:
        end = start + len(overlay.actions)
        if all(position in missed for position in range(start, end)):
            problems += [nowhere(spec, action) for action in overlay.actions]
        start = end
    if problems:
        raise UsageError(*problems)


def _text(data: bytes) -> str:
    return data.decode("utf-8-sig")


def _check(spec: Path, before: str, after: str) -> None:
    """Pass where the linter finds nothing wrong that was not wrong before."""
    known = {problem.found for problem in _lint(spec, before)}
    new = [problem for problem in _lint(spec, after) if problem.found not in known]
    if new:
        found = "would be no valid spec any more"
        raise UsageError(Problem(str(spec), found, "an overlay that leaves it valid"), *new)


def _lint(spec: Path, text: str) -> Sequence[Problem]:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, spec.name)
        copy.write_text(text, encoding="utf-8")
        return [
            Problem(problem.where.replace(str(copy), f"{spec} after it"), problem.found, problem.expected, problem.mend)
            for problem in lint_spec(copy)[1]
        ]
