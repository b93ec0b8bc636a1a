"""schemathesis over the guarded transport.

Its cases, phases, state machine and checks are used as they are; what it sends goes out through `ApiRun.send`, so that
credentials, budgets and judgement are the same for everybody. Credentials are taken out of the schema that it gets: the
guarded transport adds them, and `cases.credential_cases` tries each one once instead of once per case.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.errors import InvalidSchema
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response
from schemathesis.transport.requests import REQUESTS_TRANSPORT, RequestsTransport

from specwatch.conformance.facts import Facts, media_is_declared, request_is_valid
from specwatch.contract.identifiers import replacements, substitute
from specwatch.contract.run import ApiRun, ContractRun
from specwatch.errors import CannotTell, NotAllowed
from specwatch.spec.model import COMPLAINTS, Operation
from specwatch.transport.draft import Draft
from specwatch.values.claim import Level
from specwatch.values.exchange import ACCOUNT, Exchange
from specwatch.values.violation import Violation

if TYPE_CHECKING:
    from schemathesis.generation.case import Case as _Case
    from schemathesis.schemas import BaseSchema

    Case = _Case[Any]

MARK = "x-specwatch-api"

CHECKS: Mapping[str, str] = {
    "not_a_server_error": "survives",
    "status_code_conformance": "status",
    "content_type_conformance": "media-type",
    "response_headers_conformance": "status",
    "response_schema_conformance": "status",
    "negative_data_rejection": "rejects",
    "positive_data_acceptance": "rejects",
}
"""schemathesis's checks, and the derived claim that a failure of each speaks about.

Left out, each for a reason: `ignored_auth` and `object_level_authorization` send for themselves, several times a case,
and accept only 401 and 403 where a document may promise 400; `missing_required_header` insists on 401 for
`Authorization`; `unsupported_method` tries methods that no document mentions; `use_after_free` and
`ensure_resource_availability` need DELETE and creation with identifiers, of which `scenario` claims know more.
"""


def schemas(run: ContractRun) -> dict[str, BaseSchema]:
    """One schemathesis schema per API of the run, restricted to the selected operations."""
    return {api.api.id: _through(api, _schema(api)) for api in run.apis.values()}


def exercise(run: ContractRun, case: Case) -> Exchange | None:
    """Send one case and judge it; None when it was not allowed, which later cases may well be.

    Raises:
        CannotTell: nothing more can be sent, or the operation has had as many cases as the profile gives it.
    """
    api = run.apis[case.operation.schema.raw_schema[MARK]]
    share = cast("RunTransport", case.operation.schema.transport).share
    label = f"schemathesis {case.operation.label}"
    if api.sent[label] >= share:
        raise CannotTell(f"profile {run.settings.profile.name} sends {share} cases per operation")
    api.sent[label] += 1
    try:
        response = case.call()
    except NotAllowed:
        return None
    except CannotTell:
        if api.budget.left <= 0:
            raise
        return None
    second_opinion(api, case, response)
    return api.last


def second_opinion(api: ApiRun, case: Case, response: Response) -> None:
    """Let schemathesis's own checks look at an answer; what they find and our judgement did not is a violation too."""
    exchange = api.last
    if exchange is None or api.last_violations or not api.last_plain:
        return
    facts = Facts(api.api, api.api.operation(exchange.operation), exchange)
    left_open = {"status_code_conformance"} if is_silent_complaint(api, exchange) else set()
    names = CHECKS.keys() - left_open - ({"negative_data_rejection"} if facts.request_unclear else set())
    try:
        case.validate_response(response, checks=[schemathesis.checks.__getattr__(name) for name in sorted(names)])
    except InvalidSchema:
        return  # of its own making: it cannot express every valid schema, such as `prefixItems`, and ours judged by it
    except FailureGroup as group:
        for failure in group.exceptions:
            api.report(_check_violation(api, exchange, failure))


def is_silent_complaint(api: ApiRun, exchange: Exchange) -> bool:
    """Whether a request may have been refused in a way that the document leaves open, as our judgement allows."""
    silent = not api.api.operation(exchange.operation).complaint_statuses
    return silent and exchange.response.status in COMPLAINTS


def _check_violation(api: ApiRun, exchange: Exchange, failure: Any) -> Violation:
    names = [name for name in getattr(failure, "checks", ()) if name in CHECKS]
    suffix = CHECKS[names[0]] if names else "status"
    return Violation(
        api=api.api.id,
        claim=f"{exchange.operation}/{suffix}",
        level=Level.INFERENCE,
        operation=exchange.operation,
        kind="check",
        message=f"schemathesis: {failure.title}. {failure.message}".strip(),
        expected=", ".join(names) or "the schema to be kept",
        found=f"status {exchange.response.status}",
        where=type(failure).__name__,
        exchange=exchange,
    )


class RunTransport(RequestsTransport):
    """Sends the cases of one API through its run, spelled as schemathesis's own transport spells them.

    Args:
        api: the API's part of the run.
    """

    def __init__(self, api: ApiRun) -> None:
        super().__init__()
        self._serializers = REQUESTS_TRANSPORT._serializers  # noqa: SLF001 - those that users registered, too
        self._api = api

    def send(self, case: Case, *, session: object = None, **kwargs: Any) -> Response:
        """Send a case."""
        del session
        return _send(self._api, case, kwargs)

    @cached_property
    def share(self) -> int:
        """How many cases each operation gets: what the profile says, or an equal part of what the budget has left."""
        part = -(-self._api.budget.left // max(len(self._api.operations), 1))
        return max(min(self._api.settings.profile.cases, part), 1)


def _through(api: ApiRun, schema: BaseSchema) -> BaseSchema:
    """Let a schema send through the run; schemas of the user's own tests keep schemathesis's transport."""
    schema.__class__ = type("RunSchema", (type(schema),), {"transport": RunTransport(api)})
    return schema


def _send(api: ApiRun, case: Case, kwargs: Mapping[str, Any]) -> Response:
    operation = api.api.operation(case.operation.definition.raw["operationId"])
    prepared = _prepare(case, api.base, kwargs)
    exchange = api.send(_draft(api, operation, prepared))
    return Response(
        status_code=exchange.response.status,
        headers=_multi(exchange),
        content=exchange.response.body,
        request=prepared,
        elapsed=exchange.timings.total_seconds,
        verify=True,
        message=exchange.response.reason,
        http_version=exchange.response.http_version.removeprefix("HTTP/"),
        encoding="utf-8",
    )


def _prepare(case: Case, base: str, kwargs: Mapping[str, Any]) -> requests.PreparedRequest:
    """The request as requests would send it: it alone knows all the shapes that schemathesis hands over."""
    data = REQUESTS_TRANSPORT.serialize_case(case, base_url=base, headers=kwargs.get("headers"))
    names = ("method", "url", "headers", "files", "data", "params", "cookies", "json")
    return requests.Request(**{name: data[name] for name in names if name in data}).prepare()


def _draft(api: ApiRun, operation: Operation, prepared: requests.PreparedRequest) -> Draft:
    url = urlsplit(prepared.url or "")
    path = url.path.removeprefix(urlsplit(api.base).path)
    headers = tuple(
        (name.lower(), _header_text(value)) for name, value in prepared.headers.items() if name.lower() not in _OURS
    )
    body = prepared.body.encode() if isinstance(prepared.body, str) else cast("bytes", prepared.body or b"")
    match = operation.pattern.match(path)
    parameters = dict(zip(operation.path_names, map(unquote, match.groups()), strict=True)) if match else {}
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    refused = media_is_declared(operation, headers, body) and not request_is_valid(
        operation, path_parameters=parameters, query=query, headers=headers, body=body, query_string=url.query
    )
    return Draft(
        operation=operation,
        path=f"{path}?{url.query}" if url.query else path,
        headers=headers,
        body=body,
        roles=dict.fromkeys(operation.security, ACCOUNT),
        path_parameters=parameters,
        query=query,
        refused=refused,
    )


_OURS = frozenset(
    {"content-length", "host", "user-agent", "accept-encoding", "connection", "x-schemathesis-testcaseid"}
)


def _header_text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _multi(exchange: Exchange) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in exchange.response.headers:
        headers.setdefault(name.lower(), []).append(value)
    return headers


def _schema(api: ApiRun) -> BaseSchema:
    raw = json.loads(json.dumps(api.api.raw))
    raw[MARK] = api.api.id
    raw.pop("security", None)
    raw.get("components", {}).pop("securitySchemes", None)
    for item in raw["paths"].values():
        for operation in (node for node in item.values() if isinstance(node, dict)):
            operation.pop("security", None)
    replaced = replacements(api)
    raw = substitute(raw, replaced) if replaced else raw
    schema: BaseSchema = schemathesis.openapi.from_dict(raw, config=_config(api))
    if len(api.operations) < len(api.api.operations):
        schema = schema.include(operation_id=sorted(api.operations))
    return schema


def _config(api: ApiRun) -> SchemathesisConfig:
    profile = api.settings.profile
    documented = sorted({s for o in api.api.operations for s in o.responses if s.isdigit() and s.startswith("4")})
    refusals = ["400", "401", "403", "404", "405", "406", "409", "413", "414", "415", "422", "428", "429", "431"]
    return SchemathesisConfig.from_dict(
        {
            "base-url": api.base,
            "seed": api.settings.seed,
            "continue-on-failure": True,
            "generation": {"database": "none", "no-shrink": True, "allow-x00": False},
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ["2XX", "3XX", "5XX", *refusals, *documented]},
                "negative_data_rejection": {"expected-statuses": [*refusals, *documented, "5XX"]},
            },
            "phases": {
                "examples": {"enabled": True},
                "coverage": {"enabled": profile.coverage, "unexpected-methods": []},
                "fuzzing": {
                    "enabled": profile.fuzz_examples > 0,
                    "generation": {"max-examples": max(profile.fuzz_examples, 1)},
                    "extra-data-sources": {"responses": False},
                },
            },
        }
    )
