"""A hub on this machine, speaking as much of the hub's protocol as downloading a model takes."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from engine.backbones.huggingface import load_backbone
from engine.errors import UserError

CPU = torch.device("cpu")
REPOSITORY, REVISION = "mine/tiny", "c" * 40


class Hub(BaseHTTPRequestHandler):
    """Serves ``folder`` as the only repository; ``asked`` keeps the paths."""

    folder: Path
    asked: list[str]

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, with_body: bool) -> None:
        path = self.path.split("?")[0]
        self.asked.append(path)
        file = self.folder / path.rsplit("/", 1)[-1]
        code, headers, body = 200, {"X-Repo-Commit": REVISION}, b""
        if path == f"/api/models/{REPOSITORY}/revision/main":
            body = json.dumps({"id": REPOSITORY, "sha": REVISION}).encode()
        elif path == f"/api/models/{REPOSITORY}/tree/{REVISION}":
            files = [
                {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": ""} for file in self.folder.iterdir()
            ]
            body = json.dumps(files).encode()
        elif path.startswith(f"/{REPOSITORY}/resolve/{REVISION}/") and file.is_file():
            body = file.read_bytes()
            headers["ETag"] = f'"{sha256(body).hexdigest()}"'
        else:
            code, body = 404, b""
            headers["X-Error-Code"] = "EntryNotFound" if path.startswith(f"/{REPOSITORY}/") else "RepoNotFound"
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """No lines on stderr."""


@pytest.fixture
def hub(checkpoint: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    handler = type("Here", (Hub,), {"folder": checkpoint("llama"), "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", endpoint + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_hub_id_is_loaded_at_its_newest_revision_and_serves_without_a_network_later(
    hub: type[Hub], checkpoint: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load_backbone(REPOSITORY, REPOSITORY, CPU)
    assert REVISION in backbone.identity
    local = load_backbone("mine", checkpoint("llama"), CPU)
    assert torch.equal(backbone.token_embedding.weight, local.token_embedding.weight)
    assert f"/{REPOSITORY}/resolve/{REVISION}/model.safetensors" in hub.asked
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    hub.asked.clear()
    again = load_backbone(REPOSITORY, REPOSITORY, CPU)
    assert not hub.asked
    assert again.identity == backbone.identity
    assert torch.equal(again.token_embedding.weight, local.token_embedding.weight)


def test_an_id_that_the_hub_does_not_know(hub: type[Hub]) -> None:
    with pytest.raises(UserError, match="the hub shows no model some-one/no-model"):
        load_backbone("some-one/no-model", "some-one/no-model", CPU)


def test_no_weights_are_fetched_in_vain(hub: type[Hub], tmp_path: Path) -> None:
    other = copied(hub, tmp_path / "other")
    torch.save({}, other / "pytorch_model.bin")
    with pytest.raises(UserError, match="pickled weights are never loaded"):
        load_backbone(REPOSITORY, REPOSITORY, CPU)
    (other / "model.safetensors").write_bytes(b"large")
    (other / "config.json").write_text('{"model_type": "mamba"}', encoding="utf-8")
    shutil.rmtree(Path(constants.HF_HUB_CACHE))
    with pytest.raises(UserError, match="mamba model, which is not supported yet"):
        load_backbone(REPOSITORY, REPOSITORY, CPU)
    assert not any(path.endswith(("pytorch_model.bin", "model.safetensors")) for path in hub.asked)


def test_random_weights_need_no_download_of_weights(hub: type[Hub]) -> None:
    assert load_backbone(REPOSITORY, REPOSITORY, CPU, random_seed=1).identity == f"{REPOSITORY}@{REVISION} fp32 drawn from 1"
    assert not any(path.endswith(".safetensors") for path in hub.asked)


def copied(hub: type[Hub], to: Path) -> Path:
    """Make the hub serve a copy of its folder without the weights."""
    to.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (to / name).write_bytes((hub.folder / name).read_bytes())
    hub.folder = to
    return to
