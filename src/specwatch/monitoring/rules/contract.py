"""Alerts about what answers are like: broken claims, drift, and probes that fail or tell nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from specwatch.monitoring.origin import Origin
from specwatch.monitoring.rules.model import Alert, Group, Recording, duration
from specwatch.monitoring.rules.promql import (
    BY_PROBE,
    CHECKED_IN_HEALTH,
    FROM,
    LAST_BROKEN,
    LAST_SKIPPED,
    LAST_VERIFIED,
    LAST_VIOLATED,
    last_run,
    metric,
    number,
    one_of,
    quoted,
    since,
    success,
    unknown_now,
)
from specwatch.monitoring.settings import Settings

_BY_CLAIM: Final = "by (api, claim, level, location)"
_BY_KIND: Final = "by (api, operation, kind, location)"


def contract_groups(origin: Origin) -> tuple[Group, ...]:
    """The rules about contracts and verdicts.

    Args:
        origin: its settings say how long what is remembered.
    """
    settings = origin.settings
    return (
        Group(
            "specwatch-contract",
            (
                _remembered(settings, LAST_VERIFIED, "specwatch_claim_last_verified_timestamp_seconds"),
                _remembered(settings, LAST_VIOLATED, "specwatch_claim_last_violated_timestamp_seconds"),
                _broken(settings),
                _promise_broken(settings),
                _promise_broken_here(settings),
                _inference_broken(settings),
                _undocumented_answer(origin),
                _drift(settings),
            ),
        ),
        Group("specwatch-verdicts", (_failing(settings), _unknown(settings))),
    )


def _remembered(settings: Settings, record: str, name: str) -> Recording:
    """The newest moment of a claim, also when the prober that saw it has been restarted since.

    The series reads its own last sample. That is dropped when it is too old to count, or when a prober of the same
    location is there and does not know the claim any more, or not at this level: its counters of violations exist from
    the start.
    """
    known = metric(settings, "specwatch_contract_violations_total")
    before = f"{record} > time() - {number(settings.contract_forgotten)}"
    return Recording(
        record,
        f"max {_BY_CLAIM} (\n"
        f"  {metric(settings, name)}\n"
        f"  or ({before} and on (api, claim, level, location) {known})\n"
        f"  or ({before} unless on (location) {known})\n"
        ")",
    )


def _broken(settings: Settings) -> Recording:
    """When the claims were last broken that count as broken, per location."""
    lasting = f"{LAST_VIOLATED}{{{CHECKED_IN_HEALTH}}}"
    return Recording(
        LAST_BROKEN,
        f"{LAST_VIOLATED} > time() - {number(settings.contract_remembered)}\n"
        f"or ({lasting} > time() - {number(settings.contract_forgotten)} unless {LAST_VERIFIED} >= {LAST_VIOLATED})",
    )


def _promises(settings: Settings, compared: str) -> str:
    """Seconds since promises were broken, where the locations that see them broken compare so with the quorum.

    A location has a voice where it sees the claim broken, or has seen it kept of late: within `remembered`, or, since
    some probes run seldom, within the longest interval of the API's probes there. One that never checks the claim, or
    whose prober is down, has none, so that a single location is its own quorum.
    """
    broken, kept = f'{LAST_BROKEN}{{level="promise"}}', f'{LAST_VERIFIED}{{level="promise"}}'
    interval = f"max by (api, location) ({metric(settings, 'specwatch_probe_interval_seconds')})"
    return (
        f"{since(broken)}\n"
        "and on (api, claim) (\n"
        f"  count by (api, claim) ({broken})\n"
        f"  {compared} {number(settings.locations_quorum)} * count by (api, claim) (\n"
        f"    {broken}\n"
        f"    or {kept} > time() - {number(settings.contract_remembered)}\n"
        f"    or {kept} > on (api, location) group_left () (time() - {interval})\n"
        "  )\n"
        ")"
    )


def _operations(settings: Settings) -> str:
    """Template: the operations whose answers broke the claim, as far as counters still show it."""
    counter = f"specwatch_contract_violations_total{{job='{settings.selectors_job}', api=%q, claim=%q, location=%q}}"
    query = f"sum by (operation) (increase({counter}[{duration(settings.contract_forgotten)}])) > 0"
    return (
        f'{{{{ range printf "{query}" $labels.api $labels.claim $labels.location | query }}}}'
        " {{ .Labels.operation }}"
        "{{ else }} not known any more{{ end }}"
    )


def _promise_broken(settings: Settings) -> Alert:
    return Alert(
        "SpecwatchPromiseBroken",
        _promises(settings, ">"),
        severity="page",
        suspect="provider",
        summary="{{ $labels.api }} breaks a promise of its documentation, {{ $labels.claim }}: the provider's fault",
        description=(
            f"Seen{FROM} {{{{ $value | humanizeDuration }}}} ago; no answer seen{FROM} has kept the claim since, or it "
            f"was kept only now and then. Operations:{_operations(settings)}."
        ),
    )


def _promise_broken_here(settings: Settings) -> Alert:
    return Alert(
        "SpecwatchPromiseBroken",
        _promises(settings, "<="),
        severity="ticket",
        suspect="network",
        summary=(
            f"{{{{ $labels.api }}}} breaks a promise of its documentation, {{{{ $labels.claim }}}}, as seen{FROM}, but "
            "not from most locations: probably something between"
        ),
        description=(
            f"Seen{FROM} {{{{ $value | humanizeDuration }}}} ago. Too few of the locations that check the claim see it "
            "broken to wake anybody; others have seen it kept of late. Something on the way there may change answers, "
            f"or only a part of the provider's servers is wrong. Operations:{_operations(settings)}."
        ),
    )


def _inference_broken(settings: Settings) -> Alert:
    return Alert(
        "SpecwatchInferenceBroken",
        since(f'{LAST_BROKEN}{{level="inference"}}'),
        severity="ticket",
        suspect="provider",
        summary=(
            "{{ $labels.api }} is not as the examples of its documentation show, {{ $labels.claim }}: "
            "probably a change by the provider"
        ),
        description=(
            f"Seen{FROM} {{{{ $value | humanizeDuration }}}} ago. Nothing that was promised is broken by it, but a "
            f"client may rely on it. Operations:{_operations(settings)}."
        ),
    )


def _drifted(settings: Settings, kinds: str) -> str:
    """How often drift of these kinds was counted of late, where it is new: what has gone on for longer is known."""
    window, before = duration(settings.contract_drift_window), duration(settings.contract_forgotten)
    counter = metric(settings, "specwatch_drift_total", f'kind=~"{kinds}"')
    return (
        f"(sum {_BY_KIND} (increase({counter}[{window}])) > 0\n"
        f"unless sum {_BY_KIND} (increase({counter}[{before}] offset {window})) > 0)"
    )


def _unknown_codes(settings: Settings) -> str:
    """The same for error codes that the document does not have: no drift, but an answer that counts as `other`."""
    window, before = duration(settings.contract_drift_window), duration(settings.contract_forgotten)
    counter = metric(settings, "specwatch_responses_total", 'status!="other"', 'error_code="other"')
    by = "sum by (api, operation, location)"
    new = f"{by} (increase({counter}[{window}])) > 0 unless {by} (increase({counter}[{before}] offset {window})) > 0"
    return f'label_replace({new}, "kind", "code", "", "")'


def _silent_on_refusals(origin: Origin) -> Iterator[str]:
    """Series of the operations whose document does not say how a refused credential is answered.

    Probes that send a wrong one on purpose are answered with some status there, day after day: that is no news. If our
    own credential is refused, another alert says so.
    """
    for api in origin.apis:
        silent = [each.id for each in api.operations if each.security and not each.documents_refusal]
        if silent:
            matchers = (f"api={quoted(api.id)}", f"operation=~{one_of(silent)}", 'kind="status"')
            counter = metric(origin.settings, "specwatch_drift_total", *matchers)
            # over the same time as what it is taken from, so that it is there while the prober is not
            yield f"sum {_BY_KIND} (increase({counter}[{duration(origin.settings.contract_drift_window)}]))"


def _undocumented_answer(origin: Origin) -> Alert:
    settings = origin.settings
    known = "".join(f"\n  unless {each}" for each in _silent_on_refusals(origin))
    return Alert(
        "SpecwatchUndocumentedAnswer",
        f"({_drifted(settings, 'status|code')}{known})\nor {_unknown_codes(settings)}",
        severity="ticket",
        suspect="provider",
        summary=(
            "{{ $labels.api }} answers {{ $labels.operation }} with {{ if eq $labels.kind `code` }}an error code"
            "{{ else }}a status{{ end }} that is new and not documented: probably a change by the provider"
        ),
        description=f"{_counted(settings)} A client that handles what is documented is not ready for it.",
    )


def _drift(settings: Settings) -> Alert:
    return Alert(
        "SpecwatchDrift",
        _drifted(settings, "field|value|header|media-type"),
        severity="info",
        suspect="provider",
        summary=(
            "{{ $labels.api }} answers {{ $labels.operation }} with a {{ $labels.kind }} that is new and not "
            "documented, which is allowed: the provider has added something"
        ),
        description=f"{_counted(settings)} Nothing is broken; the documentation lags behind.",
    )


def _counted(settings: Settings) -> str:
    window, before = duration(settings.contract_drift_window), duration(settings.contract_forgotten)
    return (
        f"Seen{FROM} about {{{{ $value | printf `%.0f` }}}} times in {window}, and not in the {before} before. It "
        f"is told as news for {window}; that the alert ends then does not mean that it has stopped."
    )


def _not_in_maintenance(settings: Settings) -> str:
    """Takes away probes of which a tick has been left out for maintenance since they last ran."""
    skipped = f'max {BY_PROBE} ({LAST_SKIPPED}{{reason="maintenance"}})'
    return f"unless ({skipped} > {last_run(settings)})"


def _failing(settings: Settings) -> Alert:
    window = duration(settings.probes_failing_for)
    failures = f"specwatch_request_failures_total{{job='{settings.selectors_job}', api=%q, location=%q}}"
    query = f"sum by (reason) (increase({failures}[{window}])) > 0"
    return Alert(
        "SpecwatchProbeFailing",
        f"{since(last_run(settings))}\nand {success(settings)} == 0\n{_not_in_maintenance(settings)}",
        severity="ticket",
        suspect="provider",
        summary="{{ $labels.probe }} of {{ $labels.api }} fails: probably the provider's fault, or the way there",
        description=(
            f"It has failed{FROM} for at least {window}; it last ran {{{{ $value | humanizeDuration }}}} ago. "
            f"What went wrong with requests to the API in the last {window}:"
            f'{{{{ range printf "{query}" $labels.api $labels.location | query }}}} {{{{ .Labels.reason }}}}'
            "{{ else }} nothing was sent{{ end }}."
        ),
        hold=settings.probes_failing_for,
    )


def _unknown(settings: Settings) -> Alert:
    return Alert(
        "SpecwatchProbeUnknown",
        f"{since(unknown_now(settings))}\n{_not_in_maintenance(settings)}",
        severity="ticket",
        suspect="account",
        summary=(
            "Nobody knows whether {{ $labels.probe }} of {{ $labels.api }} works: probably our own credential, "
            "setting or budget"
        ),
        description=(
            f"It has had no verdict{FROM} for at least {duration(settings.probes_unknown_for)}; it last ran "
            "{{ $value | humanizeDuration }} ago. An outage of the provider would go unseen meanwhile."
        ),
        hold=settings.probes_unknown_for,
    )
