"""The one shape of errors. What else the API takes and gives stands in a module for each resource."""

from ninja import Schema
from pydantic import Field


class Problem(Schema):
    """One wrong setting."""

    field: str = Field(description="dotted path of the setting; empty for the whole")
    message: str


class ErrorBody(Schema):
    """What happened, and what to do."""

    message: str
    hint: str
    field: str | None = None
    problems: list[Problem] | None = None
    reference: str | None = Field(None, description="only where it was our fault: to find it in the log")


class ErrorOut(Schema):
    """The one shape of errors."""

    error: ErrorBody
