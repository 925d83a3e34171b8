"""Posting to a person's webhook: to the very number that was checked, without following anybody elsewhere, within a time."""

import http.client
import socket
import ssl
import threading
from contextlib import suppress

from engine.errors import UserError
from webapp.notices.webhooks import Webhook, resolve

_SECONDS = 10.0
_ALTOGETHER = 20.0


class _Connection(http.client.HTTPConnection):
    """Connects to ``number``, and speaks to ``webhook.host`` there."""

    def __init__(self, webhook: Webhook, number: str) -> None:
        super().__init__(webhook.host, webhook.port, timeout=_SECONDS)
        self._webhook = webhook
        self._number = number

    def connect(self) -> None:
        """Open the connection; TLS checks the certificate for the name."""
        plain = socket.create_connection((self._number, self._webhook.port), timeout=_SECONDS)
        if self._webhook.secure:
            try:
                self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self._webhook.host)
            except BaseException:
                plain.close()
                raise
        else:
            self.sock = plain

    def cut(self) -> None:
        """End it while somebody waits for it, who answers a byte at a time."""
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


def post(webhook: Webhook, body: bytes, headers: dict[str, str]) -> None:
    """Send ``body``. Raises UserError, in words for the webhook's owner, unless the answer is 2xx.

    The content of the answer is not read: whoever wrote the address must learn nothing by it.
    """
    connection = _Connection(webhook, resolve(webhook))
    timer = threading.Timer(_ALTOGETHER, connection.cut)
    timer.daemon = True
    timer.start()
    try:
        connection.request("POST", webhook.target, body, {"Content-Type": "application/json", **headers})
        status = connection.getresponse().status
    except ssl.SSLError as error:
        raise UserError("The webhook's certificate was not accepted.", "See to a valid certificate.") from error
    except (OSError, http.client.HTTPException) as error:
        raise UserError("The webhook did not answer.", "See whether it can be reached.") from error
    finally:
        timer.cancel()
        connection.close()
    if not 200 <= status < 300:
        moved = " Redirections are not followed." if 300 <= status < 400 else ""
        raise UserError(f"The webhook answered {status}.{moved}", "It must answer 2xx.")
