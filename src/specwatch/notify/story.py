"""What is said of a probe: labels, whose fault it probably is, and sentences for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from specwatch.notify.alert import Alert, moment
from specwatch.values.failure import Reason
from specwatch.values.observation import Observation

FAILING: Final = "SpecwatchProbeFailing"
UNKNOWN: Final = "SpecwatchProbeUnknown"
"""Names of alerts; the rules for Prometheus have the same two, and runbooks go by them."""

SEVERITY: Final = "ticket"
LONGEST: Final = 500
"""Characters of a message that are handed on."""

SUSPECTS: Final = {
    Reason.DNS: "network",
    Reason.CONNECT: "network",
    Reason.AUTH: "account",
    Reason.RATE_LIMITED: "account",
    Reason.INTERNAL: "prober",
}
"""Who probably has to act, by reason; the provider for all others. The words are those of the rules."""


@dataclass(frozen=True, slots=True)
class Links:
    """Where alerts point to.

    Args:
        pages: address of the prober's own pages, without a slash at its end.
        runbooks: what comes before the name of an alert, ending in a slash; empty for the prober's own pages.
    """

    pages: str = ""
    runbooks: str = ""

    def runbook(self, name: str) -> str:
        """Address of the runbook of an alert."""
        return f"{self.runbooks or f'{self.pages}/runbooks/'}{name}"

    def runs(self, probe: str) -> str:
        """Address of the last runs of a probe."""
        return f"{self.pages}/runs?probe={quote(probe, safe='')}"


def failing(observation: Observation, since: float, location: str, links: Links) -> Alert:
    """The alert about a probe whose settled verdict is fail.

    Args:
        observation: the run; without secrets.
        since: epoch seconds at which that verdict began.
        location: of the prober, or empty.
        links: where it points to.
    """
    suspect = _suspect(observation, "provider")
    why = f": {observation.reason.value}" if observation.reason else ""
    summary = f"{observation.probe} fails{why}. {_PROBABLY[suspect]}"
    description = f"{_told(observation)} It fails since {moment(since)}, on {observation.target}."
    return _alert(FAILING, observation, since, location, links, (suspect, summary, description))


def unknown(observation: Observation, since: float, location: str, links: Links) -> Alert:
    """The alert about a probe of which nothing has been known for long; see `failing`."""
    suspect = _suspect(observation, "account")
    summary = f"{observation.probe} cannot tell how its API is doing. {_PROBABLY[suspect]}"
    description = f"{_told(observation)} Nothing is known since {moment(since)}, on {observation.target}."
    return _alert(UNKNOWN, observation, since, location, links, (suspect, summary, description))


def recovered(observation: Observation) -> str:
    """Why the alert about a failing probe ends."""
    return f"{observation.probe} passes again, on {observation.target}."


def known_again(observation: Observation) -> str:
    """Why the alert about an unknown probe ends."""
    return f"{observation.probe} can tell again: its verdict is {observation.verdict.value}."


def unwatched(probe: str) -> str:
    """Why an alert ends whose probe does not run any more."""
    return f"{probe} is not watched any more: it was switched off, or is no longer in the schedule. Nobody knows more."


_PROBABLY: Final = {
    "provider": "The provider probably has to act.",
    "account": "Whoever holds our account with the provider probably has to act.",
    "prober": "Whoever runs specwatch probably has to act.",
    "network": "Whoever runs the network on the way there probably has to act.",
}


def _alert(
    name: str, observation: Observation, since: float, location: str, links: Links, told: tuple[str, str, str]
) -> Alert:
    suspect, summary, description = told
    labels = {
        "alertname": name,
        "api": observation.api,
        "probe": observation.probe,
        "severity": SEVERITY,
        "suspect": suspect,
    }
    if location:
        labels["location"] = location
    if observation.reason is not None:
        labels["reason"] = observation.reason.value
    annotations = {"summary": summary, "description": description, "runbook_url": links.runbook(name)}
    return Alert(labels, annotations, since, source=links.runs(observation.probe))


def _suspect(observation: Observation, otherwise: str) -> str:
    failure = observation.sent[-1].failure if observation.sent else None
    if failure is not None and failure.local:
        return "network"
    return SUSPECTS.get(observation.reason, otherwise) if observation.reason else otherwise


def _told(observation: Observation) -> str:
    """The message of a run, as a sentence that cannot steer a terminal."""
    text = "".join(char if char.isprintable() else " " for char in observation.message)
    text = " ".join(text.split())[:LONGEST] or "The run says no more."
    return text if text.endswith((".", "!", "?")) else f"{text}."
