"""The REST API. Its document is /api/v1/openapi.json; /api/v1/docs shows it without the network."""

from webapp.api.auth import TokenAuth
from webapp.api.comparing import board_router
from webapp.api.comparing import router as comparing
from webapp.api.curation import router as curation
from webapp.api.datasets import router as datasets
from webapp.api.delivering import router as delivering
from webapp.api.document import DESCRIPTION, DocumentedAPI
from webapp.api.errors import add_error_handlers
from webapp.api.lists import router as lists
from webapp.api.parsing import StrictParser
from webapp.api.projects import router as projects
from webapp.api.recommend import router as recommend
from webapp.api.replacing import router as replacing
from webapp.api.reviews import card_router, queue_router, review_router
from webapp.api.run_reports import router as run_reports
from webapp.api.runs import router
from webapp.api.searches import router as searches
from webapp.api.specs import presets_router
from webapp.api.specs import router as specs
from webapp.api.uploads import router as uploads
from webapp.api.version_data import router as version_data
from webapp.api.workers import router as workers

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
api.add_router("/runs", run_reports)
api.add_router("/runs", recommend)
api.add_router("/runs", lists)
api.add_router("/searches", searches)
api.add_router("/specs", specs)
api.add_router("/presets", presets_router)
api.add_router("/compare", comparing)
api.add_router("/leaderboard", board_router)
api.add_router("/datasets", datasets)
api.add_router("/versions", version_data)
api.add_router("/uploads", uploads)
api.add_router("/datasets", delivering)
api.add_router("/datasets", replacing)
api.add_router("/versions", curation)
api.add_router("/versions", review_router)
api.add_router("/datasets", card_router)
api.add_router("/reviews", queue_router)
api.add_router("/projects", projects)
api.add_router("/workers", workers)
add_error_handlers(api)
