"""``python -m deploy.local.demo``: the whole way from a log file to recommendations, on real services."""
