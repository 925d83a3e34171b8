"""A request has its id from its first moment to its last: the server's own line about it, which comes late, has it too."""

from webapp.limits import Application, Receive, Scope, Send
from webapp.request_ids import HEADER, answering, sane_request_id

_NAME = HEADER.lower().encode()


def carry_request_ids(application: Application) -> Application:
    """``application``, where all that is done for a request, in its middleware and beyond, knows the id that it will be given."""

    async def carrying(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        given = next((value for key, value in scope["headers"] if key == _NAME), b"")
        with answering(sane_request_id(given.decode("latin-1"))):
            await application(scope, receive, send)

    return carrying
