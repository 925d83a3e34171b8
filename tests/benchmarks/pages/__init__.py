"""How fast pages are with 2,000 runs while 200 people look: ``python -m tests.benchmarks.pages``."""
