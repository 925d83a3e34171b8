"""Numbers about the site for Prometheus, at /metrics."""
