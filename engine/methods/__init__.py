"""The methods. Importing this package loads no torch: a method's code is imported only when it runs.

A method is a folder with ``spec.py`` (its settings, no torch) and ``method.py`` (its code), and one entry in ``catalogue.py``.
"""

from engine.methods.catalogue import METHODS
from engine.methods.spec import MethodSpec

__all__ = ["METHODS", "MethodSpec"]
