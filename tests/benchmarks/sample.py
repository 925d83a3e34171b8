"""A sample of a version's users, with the whole catalogue, to tune on where the set is large.

python -m tests.benchmarks.sample VERSION FOLDER --share 0.4
python -m engine prepare --data FOLDER --out SAMPLE --set filters.core=0
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl

from engine.data.version import Version, read_version

SEED = 0


def write_sample(version: Version, folder: Path, share: float) -> int:
    """Write ``interactions.csv`` of a share of the users, drawn evenly, and ``items.csv`` of all; gives the number of users."""
    count = max(1, round(share * len(version.users)))
    drawn = np.random.default_rng(SEED).choice(len(version.users), count, replace=False)
    rows = np.isin(version.user, drawn)
    users, items = np.array(version.users), np.array(version.item_ids)
    table = {
        "user_id": users[version.user[rows]],
        "item_id": items[version.item[rows]],
        "timestamp": version.timestamp[rows],
        "rating": version.weight[rows],
    }
    folder.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(table).write_csv(folder / "interactions.csv")
    texts = version.items.drop("index").with_columns(pl.col(pl.List(pl.String)).list.join("|")).rename({"id": "item_id"})
    texts.write_csv(folder / "items.csv")
    return count


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", type=float, required=True)
    given = parser.parse_args()
    print(write_sample(read_version(given.version), given.folder, given.share), "users")
