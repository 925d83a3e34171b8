"""How many messages wait in a queue of the broker."""

from typing import Any

from kombu.exceptions import OperationalError

from webapp.broker import producer


def waiting(name: str) -> int:
    """Messages in queue ``name`` that no worker has taken; raises kombu.exceptions.OperationalError if the broker is away.

    The queue and its binding are declared anew: a broker that lost its data knows neither, and would drop what is sent.
    """
    app = producer()
    with app.connection_for_write() as connection:
        try:
            queue = app.amqp.queues[name](connection.default_channel)
            queue.declare()
            channel: Any = connection.default_channel
            return int(channel.queue_declare(queue=name, durable=True).message_count)
        except (*connection.connection_errors, *connection.channel_errors) as error:
            raise OperationalError(str(error)) from error
