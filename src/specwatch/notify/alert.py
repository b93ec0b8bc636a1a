"""An alert as Alertmanager hands it on, and the message that carries several of them.

The form is that of version 4: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config, and
https://prometheus.io/docs/alerting/latest/notifications/#data for its parts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

VERSION: Final = "4"
RECEIVER: Final = "specwatch"
GROUPED_BY: Final = ("alertname", "api")
"""Alerts that agree on these labels share a message."""

NEVER: Final = "0001-01-01T00:00:00Z"
"""The end of an alert that fires: Go's zero time."""

_OFFSET: Final = 14695981039346656037
_PRIME: Final = 1099511628211
"""FNV-1a of 64 bits, http://www.isthe.com/chongo/tech/comp/fnv/."""

Group = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert.

    Args:
        labels: what tells it from others; they stay the same from its beginning to its end.
        annotations: what people read.
        starts_at: epoch seconds.
        ends_at: epoch seconds; None while it fires.
        source: address of a page that says more.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: float
    ends_at: float | None = None
    source: str = ""

    @property
    def firing(self) -> bool:
        """Whether it fires; else it is resolved."""
        return self.ends_at is None

    @property
    def name(self) -> str:
        """Its name."""
        return self.labels["alertname"]

    @property
    def probe(self) -> str:
        """Id of its probe."""
        return self.labels["probe"]

    @property
    def group(self) -> Group:
        """Values of the labels by which alerts are grouped."""
        return tuple(self.labels.get(name, "") for name in GROUPED_BY)

    def ended(self, at: float, description: str) -> Alert:
        """The same alert, resolved; its summary, which many receivers show as a title, says so, too.

        Args:
            at: epoch seconds.
            description: why.
        """
        told = {**self.annotations, "summary": description, "description": description}
        return replace(self, ends_at=at, annotations=told)

    def as_data(self) -> dict[str, object]:
        """As the message has it."""
        return {
            "status": _status(firing=self.firing),
            "labels": dict(self.labels),
            "annotations": dict(self.annotations),
            "startsAt": moment(self.starts_at),
            "endsAt": NEVER if self.ends_at is None else moment(self.ends_at),
            "generatorURL": self.source,
            "fingerprint": fingerprint(self.labels),
        }


def message(alerts: Sequence[Alert], pages: str, truncated: int = 0) -> bytes:
    """The message about alerts of one group.

    Args:
        alerts: at least one.
        pages: address of the prober's own pages.
        truncated: how many alerts of the group were left out.
    """
    shared = dict(zip(GROUPED_BY, alerts[0].group, strict=True))
    key = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in shared.items())
    document = {
        "version": VERSION,
        "groupKey": f"{{}}:{{{key}}}",
        "truncatedAlerts": truncated,
        "status": _status(firing=any(alert.firing for alert in alerts)),
        "receiver": RECEIVER,
        "groupLabels": shared,
        "commonLabels": _common([alert.labels for alert in alerts]),
        "commonAnnotations": _common([alert.annotations for alert in alerts]),
        "externalURL": pages,
        "alerts": [alert.as_data() for alert in alerts],
    }
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")


def fingerprint(labels: Mapping[str, str]) -> str:
    """What Alertmanager calls an alert with these labels by.

    FNV-1a over names and values in the order of the names, a byte 255 after each:
    https://github.com/prometheus/common/blob/main/model/signature.go
    """
    text = b"".join(f"{name}".encode() + b"\xff" + labels[name].encode() + b"\xff" for name in sorted(labels))
    found = _OFFSET
    for byte in text:
        found = (found ^ byte) * _PRIME % 2**64
    return f"{found:016x}"


def moment(at: float) -> str:
    """RFC 3339, in UTC, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _status(*, firing: bool) -> str:
    return "firing" if firing else "resolved"


def _common(many: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first, *others = many
    return {name: value for name, value in first.items() if all(each.get(name) == value for each in others)}
