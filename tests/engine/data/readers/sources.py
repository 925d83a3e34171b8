"""One small data set in every format that there is a reader for."""

import gzip
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from tests.engine.data.builders import write_folder

LOG = [
    ("u1", "0010", 1_600_000_001, 5.0),
    ("u1", "9", 1_600_000_002, 3.5),
    ("u2", "0010", 1_600_000_003, 4.0),
    ("u2", "B", 1_600_000_003, 1.0),
]
ITEMS = [
    ("0010", 'Say "Hi": Part 1, 2', ["Comedy", "Sci-Fi"], "Line one. Line two."),
    ("9", "Amélie", ["Drama"], ""),
    ("B", "“Quoted” | piped", [], "😀"),
    ("C", "Unseen", ["Hair Care"], "x"),
]
LOG_COLUMNS = ("user_id", "item_id", "timestamp", "rating")
ITEM_COLUMNS = ("item_id", "title", "categories", "description")


def write_csv(folder: Path) -> Path:
    log = "user_id,item_id,timestamp,rating\n" + "".join(f"{u},{i},{t},{r}\n" for u, i, t, r in LOG)
    quoted = [(i, title.replace('"', '""'), "|".join(categories), text) for i, title, categories, text in ITEMS]
    rows = "".join(f'{i},"{title}",{categories},{text}\n' for i, title, categories, text in quoted)
    return write_folder(folder, log, "item_id,title,categories,description\n" + rows)


def write_tsv(folder: Path) -> Path:
    csv = write_csv(folder)
    for name in ("interactions", "items"):
        frame = pl.read_csv(csv / f"{name}.csv", infer_schema=False, empty_string_is_null=False)
        frame.write_csv(folder / f"{name}.tsv", separator="\t")
        (csv / f"{name}.csv").unlink()
    return folder


def write_jsonl(folder: Path) -> Path:
    folder.mkdir()
    write_lines(folder / "interactions.jsonl", (dict(zip(LOG_COLUMNS, row, strict=True)) for row in LOG))
    write_lines(folder / "items.jsonl", (dict(zip(ITEM_COLUMNS, row, strict=True)) for row in ITEMS))
    return folder


def write_parquet(folder: Path) -> Path:
    folder.mkdir()
    log = pl.DataFrame(
        LOG, schema=dict(zip(LOG_COLUMNS, (pl.String, pl.String, pl.Int64, pl.Float64), strict=True)), orient="row"
    )
    log.with_columns(pl.from_epoch("timestamp").dt.replace_time_zone("UTC")).write_parquet(folder / "interactions.parquet")
    items = pl.DataFrame(ITEMS, schema=dict.fromkeys(ITEM_COLUMNS, pl.String) | {"categories": pl.List(pl.String)}, orient="row")
    items.write_parquet(folder / "items.parquet")
    return folder


def write_recbole(folder: Path) -> Path:
    """As RecBole's documentation describes atomic files; a blank within a member of a sequence is one that does not break."""
    folder.mkdir()
    head = "user_id:token\titem_id:token\ttimestamp:float\trating:float\n"
    (folder / "shop.inter").write_text(head + "".join(f"{u}\t{i}\t{t}\t{r}\n" for u, i, t, r in LOG), encoding="utf-8")
    head = "item_id:token\ttitle:token_seq\tcategories:token_seq\tdescription:token_seq\n"
    rows = [
        (i, title, " ".join(name.replace(" ", "\u00a0") for name in categories), text) for i, title, categories, text in ITEMS
    ]
    (folder / "shop.item").write_text(head + "".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "shop.user").write_text("user_id:token\tage:float\nu1\t30\n")
    return folder


def write_amazon_2018(folder: Path) -> Path:
    folder.mkdir()
    reviews = (
        {"overall": r, "verified": True, "reviewerID": u, "asin": i, "style": {"Size": " S"}, "image": [], "unixReviewTime": t}
        for u, i, t, r in LOG
    )
    write_lines(folder / "Beauty_5.json", reviews)
    products = (
        {
            "category": categories,
            "description": text.split(". ") and [text] if text else [],
            "title": title,
            "asin": i,
            "also_buy": [],
        }
        for i, title, categories, text in ITEMS
    )
    write_lines(folder / "meta_Beauty.json", products)
    return folder


def write_amazon_2014(folder: Path) -> Path:
    folder.mkdir()
    reviews = ({"reviewerID": u, "asin": i, "helpful": [0, 0], "overall": r, "unixReviewTime": t} for u, i, t, r in LOG)
    write_lines(folder / "reviews_Beauty.json", reviews)
    products = [
        {"asin": i, "title": title, "categories": [categories], "description": text, "related": {"also_viewed": ["x"]}}
        for i, title, categories, text in ITEMS
    ]
    (folder / "meta_Beauty.json").write_text("".join(f"{product!r}\n" for product in products), encoding="utf-8")
    return folder


def write_amazon_2023(folder: Path) -> Path:
    folder.mkdir()
    reviews = (
        {"rating": r, "title": "Great", "images": [], "asin": "v" + i, "parent_asin": i, "user_id": u, "timestamp": t * 1000}
        for u, i, t, r in LOG
    )
    write_lines(folder / "All_Beauty.jsonl", reviews)
    products = (
        {"main_category": "X", "title": title, "description": [text], "categories": categories, "details": {}, "parent_asin": i}
        for i, title, categories, text in ITEMS
    )
    write_lines(folder / "meta_All_Beauty.jsonl", products)
    return folder


FORMATS: dict[str, Callable[[Path], Path]] = {
    writer.__name__.removeprefix("write_"): writer
    for writer in (write_tsv, write_jsonl, write_parquet, write_recbole, write_amazon_2014, write_amazon_2018, write_amazon_2023)
}


def write_lines(path: Path, objects: Iterator[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(found) + "\n" for found in objects), encoding="utf-8")


def pack_each(folder: Path) -> Path:
    """Each file of ``folder`` replaced by itself as gzip."""
    for path in list(folder.iterdir()):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    return folder


def pack(folder: Path, inner: str = "") -> Path:
    """The files of ``folder`` as a zip archive beside it, in a folder there if it has a name."""
    path = folder.with_name(folder.name + ".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, f"{inner}/{file.name}" if inner else file.name)
    return path
