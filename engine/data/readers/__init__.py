"""Readers of raw data, one file each. Importing this package registers them all.

A new reader is one file here with one strict ``register_reader`` call, imported below.
"""

from engine.data.readers import amazon, interactions, movielens, recbole, sasrec, version, zip
from engine.data.readers.registry import READERS, Reader, find_reader, register_reader

__all__ = [
    "READERS",
    "Reader",
    "amazon",
    "find_reader",
    "interactions",
    "movielens",
    "recbole",
    "register_reader",
    "sasrec",
    "version",
    "zip",
]
