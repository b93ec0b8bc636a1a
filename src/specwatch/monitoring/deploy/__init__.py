"""Configuration files of Prometheus, Alertmanager and Grafana."""
