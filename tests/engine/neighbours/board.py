"""Event files as TensorBoard itself reads them, in its own environment."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.tools.environments import tool

READ = """
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata
from google.protobuf.json_format import MessageToDict

found = {}
for folder in sys.argv[1:]:
    board = EventAccumulator(folder, size_guidance={"scalars": 0, "tensors": 0}).Reload()
    tags = board.Tags()
    content = board.SummaryMetadata
    found[folder] = {
        "scalars": {tag: [[one.step, one.value, one.wall_time] for one in board.Scalars(tag)] for tag in tags["scalars"]},
        "texts": {
            tag: [one.tensor_proto.string_val[0].decode() for one in board.Tensors(tag)]
            for tag in tags["tensors"] if content(tag).plugin_data.plugin_name == "text"
        },
        "hparams": MessageToDict(metadata.parse_session_start_info_plugin_data(
            content("_hparams_/session_start_info").plugin_data.content)),
        "end": metadata.parse_session_end_info_plugin_data(
            content("_hparams_/session_end_info").plugin_data.content).status
            if "_hparams_/session_end_info" in tags["tensors"] else None,
    }
print(json.dumps(found))
"""


def read_boards(*folders: Path) -> list[dict[str, Any]]:
    """Of each folder ``{"scalars": {tag: [[step, value, time], ...]}, "texts": ..., "hparams": ..., "end": status}``."""
    # 0 keeps all points: TensorBoard would draw a sample of them.
    command = [str(tool("python")), "-I", "-c", READ, *map(str, folders)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folders[0])
    assert done.returncode == 0, done.stderr
    assert "corrupt" not in done.stderr.lower(), done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return [found[str(folder)] for folder in folders]
