"""A curl line repeats a request in a POSIX shell, fills in credentials there, and lets nothing out of its quotes."""

import os
import shlex
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specwatch.reports.curl import INLINE_BYTES, to_curl
from specwatch.values import Exchange

SHELL = """
curl() { printf 'ARG%s\\0' "$@"; if [ "$READS" = 1 ]; then printf 'BODY'; cat; fi; }
"""
TRAPS = ["';touch x;'", '"$(id)"', "`id`", "$HOME", "\\", "$(", "'", '"', "\n", "#", " # ", "!!", "${IFS}", "%s", "-x"]

texts = st.one_of(st.text(), st.lists(st.sampled_from(TRAPS)).map("".join))
fixtures_stay = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def run_in_shell(line: str, **variables: str) -> tuple[list[str], bytes]:
    """The arguments that curl gets from a real shell, and what it would read from standard input."""
    reads = "--data-binary @-" in line
    environment = {"PATH": os.environ["PATH"], "READS": str(int(reads)), **variables}
    done = subprocess.run(
        ["sh", "-c", f"{SHELL}\n{line}"], env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
    assert done.stderr == b""
    head, _, body = done.stdout.partition(b"BODY") if reads else (done.stdout, b"", b"")
    return [part.removeprefix("ARG") for part in head.decode("utf-8", "surrogateescape").split("\0")[:-1]], body


def test_a_plain_read_is_short(make_exchange: Callable[..., Exchange]) -> None:
    """Headers that curl sets itself are left out."""
    headers = (("host", "parcels.example"), ("accept", "*/*"), ("user-agent", "x"), ("accept-encoding", "gzip"))

    assert to_curl(make_exchange(headers=headers)) == "curl -i https://parcels.example/parcels/p1"


def test_a_body_is_given_as_it_is(make_exchange: Callable[..., Exchange]) -> None:
    """JSON stands in single quotes after --data-raw."""
    headers = (("content-type", "application/json"), ("content-length", "7"))
    line = to_curl(make_exchange(method="POST", headers=headers, body=b'{"a":1}'))

    assert line == (
        "curl -i -X POST https://parcels.example/parcels/p1 -H 'content-type: application/json' --data-raw '{\"a\":1}'"
    )


def test_a_body_without_media_type_gets_none_from_curl(make_exchange: Callable[..., Exchange]) -> None:
    """Otherwise curl would say that it is a form."""
    assert "-H 'Content-Type:'" in to_curl(make_exchange(method="POST", body=b"x"))


@pytest.mark.parametrize("shown", ["Bearer $PARCELS_TOKEN", "$PARCELS_TOKEN", "Basic $PARCELS_TOKEN"])
def test_the_shell_fills_in_credentials(make_exchange: Callable[..., Exchange], shown: str) -> None:
    """A credential is a variable in double quotes; its value arrives whole, whatever is in it."""
    exchange = make_exchange(headers=(("authorization", shown),), credentials={"token": "account"})
    arguments, _ = run_in_shell(to_curl(exchange), PARCELS_TOKEN='it\'s "$(id)" `x` \\')

    assert f'-H "authorization: {shown}"' in to_curl(exchange)
    assert arguments[-1] == f"authorization: {shown}".replace("$PARCELS_TOKEN", 'it\'s "$(id)" `x` \\')


@pytest.mark.parametrize(
    "value, roles",
    [
        ("$HOME", {}),
        ("$HOME", {"token": "absent"}),
        ("Bearer $(id)", {"token": "account"}),
        ('$A"; id; "', {"token": "account"}),
        ("$A`id`", {"token": "account"}),
    ],
)
def test_only_credentials_are_filled_in(
    make_exchange: Callable[..., Exchange], value: str, roles: dict[str, str]
) -> None:
    """A header that merely looks like a variable is sent as it is."""
    arguments, _ = run_in_shell(to_curl(make_exchange(headers=(("x-name", value),), credentials=roles)))

    assert arguments[-2:] == ["-H", f"x-name: {value}"]


@fixtures_stay
@given(texts, texts, texts)
def test_nothing_breaks_out_of_its_quotes(
    make_exchange: Callable[..., Exchange], path: str, value: str, body: str
) -> None:
    """Whatever a target put into identifiers, shlex reads the line as one command with those arguments."""
    data = body.encode("utf-8", "replace")[:INLINE_BYTES]
    exchange = make_exchange(
        method="POST", url=f"https://parcels.example/{path}", headers=(("x-name", value),), body=data
    )
    line = to_curl(exchange)
    words = shlex.split(line, comments=True)

    assert line.isprintable()
    assert words[:2] == ["curl", "-i"] or words[0::2][:2] == ["printf", "|"]
    url = next(word for word in words if word.startswith("https://parcels.example/"))
    assert url == f"https://parcels.example/{path}" or not path.isprintable()


@fixtures_stay
@given(texts, texts, st.one_of(texts.map(lambda text: text.encode("utf-8", "replace")), st.binary()))
def test_a_real_shell_hands_over_exactly_the_request(
    make_exchange: Callable[..., Exchange], path: str, value: str, body: bytes
) -> None:
    """Method, address, header and every byte of the body arrive at curl, and nothing else is run."""
    data = body[:INLINE_BYTES]
    headers = (("content-type", "text/plain"), ("x-name", value))
    exchange = make_exchange(method="POST", url=f"https://parcels.example/{path}", headers=headers, body=data)
    arguments, read = run_in_shell(to_curl(exchange))

    assert arguments[:3] == ["-i", "-X", "POST"]
    if path.isprintable():
        assert f"https://parcels.example/{path}" in arguments
    if value.isprintable() and value.isascii() and value:
        assert f"x-name: {value}" in arguments
    if data and arguments[-2] == "--data-raw":
        assert arguments[-1].encode("utf-8", "surrogateescape") == data
    else:
        assert read == data


def test_a_body_that_no_line_can_show_comes_through_printf(make_exchange: Callable[..., Exchange]) -> None:
    """Line breaks, quotes and bytes are written as octal escapes."""
    line = to_curl(make_exchange(method="POST", body=b"-'%\n\xff\0\\"))

    assert line.startswith("printf '\\055\\047%%\\012\\377\\000\\134' | curl -i -X POST ")
    assert line.endswith("--data-binary @-")
    assert run_in_shell(line)[1] == b"-'%\n\xff\0\\"


def test_a_large_body_is_only_mentioned(make_exchange: Callable[..., Exchange]) -> None:
    """Megabytes are not printed; a comment says how many belong there."""
    line = to_curl(make_exchange(method="POST", body=b"x" * 26_214_401))

    assert line.endswith(
        "--data-binary @-  # give it the body of 26,214,401 bytes on standard input; the HAR report has it"
    )


def test_a_header_that_no_line_can_show_is_left_out(make_exchange: Callable[..., Exchange]) -> None:
    """A control sequence never reaches a terminal; a comment says that something is missing."""
    line = to_curl(make_exchange(headers=(("x-name", "\x1b[31m"),)))

    assert line == "curl -i https://parcels.example/parcels/p1  # left out: 1 header with control characters"


def test_curl_is_kept_from_changing_the_address(make_exchange: Callable[..., Exchange]) -> None:
    """Brackets would be expanded and dots collapsed, unless curl is told not to."""
    line = to_curl(make_exchange(url="https://parcels.example/a/../[1-9]"))

    assert line == "curl -i --path-as-is --globoff 'https://parcels.example/a/../[1-9]'"


def test_head_does_not_wait_for_a_body(make_exchange: Callable[..., Exchange]) -> None:
    """HEAD is an option of curl's own."""
    assert to_curl(make_exchange(method="HEAD")) == "curl -i --head https://parcels.example/parcels/p1"


def test_header_text_is_shown_as_it_is_meant(make_exchange: Callable[..., Exchange]) -> None:
    """Headers arrive byte by byte; UTF-8 in them is put together again, and an empty one is not removed."""
    headers = (("x-name", "höhö".encode().decode("latin-1")), ("x-empty", ""))

    assert to_curl(make_exchange(headers=headers)).endswith("-H 'x-name: höhö' -H 'x-empty;'")
