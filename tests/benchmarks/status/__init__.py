"""How fast the status of a run is answered while 200 clients wait for runs: ``python -m tests.benchmarks.status``."""
