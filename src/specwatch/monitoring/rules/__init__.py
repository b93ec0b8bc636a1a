"""Recording rules and alerts of Prometheus."""
