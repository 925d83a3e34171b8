"""Copying a version's items into Postgres, where pages can search them."""

import json
import unicodedata
from collections import Counter

import numpy as np
from django.db import connection

from engine.data.version import Version
from webapp.curation.models import CatalogueItem
from workers.text import storable

_COLUMNS = "version_id, item_id, title, categories, description, interactions, words, title_key, twins"
_KEY_LENGTH = 200


def store_items(pk: int, version: Version) -> int:
    """Replace the copied items of version ``pk`` by those of ``version``; returns how many. Call it in a transaction."""
    CatalogueItem.objects.filter(version=pk).delete()
    columns = [version.items[name].to_list() for name in ("id", "title", "categories", "description")]
    interactions = np.bincount(version.item, minlength=version.items.height).tolist()
    keys = [title_key(title) if title != item else "" for item, title in zip(columns[0], columns[1], strict=True)]
    shared = Counter(keys)
    table = CatalogueItem._meta.db_table
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({_COLUMNS}) FROM STDIN") as copy:
        for item, title, categories, description, count, key in zip(*columns, interactions, keys, strict=True):
            words = "\n".join([item, title, *categories]).lower()
            row = (pk, item, title, json.dumps(storable(categories)), description, count, words, key)
            copy.write_row(storable([*row, shared[key] - 1 if key else 0]))
    return len(keys)


def title_key(title: str) -> str:
    """The letters and digits of a title, one spelling for each: titles with the same key may be the same item's."""
    plain = unicodedata.normalize("NFKC", title).casefold()
    return "".join(sign for sign in plain if sign.isalnum())[:_KEY_LENGTH]
