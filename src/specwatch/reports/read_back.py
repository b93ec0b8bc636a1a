"""Reads back what specwatch wrote: a JSON report or a HAR, as far as a replay needs it."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from specwatch.contract.redraft import parameters_of
from specwatch.contract.replay import Recording
from specwatch.contract.settings import Selection
from specwatch.errors import Problem, UsageError
from specwatch.recorded import Entry, Manner, Skipped, judge_recordings, sort
from specwatch.recorded import Recording as Traffic
from specwatch.recorded.har import read_har
from specwatch.reports.json_report import SCHEMA, schema
from specwatch.reports.text import BASE64
from specwatch.spec.model import Api
from specwatch.spec.schema import Schema
from specwatch.values.claim import Level
from specwatch.values.exchange import Exchange, Headers, Request, Response, Timings
from specwatch.values.sandbox import PREFIX
from specwatch.values.secrets import MASK
from specwatch.values.violation import Rate, Violation

MAX_PROBLEMS: Final = 3
_WANTED: Final = f"a report of `specwatch check --json` ({SCHEMA}), or its --har"

_NAME: Final = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+", re.ASCII)
_VALUE: Final = re.compile(r"[^\x00\n\v\f\r\u0100-\U0010ffff]*")
"""A field name and value, RFC 9110 sections 5.1 and 5.5, the value a little wider: what can be written on the wire."""

FindApi = Callable[[str], Api | None]
"""The API of an id, or None where there is none or its spec is wrong."""

Environment = Callable[[], Mapping[str, str]]
"""Reads the variables that may hold identifiers of the account and credentials."""


def read_back(path: Path, find: FindApi, environment: Environment = dict) -> Recording:
    """What a file says about an earlier run.

    Args:
        path: a JSON report or a HAR of specwatch.
        find: the APIs, by which the exchanges of a HAR are judged.
        environment: read where a HAR is judged, as a check of recorded traffic does.

    Raises:
        UsageError: it cannot be read, or is something else.
    """
    document = _json(path)
    if isinstance(document, dict) and isinstance(document.get("log"), dict):
        return _from_har(path, document["log"], find, environment)
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else None
        raise UsageError(Problem(str(path), f"is {found}" if found else "is no report of specwatch", _WANTED))
    errors = Schema(schema()).errors(document)
    if errors:
        raise UsageError(*(_problem(path, error.where, error.message) for error in errors[:MAX_PROBLEMS]))
    try:
        return _from_report(path, document, find)
    except (ValueError, OverflowError) as error:
        raise UsageError(_problem(path, "", f"cannot be read: {error}")) from error


def _json(path: Path) -> Any:
    try:
        if not path.is_file():
            found = "is no file" if path.exists() else "there is no such file"
            raise UsageError(Problem(str(path), found, _WANTED))
        return json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(Problem(str(path), f"cannot be read: {error.strerror or error}", _WANTED)) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(Problem(str(path), f"is no JSON: {error}", _WANTED)) from error


def _problem(path: Path, where: str, message: str) -> Problem:
    mend = "take the file as specwatch wrote it"
    return Problem(f"{path}: {where or 'the file'}", message, f"what the schema of {SCHEMA} asks for", mend)


def _from_report(path: Path, document: Mapping[str, Any], find: FindApi) -> Recording:
    violations: list[Violation] = []
    cut: set[str] = set()
    for api in document["apis"]:
        known = find(api["id"]) if api["violations"] else None
        for raw in api["violations"]:
            exchange = _exchange(raw["exchange"], api["id"], known) if raw["exchange"] is not None else None
            if exchange is not None:
                _check_headers(path, exchange)
            if exchange is not None and raw["exchange"]["request"].get("truncated"):
                cut.add(exchange.id)
            violations.append(_violation(raw, api["id"], exchange))
    return Recording(
        target=document["target"],
        profile=document["profile"],
        seed=document["seed"],
        faults=tuple(document.get("faults", ())),
        violations=tuple(violations),
        cut=frozenset(cut),
    )


def _violation(raw: Mapping[str, Any], api: str, exchange: Exchange | None) -> Violation:
    return Violation(
        api=api,
        claim=raw["claim"],
        level=Level(raw["level"]),
        operation=raw["operation"],
        kind=raw["kind"],
        message=raw["message"],
        expected=raw["expected"],
        found=raw["found"],
        where=raw.get("where", ""),
        exchange=exchange,
        rate=Rate(**raw["rate"]) if "rate" in raw else None,
    )


def _exchange(raw: Mapping[str, Any], api: str, known: Api | None) -> Exchange | None:
    """The exchange of a report; None where it is from a version that did not write down what a replay needs.

    Parameters are read from the URL, which is what was sent and will be; what is said beside it counts only where the
    spec has no such operation any more.
    """
    if not {"id", "operation", "target", "credentials", "path_parameters", "query", "refused"} <= raw.keys():
        return None
    request, response, timings = raw["request"], raw["response"], raw["timings"]
    parameters = raw["path_parameters"], raw["query"]
    if known is not None and any(each.id == raw["operation"] for each in known.operations):
        parameters = parameters_of(request["url"].removeprefix(raw["target"]), known.operation(raw["operation"]))
    return Exchange(
        id=raw["id"],
        api=api,
        operation=raw["operation"],
        target=raw["target"],
        request=Request(request["method"], request["url"], _headers(request["headers"]), _body(request)),
        response=Response(
            response["status"],
            _headers(response["headers"]),
            _body(response),
            response["reason"],
            response["http_version"],
        ),
        timings=Timings(_epoch(timings["started_at"]), timings["total_seconds"], timings["phases"]),
        credentials=raw["credentials"],
        path_parameters=parameters[0],
        query=parameters[1],
        refused=raw["refused"],
    )


def _check_headers(path: Path, exchange: Exchange) -> None:
    """Pass where every header of the request can be sent.

    Raises:
        UsageError: one cannot, so that no run has sent it.
    """
    for name, value in exchange.request.headers:
        if not _NAME.fullmatch(name.replace(MASK, "-")) or not _VALUE.fullmatch(value):
            message = f"has a header that cannot be sent: {name!a}: {value!a}"
            raise UsageError(_problem(path, f"the request of {exchange.id}", message))


def _headers(pairs: list[Mapping[str, str]]) -> Headers:
    return tuple((pair["name"], pair["value"]) for pair in pairs)


def _body(raw: Mapping[str, Any]) -> bytes:
    return _bytes(raw["body"], raw.get("encoding", ""))


def _bytes(text: str, encoding: str) -> bytes:
    return base64.b64decode(text) if encoding == BASE64 else text.encode("utf-8", "surrogatepass")


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _from_har(path: Path, log: Mapping[str, Any], find: FindApi, environment: Environment) -> Recording:
    """What `specwatch check --from` finds in the file, each with its exchange as a replay sends it."""
    entries: list[Any] = list(log.get("entries") or ())
    exchanges: list[Exchange] = []
    cut: set[str] = set()
    apis: dict[str, Api] = {}
    for index, entry in enumerate(entries):
        own = entry.get("_specwatch") if isinstance(entry, dict) else None
        if not isinstance(own, dict):
            mend = "`specwatch check --from FILE` judges traffic that others recorded"
            raise UsageError(Problem(f"{path}: entry {index}", "was not recorded by specwatch", _WANTED, mend))
        try:
            api = find(own["api"])
            if api is not None:
                apis[api.id] = api
                exchanges.append(_har_exchange(entry, own, api))
                _check_headers(path, exchanges[-1])
                cut |= {exchanges[-1].id} if "comment" in entry["request"].get("postData", {}) else set()
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
            raise UsageError(Problem(f"{path}: entry {index}", f"cannot be read: {error!r}", _WANTED)) from error
    violations = _found(path, entries, tuple(apis.values()), environment()) if exchanges else ()
    sent = {_moment(exchange): exchange for exchange in exchanges}
    return Recording(
        _har_target(exchanges, find), "", None, (), tuple(_as_sent(each, sent) for each in violations), frozenset(cut)
    )


def _found(
    path: Path, entries: list[Any], apis: tuple[Api, ...], environment: Mapping[str, str]
) -> tuple[Violation, ...]:
    """What a check of the recorded traffic finds."""
    read = tuple(read_har({"log": {"entries": entries}}, path.name))
    kept = tuple(entry for entry in read if isinstance(entry, Entry))
    skipped = tuple(entry for entry in read if isinstance(entry, Skipped))
    matched = sort([Traffic(str(path), "HAR", kept, skipped)], apis)
    result = judge_recordings(matched, Selection(apis), Manner(environment=environment))
    return tuple(violation for api in result.apis for violation in api.violations)


def _moment(exchange: Exchange) -> tuple[str, str, float, int]:
    """What tells an exchange of a HAR from all others of it."""
    at = round(exchange.timings.started_at, 6)
    return exchange.api, exchange.operation, at, exchange.response.status


def _as_sent(violation: Violation, sent: Mapping[tuple[str, str, float, int], Exchange]) -> Violation:
    """A violation with the exchange as the file has it, with the headers and the id that it was sent with."""
    exchange = violation.exchange
    return replace(violation, exchange=sent.get(_moment(exchange), exchange)) if exchange is not None else violation


def _har_exchange(entry: Mapping[str, Any], own: Mapping[str, Any], api: Api) -> Exchange:
    request, response = entry["request"], entry["response"]
    posted, content = request.get("postData", {}), response["content"]
    url = urlsplit(request["url"])
    operation = api.operation(own["operation"])
    match = re.search(operation.pattern, url.path)
    root = url.path[: match.start()] if match else ""
    values = [unquote(text) for text in match.groups()] if match else []
    headers = _headers(request["headers"])
    return Exchange(
        id=own["id"],
        api=api.id,
        operation=operation.id,
        target=f"{url.scheme}://{url.netloc}{root}",
        request=Request(request["method"], request["url"], headers, _part(posted, "_encoding")),
        response=Response(
            int(response["status"]),
            _headers(response["headers"]),
            _part(content, "encoding"),
            response["statusText"],
            response["httpVersion"],
        ),
        timings=Timings(float(own.get("started_at") or _epoch(entry["startedDateTime"])), float(entry["time"]) / 1000),
        credentials=own["credentials"],
        path_parameters=dict(zip(operation.path_names, values, strict=False)),
        query=dict(parse_qsl(url.query, keep_blank_values=True)),
        vouched=any(PREFIX in value for _, value in headers),
        refused=True,  # only a request that can be seen to be refused is treated as one
    )


def _part(raw: Mapping[str, Any], encoding: str) -> bytes:
    """A body; of one that was cut, which is not sent again, nothing."""
    return b"" if "comment" in raw else _bytes(raw.get("text", ""), raw.get(encoding, ""))


def _har_target(exchanges: list[Exchange], find: FindApi) -> str:
    """What a HAR was recorded from: a sandbox by its well-known credentials, the live services by their address."""
    if not exchanges or any(exchange.vouched for exchange in exchanges):
        return "sandbox"
    api = find(exchanges[0].api)
    return "live" if api is not None and exchanges[0].target in api.servers else exchanges[0].target
