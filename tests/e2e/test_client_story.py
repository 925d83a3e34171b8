"""The blocks of the client's README, just as they stand there, on MovieLens 100k in the layout in which it is published.

Uploads, mapping, version, leaks, runs, comparison, recommendations, lists for everybody, promotion, a search, and all files.
"""

import csv
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy.local.home import ROOT
from engine.data.readers.movielens import GENRES
from engine.search.presets import search_presets
from tests.e2e.site import Site

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

CLIENT = ROOT / "deploy" / "client"
README = (CLIENT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
CONSOLE, CURL = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
TOKEN = """
import secrets
from webapp.accounts.actions import ensure_account
from webapp.accounts.models import Scope
from webapp.accounts.tokens import issue_token
name = "reader-" + secrets.token_hex(4)
print("token:", issue_token(ensure_account(name, secrets.token_hex(12), name, "admin"), "story", 1, Scope.CURATE)[1])
"""
"""Of a new person with a project of their own: each block is followed by somebody who begins."""
USERS, ITEMS, OF_CORE_5 = 943, 1_682, "943 users; 1349 items; 99287 interactions"
Story = Callable[[list[str]], str]


@pytest.fixture(scope="module")
def archive(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``ml-100k.zip`` as GroupLens makes it: u.data with tabs, u.item with bars and a flag for each genre, in a folder."""
    lines = []
    with gzip.open(shared_data / "ml-100k" / "items.csv.gz", "rt", encoding="utf-8", newline="") as source:
        for row in csv.DictReader(source):
            flags = [str(int(genre in row["categories"].split("|"))) for genre in GENRES]
            lines.append("|".join([row["item_id"], row["title"], "", "", "", *flags]))
    assert len(lines) == ITEMS
    with gzip.open(shared_data / "ml-100k" / "interactions.csv.gz", "rt", encoding="utf-8", newline="") as source:
        log = [f"{row['user_id']}\t{row['item_id']}\t{row['rating']}\t{row['timestamp']}" for row in csv.DictReader(source)]
    path = tmp_path_factory.mktemp("movielens") / "ml-100k.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as sink:
        sink.writestr("ml-100k/u.data", "\n".join(log) + "\n")
        sink.writestr("ml-100k/u.item", ("\n".join(lines) + "\n").encode("latin-1"))
    return path


@pytest.fixture
def story(site: Site, archive: Path, tmp_path: Path) -> Story:
    """Runs a command in a folder with the archive, where the client and its console command are installed; gives its output."""
    shutil.copy(archive, tmp_path)
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    command = bin_folder / "darec-lab"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m darec_lab "$@"\n')
    command.chmod(0o755)
    own = {
        "DAREC_LAB_URL": site.address,
        "DAREC_LAB_TOKEN": site.shell(TOKEN).rpartition("token:")[2].strip(),
        "PYTHONPATH": str(CLIENT / "src"),
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
    }

    def run(line: list[str]) -> str:
        done = subprocess.run(
            line, env={**os.environ, **own}, cwd=tmp_path, capture_output=True, text=True, timeout=400, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    return run


def test_in_python(story: Story, tmp_path: Path) -> None:
    assert len(PYTHON) == 2
    said = story([sys.executable, "-W", "error", "-c", PYTHON[0]])
    assert OF_CORE_5 in said
    assert "MovieLens 100K" in said
    for method in ("popularity", "item-knn", "sasrec"):
        assert re.search(rf"^{method} 0\.\d+ leave-one-out$", said, re.MULTILINE), said
    with (tmp_path / "everyone.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    assert len(rows) == USERS * 10
    assert rows[0]["title"]
    assert json.loads((tmp_path / "sasrec.json").read_text())


def test_the_search_of_the_readme_is_one_that_the_site_takes() -> None:
    """Only its settings are tried here: test_searches.py and test_story.py run searches, which take minutes."""
    asked: list[tuple[str, dict[str, object]]] = []

    class Told(Exception):
        """Ends the block where the site would be asked."""

    class Searches:
        def create(self, version: int, preset: str, settings: dict[str, object], acknowledge_leakage: bool) -> None:
            asked.append((preset, settings))
            raise Told

    site = SimpleNamespace(searches=Searches())
    with pytest.raises(Told):
        exec(compile(PYTHON[1], "README.md", "exec"), {"client": site, "version": SimpleNamespace(id=1)})  # noqa: S102 - our own README
    ((preset, settings),) = asked
    plan = search_presets().get(preset).plan(settings)
    assert (plan.trials, plan.run.training.epochs) == (2, 2)


def test_on_the_console(story: Story, tmp_path: Path) -> None:
    said = story(["bash", "-euo", "pipefail", "-c", CONSOLE])
    assert said.count("succeeded") >= 4
    assert "item-knn" in said
    assert json.loads((tmp_path / "item-knn" / "result.json").read_text())


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_by_curl(story: Story, tmp_path: Path) -> None:
    said = story(["bash", "-c", CURL])
    assert "'score'" in said.partition("\nrecommended:")[2].partition("\n")[0]
    assert "'rank': 5" in said.partition("\nby the dataset:")[2].partition("\n")[0]
    assert "ndcg@10" in said.partition("\ntest:")[2].partition("\n")[0]
    assert (tmp_path / "everyone.csv").read_text(encoding="utf-8").count("\n") == USERS * 10 + 1
    (folder,) = tmp_path.glob("run-*")
    assert json.loads((folder / "result.json").read_text())
    assert (folder / "model" / "model.safetensors").stat().st_size > 0
