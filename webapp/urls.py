"""All addresses."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path
from django.views.generic import RedirectView

from webapp import finding
from webapp.accounts import project_views
from webapp.accounts import views as accounts
from webapp.accounts.join_views import join
from webapp.accounts.login_views import OwnPasswordView, ThrottledLoginView, admin_login
from webapp.api.api import api
from webapp.audit.views import audit
from webapp.datasets import derived_views as derived
from webapp.datasets import filter_views, upload_views, wizard
from webapp.datasets import views as datasets
from webapp.experiments import ablation, artifacts, group_views, launching, list_views, mark_views, sequence, watching
from webapp.experiments import views as experiments
from webapp.home import healthz, home
from webapp.metrics.views import metrics
from webapp.readiness import readyz
from webapp.searches import creating
from webapp.searches import views as searches
from webapp.serving import views as serving

SLASHED = (
    "audit",
    "compare",
    "datasets",
    "datasets/new",
    "groups",
    "login",
    "notices",
    "profile",
    "projects",
    "runs",
    "runs/new",
    "search",
    "searches",
    "searches/new",
    "workers",
)
"""Addresses that people type with a slash at the end, out of habit."""

urlpatterns = [
    path("", home, name="home"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("login", ThrottledLoginView.as_view(), name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("profile", accounts.profile, name="profile"),
    path("profile/password", OwnPasswordView.as_view(), name="password"),
    path("project", accounts.switch_project, name="switch-project"),
    path("projects", project_views.project_list, name="projects"),
    path("projects/<int:pk>", project_views.project_page, name="project"),
    path("join/<slug:secret>", join, name="join"),
    path("search", finding.find, name="find"),
    path("datasets", datasets.dataset_list, name="datasets"),
    path("datasets/new", datasets.upload, name="upload"),
    path("datasets/<int:pk>", datasets.dataset_detail, name="dataset"),
    path("datasets/<int:pk>/upload", datasets.upload, name="upload-version"),
    path("datasets/uploads", upload_views.begin, name="uploads"),
    path("datasets/uploads/<uuid:key>", upload_views.one_upload, name="upload-state"),
    path("datasets/uploads/<uuid:key>/columns", wizard.columns_page, name="upload-columns"),
    path("datasets/uploads/<uuid:key>/start", wizard.start_page, name="upload-start"),
    path("datasets/uploads/<uuid:key>/cancel", wizard.cancel_page, name="upload-cancel"),
    path("datasets/uploads/<uuid:key>/<slug:role>/<int:number>", upload_views.one_part, name="upload-part"),
    path("datasets/<int:dataset>/versions/<int:number>", datasets.version_page, name="version"),
    path("datasets/<int:dataset>/versions/<int:number>/leakage", derived.leakage_page, name="leakage"),
    path("datasets/<int:dataset>/versions/<int:number>/compare", derived.difference_page, name="compare-versions"),
    path("datasets/<int:dataset>/versions/<int:number>/delete", derived.delete_page, name="delete-version"),
    path("datasets/<int:dataset>/versions/<int:number>/download/<slug:form>", derived.download_page, name="download"),
    path("datasets/<int:dataset>/versions/<int:number>/download/<slug:form>/file", derived.download_file, name="download-file"),
    path("datasets/<int:dataset>/versions/<int:number>/filter", filter_views.filter_page, name="filter-version"),
    path("datasets/<int:dataset>/versions/<int:number>/profile", datasets.make_profile, name="version-profile"),
    path("", include("webapp.curation.urls")),
    path("", include("webapp.delivering.urls")),
    path("", include("webapp.fleet.urls")),
    path("", include("webapp.notices.urls")),
    path("audit", audit, name="audit"),
    path("datasets/<int:dataset>/versions/<int:number>/discard", wizard.discard_page, name="discard-version"),
    path("datasets/<int:dataset>/versions/<int:number>/report", datasets.report_page, name="version-report"),
    path("datasets/<int:dataset>/versions/<int:number>/left-out.csv", datasets.rejected_rows, name="rejected-rows"),
    path("runs", list_views.run_list, name="runs"),
    path("runs/change", list_views.change_runs, name="change-runs"),
    path("runs/columns", list_views.choose_columns, name="run-columns"),
    path("runs/tags", mark_views.tag_suggestions, name="run-tags"),
    path("runs/new", launching.new_run, name="new-run"),
    path("runs/new/check", launching.check_run, name="check-run"),
    path("runs/new/sequence", sequence.ask_for_sequence, name="preview-sequence"),
    path("runs/new/sequence/<int:pk>", sequence.sequence_page, name="sequence"),
    path("runs/<int:pk>", experiments.run_page, name="run"),
    path("runs/<int:pk>/resume", watching.resume, name="resume-run"),
    path("runs/<int:pk>/extend", watching.extend, name="extend-run"),
    path("runs/<int:pk>/log", watching.run_log, name="run-log"),
    path("runs/<int:pk>/log.txt", watching.log_file, name="run-log-file"),
    path("runs/<int:pk>/marks", mark_views.change_marks, name="run-marks"),
    path("runs/<int:pk>/notes", mark_views.notes_page, name="run-notes"),
    path("runs/<int:pk>/ablation", ablation.ablation_page, name="ablation"),
    path("runs/<int:pk>/files", artifacts.files_page, name="run-files"),
    path("runs/<int:pk>/files/<path:name>", artifacts.file_download, name="run-file"),
    path("runs/<int:pk>/tensorboard", artifacts.tensorboard_file, name="run-tensorboard"),
    path("runs/<int:pk>/try", serving.try_page, name="try"),
    path("runs/<int:pk>/user", serving.user_page, name="run-user"),
    path("groups", group_views.group_list, name="groups"),
    path("groups/<int:pk>", group_views.group_page, name="group"),
    path("searches", searches.search_list, name="searches"),
    path("searches/new", creating.new_search, name="new-search"),
    path("searches/<int:pk>", searches.search_page, name="search"),
    path("", include("webapp.comparing.urls")),
    path("api/v1/", api.urls),
    path("admin/login/", admin_login),
    path("admin/", admin.site.urls),
    *(path(f"{page}/", RedirectView.as_view(url=f"/{page}", query_string=True)) for page in SLASHED),
]
handler400 = "webapp.failures.bad_request"
handler403 = "webapp.failures.forbidden"
handler404 = "webapp.failures.not_found"
handler500 = "webapp.failures.server_error"
