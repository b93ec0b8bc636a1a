"""Layer 5: rules, alerts, dashboards and configuration files, derived from specs, probes and settings."""
