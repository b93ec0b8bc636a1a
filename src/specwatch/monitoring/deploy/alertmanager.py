"""The configuration of Alertmanager: who is told of what, what is told together, and what need not be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from specwatch.monitoring.rules.burn import pairs
from specwatch.monitoring.rules.model import SEVERITIES, as_yaml, duration
from specwatch.monitoring.settings import Receiver, Settings

UNSORTED: Final = "ticket"
"""Who gets an alert without a severity of ours: nobody is woken by what nobody has judged."""

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "page": ("api", "suspect"),
    "ticket": ("api", "alertname"),
    "info": ("api",),
}
"""What makes one notification. At night: one for an API and a cause, however many probes, claims and places see it. By
day: one for a piece of work. For information: one for an API."""

CERTIFICATE: Final = "SpecwatchCertificateExpires"
PROBER_GONE: Final = ("SpecwatchProberDown", "SpecwatchProberAbsent")
SILENT_WITHOUT_PROBER: Final = (
    "SpecwatchProbeNotRunning",
    "SpecwatchProberLate",
    "SpecwatchProberSaturated",
    "SpecwatchReloadFailed",
    "SpecwatchStateErrors",
)
"""What a prober that is gone explains, or makes the lesser trouble."""


def alertmanager_file(settings: Settings) -> str:
    """The text of `alertmanager.yml`, for Alertmanager 0.25 or newer.

    Args:
        settings: timings and receivers. A receiver with `webhook-url-file` needs Alertmanager 0.26
            (its CHANGELOG, 0.26.0: `url_file` of webhooks).
    """
    return as_yaml(
        {
            "route": _routes(settings),
            "inhibit_rules": _inhibitions(settings),
            "receivers": [_receiver(name, settings.receivers.get(name, Receiver())) for name in SEVERITIES],
        }
    )


def _routes(settings: Settings) -> dict[str, Any]:
    repeat = {
        "page": settings.notifications_repeat_page,
        "ticket": settings.notifications_repeat_ticket,
        "info": settings.notifications_repeat_info,
    }
    return {
        "receiver": UNSORTED,
        "group_by": list(GROUPS[UNSORTED]),
        "group_wait": duration(settings.notifications_group_wait),
        "group_interval": duration(settings.notifications_group_interval),
        "repeat_interval": duration(repeat[UNSORTED]),
        "routes": [
            {
                "matchers": [f'severity="{severity}"'],
                "receiver": severity,
                "group_by": list(GROUPS[severity]),
                "repeat_interval": duration(repeat[severity]),
            }
            for severity in SEVERITIES
        ],
    }


def _inhibitions(settings: Settings) -> list[dict[str, Any]]:
    """What silences what.

    Labels that are missing on both sides count as equal (https://prometheus.io/docs/alerting/latest/configuration/,
    inhibition), so sides that are about a probe have to say that they name one. A location counts, too: what is slow
    from here says nothing about what fails from there.
    """
    faster, slower = (pair.label for pair in pairs(settings) if pair.severity == "page")
    about_a_probe, place = ['api!=""', 'probe!=""'], ["api", "probe", "location"]
    return [
        # the same trouble, told twice: of one probe and objective, for whoever is up already because of it
        _inhibition(
            ['severity="page"', *about_a_probe, 'objective!=""'],
            ['severity=~"ticket|info"', 'objective!=""'],
            [*place, "objective", "suspect"],
        ),
        # what fails and has no objective; a probe that is slow may fail for another reason
        _inhibition(
            ['severity="page"', *about_a_probe, 'objective!="latency"'],
            ['severity=~"ticket|info"', 'objective=""'],
            [*place, "suspect"],
        ),
        # one budget, one page: that of the faster burn rate, which the slower one follows
        _inhibition(
            ['severity="page"', *about_a_probe, f'burn_rate="{faster}"'],
            ['severity="page"', f'burn_rate="{slower}"'],
            ["alertname", *place, "objective"],
        ),
        # it fails from there alone, and that is what to look into
        _inhibition(
            ['alertname="SpecwatchLocationDisagrees"', *about_a_probe], ['alertname="SpecwatchProbeFailing"'], place
        ),
        # three days are less than three weeks
        _inhibition(
            [_names((CERTIFICATE,)), 'severity="page"'],
            [_names((CERTIFICATE,)), 'severity="ticket"'],
            ["api", "host", "location"],
        ),
        # a prober that is gone runs nothing, and is seen to before all that; `up` knows it by its address alone
        _inhibition([_names(PROBER_GONE)], [_names(SILENT_WITHOUT_PROBER)], ["job", "instance"]),
        # why nothing is known of a probe
        _inhibition(
            [_names(("SpecwatchCredentialRejected", "SpecwatchRateLimited"))],
            ['alertname="SpecwatchProbeUnknown"'],
            ["api", "location"],
        ),
    ]


def _inhibition(source: list[str], target: list[str], equal: list[str]) -> dict[str, Any]:
    return {"source_matchers": source, "target_matchers": target, "equal": equal}


def _names(alerts: tuple[str, ...]) -> str:
    return f'alertname=~"{"|".join(alerts)}"'


def _receiver(name: str, receiver: Receiver) -> dict[str, Any]:
    if receiver.webhook_url:
        return {"name": name, "webhook_configs": [{"url": receiver.webhook_url, "send_resolved": True}]}
    if receiver.webhook_url_file:
        return {"name": name, "webhook_configs": [{"url_file": receiver.webhook_url_file, "send_resolved": True}]}
    return {"name": name}
