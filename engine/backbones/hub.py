"""Asking the Hugging Face hub once, briefly, before anything is loaded: without a network its clients retry for half a minute."""

import httpx2
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, RepositoryNotFoundError

from engine.errors import UserError

TIMEOUT = 10.0
"""Seconds."""


def hub_revision(name: str) -> str | None:
    """The newest revision of the model ``name``; None if the hub cannot be reached, so that only an earlier download can serve.

    Raises UserError for what is no id, or an id that the hub does not know or show.
    """
    try:
        return HfApi(endpoint=constants.ENDPOINT).model_info(name, timeout=TIMEOUT).sha
    except HFValidationError as error:
        raise UserError(
            f"method.backbone: {name!r} is neither a folder nor a hub id.", "Write an id as owner/model, or name a folder."
        ) from error
    except RepositoryNotFoundError as error:
        raise UserError(
            f"method.backbone: the hub shows no model {name}.",
            "Check the spelling; for a private or gated model set HF_TOKEN.",
        ) from error
    except (HfHubHTTPError, httpx2.TransportError, OfflineModeIsEnabled):
        return None
