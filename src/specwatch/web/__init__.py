"""Layer 5: what the prober shows over HTTP: metrics, health, a status page, and two things that can be asked of it."""

from specwatch.web.app import create_web
from specwatch.web.server import parse_listen, serve
from specwatch.web.settings import Listen, WebSettings
from specwatch.web.view import ApiStatus, BudgetStatus, JobStatus, ProbeStatus, Status, Trouble, WatchView

__all__ = [
    "ApiStatus",
    "BudgetStatus",
    "JobStatus",
    "Listen",
    "ProbeStatus",
    "Status",
    "Trouble",
    "WatchView",
    "WebSettings",
    "create_web",
    "parse_listen",
    "serve",
]
