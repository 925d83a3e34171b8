"""What the site answered, with names."""

from typing import Any, Self

from darec_lab.transport import Json, Transport


class Record:
    """Something that the site has: ``values`` holds all that it told; ``record["name"]`` is one of them.

    Names that are not among the values of a line of a list are found after ``refresh()``.
    """

    path = ""
    """Of all of the kind, beneath /api/v1."""

    def __init__(self, transport: Transport, values: Json) -> None:
        self._transport, self.values = transport, values

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.state}>"

    @property
    def id(self) -> int:
        """Its id, as addresses and other operations name it."""
        return int(self.values["id"])

    @property
    def state(self) -> str:
        """As of the last answer; ``refresh()`` asks again."""
        return str(self.values["state"])

    @property
    def address(self) -> str:
        """Beneath /api/v1."""
        return f"{self.path}/{self.id}"

    def refresh(self) -> Self:
        """Ask the site again; returns itself."""
        self.values = self._transport.get(self.address)
        return self
