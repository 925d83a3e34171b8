"""Raw logs to versions, sequences and splits. Loads no torch."""
