"""How a worker takes messages: one that is no message of ours is put aside, and never ends the worker."""

import logging
from collections.abc import Callable
from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer

_log = logging.getLogger(__name__)
_MALFORMED = (TypeError, ValueError, KeyError, AttributeError)
"""What Celery raises over bodies and headers that it does not expect; trouble with the broker is none of them."""


class Consumer(CeleryConsumer):
    """Celery's, that survives malformed messages: otherwise one comes back to each worker in turn, and ends it."""

    def create_task_handler(self, *arguments: Any, **named: Any) -> Callable[[Any], Any]:
        """What is called with each message."""
        handle = super().create_task_handler(*arguments, **named)

        def take(message: Any) -> Any:
            try:
                return handle(message)
            except _MALFORMED:
                _log.exception("a message that cannot be understood is put aside")
                return message.reject_log_error(_log, self.connection_errors)  # type: ignore[attr-defined]

        return take
