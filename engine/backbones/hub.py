"""Fetching a model from the Hugging Face hub into its own cache, step by step: first what it is, then what it weighs."""

from pathlib import Path

import httpx2
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError

from engine.errors import UserError

CONFIG = ("config.json",)
TOKENIZER = (*CONFIG, "*.json", "*.txt", "*.model", "*.jinja")
WEIGHTS = (*TOKENIZER, "*.safetensors")
_NEVER = ["*/*", "consolidated*"]
"""Weights for other programs, or the same ones once more."""


def hub_folder(name: str, files: tuple[str, ...]) -> Path:
    """The folder with the ``files`` (patterns) of the model ``name``, named after its newest revision.

    If the hub cannot be reached, the last revision that was downloaded serves.

    Raises UserError for what is no id, an id that the hub does not know or show, or no network and no earlier download.
    """
    try:
        # People name the model; no code of it is run, and of weights only safetensors are read.
        return Path(snapshot_download(name, allow_patterns=list(files), ignore_patterns=_NEVER))  # nosec B615  # see above
    except HFValidationError as error:
        raise UserError(
            f"method.backbone: {name!r} is neither a folder nor a hub id.", "Write an id as owner/model, or name a folder."
        ) from error
    except RepositoryNotFoundError as error:
        raise UserError(
            f"method.backbone: the hub shows no model {name}.",
            "Check the spelling; for a private or gated model set HF_TOKEN.",
        ) from error
    except (LocalEntryNotFoundError, HfHubHTTPError, httpx2.HTTPError) as error:
        raise UserError(
            f"method.backbone: {name} is not on this machine, and the hub cannot be reached or does not give it away.",
            "Check the network, or name a folder that holds the model. nano works without a network.",
        ) from error
