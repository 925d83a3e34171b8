"""The one shape of errors. What else the API takes and gives stands in a module for each resource."""

from ninja import Schema
from pydantic import Field

from webapp.api.errors import CODES


class Problem(Schema):
    """One wrong setting."""

    field: str = Field(description="dotted path of the setting; empty for the whole")
    message: str


class ErrorBody(Schema):
    """What happened, and what to do."""

    code: str = Field(description="for machines", json_schema_extra={"enum": list(CODES)})
    message: str
    hint: str = Field(description="what to do about it; may be empty")
    field: str | None = Field(None, description="dotted path of the setting that is wrong, where one is")
    problems: list[Problem] | None = None
    request_id: str = Field(description="of the request, as in X-Request-ID")
    reference: str | None = Field(None, description="only where it was our fault: to find it in the log")


class ErrorOut(Schema):
    """The one shape of errors."""

    error: ErrorBody
