"""Readers of raw data, one file each. Importing this package registers them all.

A new reader is one file here with one strict ``register_reader`` call, imported below.
"""

from engine.data.readers import interactions, movielens
from engine.data.readers.registry import READERS, Reader, register_reader

__all__ = ["READERS", "Reader", "interactions", "movielens", "register_reader"]
