"""The science of DARec Lab: data, methods, training and evaluation, usable alone with ``python -m engine``.

Importing :mod:`engine`, :mod:`engine.spec`, :mod:`engine.events` or :mod:`engine.errors` loads no torch.
"""
