"""The REST API. Its document is /api/v1/openapi.json; /api/v1/docs shows it without the network."""

from webapp.api.auth import TokenAuth
from webapp.api.document import DESCRIPTION, DocumentedAPI
from webapp.api.errors import add_error_handlers
from webapp.api.parsing import StrictParser
from webapp.api.runs import router
from webapp.api.uploads import router as uploads
from webapp.api.version_data import router as version_data

api = DocumentedAPI(
    title="DARec Lab",
    version="1",
    description=DESCRIPTION,
    auth=TokenAuth(),
    parser=StrictParser(),
    servers=[{"url": "/", "description": "this site"}],
    urls_namespace="api",
)
api.add_router("/runs", router)
api.add_router("/versions", version_data)
api.add_router("/uploads", uploads)
add_error_handlers(api)
