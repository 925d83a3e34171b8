"""A small installation of real processes that are killed while they work: ``python -m tests.faults.bench --kills 50``."""
