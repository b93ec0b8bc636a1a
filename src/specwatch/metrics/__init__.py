"""Layer 5: what the prober saw, as metrics for Prometheus."""

from specwatch.metrics.blackbox import blackbox_metrics
from specwatch.metrics.exposition import Exposition, Rendered
from specwatch.metrics.families import FAMILIES, PROCESS, Family, Kind
from specwatch.metrics.metrics import Metrics

__all__ = [
    "FAMILIES",
    "PROCESS",
    "Exposition",
    "Family",
    "Kind",
    "Metrics",
    "Rendered",
    "blackbox_metrics",
]
