"""How many messages wait in a queue of the broker."""

from functools import cache
from typing import Any

from celery import Celery
from django.conf import settings
from kombu.exceptions import OperationalError


@cache
def _app() -> Celery:
    app = Celery("queues", broker=settings.BROKER_URL, set_as_current=False)
    app.conf.broker_transport_options = {
        "socket_connect_timeout": 2,
        "socket_timeout": 3,
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
        "interval_max": 0,
        "connect_retries_timeout": 2,
    }
    return app


def waiting(name: str) -> int:
    """Messages in queue ``name`` that no worker has taken; raises kombu.exceptions.OperationalError if the broker is away.

    The queue and its binding are declared anew: a broker that lost its data knows neither, and would drop what is sent.
    """
    app = _app()
    with app.connection_for_write() as connection:
        try:
            queue = app.amqp.queues[name](connection.default_channel)
            queue.declare()
            channel: Any = connection.default_channel
            return int(channel.queue_declare(queue=name, durable=True).message_count)
        except (*connection.connection_errors, *connection.channel_errors) as error:
            raise OperationalError(str(error)) from error
