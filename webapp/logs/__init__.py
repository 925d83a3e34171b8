"""Lines of the log, the same for web, workers and their children: plain, or one JSON object a line (LOG_FORMAT=json)."""
