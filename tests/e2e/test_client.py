"""Without a browser, on a small catalogue: by the client and by the console command. By its README: test_client_story.py."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from darec_lab import Client

from deploy.local.home import ROOT
from tests.e2e.site import Site

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

CLIENT = ROOT / "deploy" / "client"
TOKEN = """
from django.contrib.auth.models import User
from webapp.accounts.tokens import issue_token
print("token:", issue_token(User.objects.get(username="alice"), "client", 1)[1])
"""


@pytest.fixture(scope="module")
def token(site: Site) -> str:
    return site.shell(TOKEN).rpartition("token:")[2].strip()


def surroundings(site: Site, token: str) -> dict[str, str]:
    paths = [str(CLIENT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "DAREC_LAB_URL": site.address, "DAREC_LAB_TOKEN": token}


def test_by_the_client(site: Site, token: str, files: Path) -> None:
    with Client(site.address, token) as client:
        version = client.uploads.create(
            files / "interactions.csv", files / "items.csv", name="By the client", filters={"core": 3}, timeout=120
        )
        assert version["users"] > 0
        assert version.leakage()["findings"] is not None
        first = client.runs.create(version.id, "popularity", acknowledge_leakage=True)
        second = client.runs.create(version.id, "item-knn", acknowledge_leakage=True)
        stages: list[str] = []
        first.wait(lambda done, of, word: stages.append(word), timeout=120)
        second.wait(timeout=120)
        assert stages[-1] == "succeeded"
        assert second.ranks().height == second["users_evaluated"]
        history = [item["id"] for item in second.samples()[0]["history"]]
        recommended = second.recommend(history, k=5)
        assert len(recommended) == 5
        compared = client.compare([first.id, second.id], columns=["method", "test.ndcg@10"])
        tests = dict(compared.frame().select("run", "test.ndcg@10").iter_rows())
        assert tests == {run.id: pytest.approx(run.test["ndcg@10"]) for run in (first, second)}
        assert compared.significance().height == 1
        assert set(client.leaderboard(version.id)["method"].to_list()) == {"popularity", "item-knn"}


def test_by_the_console(site: Site, token: str, files: Path, tmp_path: Path) -> None:
    def command(*arguments: str) -> str:
        line = [sys.executable, "-m", "darec_lab", *arguments]
        done = subprocess.run(
            line, env=surroundings(site, token), cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    items = str(files / "items.csv")
    version = json.loads(command("upload", str(files / "interactions.csv"), "--items", items, "--filter", "core=3", "--json"))
    assert version["state"] == "ready"
    launch = ("launch", str(version["id"]), "--acknowledge-leakage", "--json", "--wait")
    runs = [str(json.loads(command(*launch, preset))["id"]) for preset in ("popularity", "markov")]
    assert "succeeded" in command("watch", runs[0])
    assert "markov" in command("list", "--most", "1")
    assert "test" in command("compare", *runs)
    command("pull", runs[0], "--file", "result.json", "--out", "pulled")
    assert json.loads((tmp_path / "pulled" / "result.json").read_text())
