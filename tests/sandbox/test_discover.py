"""Loading the modules of a workspace's `sandbox/` folder."""

from pathlib import Path

import pytest

from specwatch.errors import SandboxError
from specwatch.sandbox import load_modules
from specwatch.spec import Api

HEAD = "from specwatch.sandbox import SandboxApi\napi = SandboxApi('parcels')\n"
GOOD = """
from specwatch.sandbox import Answer, SandboxApi
from ._shared import GREETING

api = SandboxApi("parcels")

@api.operation("health")
def health(call):
    return Answer(body=GREETING)
"""


def test_modules_are_found_by_file_and_may_share_code(tmp_path: Path, api: Api) -> None:
    """`<api-id with underscores>.py` is loaded; relative imports lead to its siblings."""
    (tmp_path / "_shared.py").write_text("GREETING = 'hello'\n")
    (tmp_path / "parcels.py").write_text(GOOD)

    modules = load_modules(tmp_path, [api])

    assert list(modules) == ["parcels"]
    assert list(modules["parcels"].handlers) == ["health"]


def test_a_changed_module_is_loaded_anew(tmp_path: Path, api: Api) -> None:
    """Loading the same folder again sees what its files say now."""
    (tmp_path / "parcels.py").write_text(HEAD)
    first = load_modules(tmp_path, [api])["parcels"]
    assert load_modules(tmp_path, [api])["parcels"] is not first


def test_no_module_is_no_problem(tmp_path: Path, api: Api) -> None:
    """An API without a module, even a workspace without the folder, is served from its spec."""
    assert load_modules(tmp_path / "none", [api]) == {}


@pytest.mark.parametrize(
    "shared, message",
    [
        ("x = 1\n\ny = (\n", r"^(?P<file>.*)/_shared\.py:3: cannot be loaded: SyntaxError: '\(' was never closed\n"),
        ("\nimport no_such_module_here\n", r"/_shared\.py:2: cannot be loaded: ModuleNotFoundError: No module"),
        ("\n\ndef f():\n    1 / 0\nf()\n", r"/_shared\.py:4: cannot be loaded: ZeroDivisionError"),
        ("import sys\nsys.exit(0)\n", r"/_shared\.py:2: cannot be loaded: SystemExit: 0"),
        ("import os\nos._exit(0)\n", r"/_shared\.py:2: cannot be loaded: EndsProcess: os\._exit\(0\)"),
        ("from os import _exit\n_exit(0)\n", r"/_shared\.py:2: cannot be loaded: EndsProcess: os\._exit\(0\)"),
        ("x = 1\n", r"/parcels\.py:3: cannot be loaded: ImportError: cannot import name 'GREETING'"),
    ],
)
def test_a_sibling_that_fails_is_named(tmp_path: Path, api: Api, shared: str, message: str) -> None:
    """The file and the line that have to be mended are told, not those of the module that imports them."""
    (tmp_path / "_shared.py").write_text(shared)
    (tmp_path / "parcels.py").write_text(GOOD)
    with pytest.raises(SandboxError, match=message):
        load_modules(tmp_path, [api])


@pytest.mark.parametrize(
    "text, message",
    [
        ("x = 1\n", r"parcels\.py: defines no `api`"),
        ("api = 1\n", r"parcels\.py: its `api` is a int"),
        ("\nx = (\n", r"parcels\.py:2: cannot be loaded: SyntaxError"),
        ("\nimport no_such_module_here\n", r"parcels\.py:2: cannot be loaded: ModuleNotFoundError"),
        ("from specwatch.sandbox import SandboxApi\napi = SandboxApi('parcel')\n", r"is for 'parcel'"),
        (
            HEAD + "api.operation('getParcels')(print)\n",
            r"unknown operation 'getParcels'[\s\S]*getParcel",
        ),
        (
            HEAD + "api.switch('x', breaks='y', text='z', operation='nope')\n",
            r"fault 'x' is for the unknown operation 'nope'",
        ),
        (
            HEAD + "api.switch('x', breaks='y', text='z')\n" * 2,
            r"fault x is declared twice",
        ),
    ],
)
def test_a_bad_module_is_named_with_its_trouble(tmp_path: Path, api: Api, text: str, message: str) -> None:
    """File, line where there is one, what is wrong, what was expected."""
    (tmp_path / "parcels.py").write_text(text)
    with pytest.raises(SandboxError, match=message):
        load_modules(tmp_path, [api])
