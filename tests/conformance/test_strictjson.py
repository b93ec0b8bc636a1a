"""JSON as RFC 8259 means it."""

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from specwatch.claims.cel import fit
from specwatch.conformance import MISSING, StrictJson, parse_strict
from specwatch.conformance.strictjson import _depth_exceeds, _explain

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4))


@given(value=VALUES, ascii_only=st.booleans(), indent=st.sampled_from([None, 2]))
def test_good_json_comes_back(value: object, ascii_only: bool, indent: int | None) -> None:  # noqa: FBT001
    """Whatever can be said in JSON is read back as it was, without a problem."""
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()

    assert parse_strict(body) == StrictJson(value)


@given(st.binary())
@example(b"\xff")
@example(b'"\\ud800"')
@example(b"-")
@example(b"[" * 100_000)
def test_no_bytes_raise(body: bytes) -> None:
    """Where there is no value there is a problem or a bound of ours, and never an error."""
    parsed = parse_strict(body)

    assert parsed.value is not MISSING or parsed.problems or parsed.beyond


@pytest.mark.parametrize(
    "body, value, problem",
    [
        (b"NaN", "nan", "the body holds NaN, which JSON does not know"),
        (b"[-Infinity]", "[-inf]", "the body holds -Infinity, which JSON does not know"),
        (b'{"a": 1, "a": 2}', "{'a': 2}", "an object repeats the key 'a'"),
        (b'[{"b": 1, "b": 1, "a": 1, "a": 1}]', "[{'b': 1, 'a': 1}]", "an object repeats the key 'a'"),
        (b"\xef\xbb\xbf[]", "[]", "the body starts with a byte order mark"),
        (b"1e999", "inf", "a number is too big for a double"),
        (b'{"a": "\xe9"}', "MISSING", "byte 7 of the body is not UTF-8"),
        ("{}".encode("utf-16"), "MISSING", "byte 0 of the body is not UTF-8"),
        (
            b"{1}",
            "MISSING",
            "the body is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        (b"[] []", "MISSING", "the body is not JSON: Extra data: line 1 column 4 (char 3)"),
        (b"", "MISSING", "the body is not JSON: Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_bad_json_has_a_problem(body: bytes, value: str, problem: str) -> None:
    """Where a value can be had all the same, it is there, beside the problem."""
    parsed = parse_strict(body)

    assert (repr(parsed.value), parsed.problems) == (value, (problem,))


@pytest.mark.parametrize(
    "body, problems, beyond",
    [
        (b"[" * 201 + b"]" * 201, (), "is nested more than 200 levels deep"),
        (b"[" * 5_000 + b"1" + b"]" * 5_000, (), "is nested more than 200 levels deep"),
        (b"9" * 401, (), "has a number of 401 digits"),
        (b'{"a": [1, ' + b"7" * 100_000 + b"]}", (), "has a number of 100000 digits"),
        (b"\xef\xbb\xbf" + b"9" * 401, ("the body starts with a byte order mark",), "has a number of 401 digits"),
        (b"[" + b"9" * 401, ("the body is not JSON: Expecting ',' delimiter: line 1 column 403 (char 402)",), ""),
    ],
)
def test_what_is_beyond_our_bounds_is_not_read(body: bytes, problems: tuple[str, ...], beyond: str) -> None:
    """No value and no fault of the text, but a bound of ours; what is no JSON all the same is told as that."""
    parsed = parse_strict(body)

    assert (parsed.value, parsed.problems, parsed.beyond) == (MISSING, problems, beyond)


@pytest.mark.parametrize(
    "body", [b"[" * 200 + b"]" * 200, b'"' + b"[" * 500 + b'"', b'"\\"' + b"{" * 500 + b'"', b"[[],[]]"]
)
def test_depth_counts_brackets_outside_of_texts(body: bytes) -> None:
    """Two hundred levels are fine, and a bracket in a text is no level."""
    assert parse_strict(body).problems == ()


@pytest.mark.parametrize(
    "body, value",
    [
        (b'"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        (b'"\\ud800"', "\ufffd\ufffd\ufffd"),
        (b'{"\\udfff": ["a\\ud800b"]}', {"\ufffd\ufffd\ufffd": ["a\ufffd\ufffd\ufffdb"]}),
        (b'"\\\\ud800"', "\\ud800"),
    ],
)
def test_lone_surrogates_are_replaced(body: bytes, value: object) -> None:
    """JSON can spell half a character; no text in UTF-8 can hold it, so nobody after us has to."""
    parsed = parse_strict(body)

    assert parsed.value == value
    json.dumps(parsed.value, ensure_ascii=False).encode()


def test_many_repeated_keys_take_no_time() -> None:
    """A hostile body cannot keep the judge busy."""
    body = b"{" + b",".join(b'"%d":0' % (number % 50_000) for number in range(100_000)) + b"}"
    started = time.process_time()

    parsed = parse_strict(body)

    assert parsed.problems == ("an object repeats the key '0'",)
    assert time.process_time() - started < 5


PIECES = st.sampled_from(
    [
        *("{", "}", "[", "]", ",", ":", " ", "\n", "\ufeff", '"', "\\", '"a"', '"a": 1', '"b" :', "{}", "[]", "\0"),
        *("null", "true", "NaN", "-Infinity", "1", "-0", "1.5", "1e999", "-1E400", "01", "9" * 18, "9" * 19, "1" * 401),
        *('"\\ud800"', '"\\u0000"', '"\\ud83d\\ude00"', '"\\\\ud800"', '"é"', '"{"', '"\\""', '{"a": 1, "a": 2}'),
    ]
)
WRAPPED = st.builds(
    lambda text, depth: "[" * depth + text + "]" * depth, st.lists(PIECES).map("".join), st.integers(0, 3)
)


@given(WRAPPED | st.lists(PIECES, max_size=6).map(lambda pieces: f"[{','.join(pieces)}]"))
@example('{"a": 1, "a": 2}')
@example("[" * 201 + "]" * 201)
def test_the_quick_reader_says_what_the_thorough_one_says(text: str) -> None:
    """Good JSON is read in a hurry, and comes out as it does when everything is looked into."""
    quick, thorough = parse_strict(text.encode()), _explain(text)

    assert (repr(quick.value), quick.problems) == (repr(thorough.value), thorough.problems)


@given(WRAPPED)
@example(f"[{2**63}]")
@example(f"[{-(2**63) - 1}]")
def test_a_tame_value_needs_no_fitting(text: str) -> None:
    """What is called tame holds nothing that an expression could not be shown."""
    parsed = parse_strict(text.encode())

    if parsed.tame:
        assert repr(fit(parsed.value)) == repr(parsed.value)


def test_ordinary_bodies_are_tame() -> None:
    """A body without escapes and without huge numbers is tame."""
    assert parse_strict(b'{"id": "t-1", "created": 1722222222222, "size": 1.5, "name": "\xc3\xa9"}').tame
    assert not parse_strict(b'{"id": "\\u0000"}').tame
    assert not parse_strict(b"9223372036854775808").tame


@given(st.text(st.sampled_from('[]{}"\\a')), st.integers(0, 4))
def test_depth_is_counted_as_if_character_by_character(text: str, limit: int) -> None:
    """Brackets count outside of texts, wherever these end, or do not."""
    depth = deepest = 0
    inside = escaped = False
    for char in text:
        if inside:
            inside = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            inside = True
        else:
            depth += (char in "[{") - (char in "]}")
            deepest = max(deepest, depth)

    assert _depth_exceeds(text, limit) is (deepest > limit)


@pytest.mark.parametrize("length, remembered", [(0, True), (8 * 1024 * 1024, False)])
def test_a_long_body_is_not_kept(length: int, *, remembered: bool) -> None:
    """Who asks twice for a body gets the same value; one that would fill the memory is forgotten."""
    body = b"[1]".ljust(length + 3)
    assert (parse_strict(body) is parse_strict(body)) == remembered
