"""All addresses."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from django.views.generic import RedirectView

from webapp.accounts import views as accounts
from webapp.api.api import api
from webapp.audit.views import audit
from webapp.datasets import derived_views as derived
from webapp.datasets import filter_views, upload_views, wizard
from webapp.datasets import views as datasets
from webapp.experiments import ablation, group_views, launching, sequence
from webapp.experiments import views as experiments
from webapp.home import healthz, home
from webapp.searches import creating
from webapp.searches import views as searches

SLASHED = ("audit", "datasets", "datasets/new", "groups", "login", "profile", "runs", "runs/new", "searches", "searches/new")
"""Addresses that people type with a slash at the end, out of habit."""

urlpatterns = [
    path("", home, name="home"),
    path("healthz", healthz, name="healthz"),
    path("login", LoginView.as_view(template_name="accounts/login.html", redirect_authenticated_user=True), name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("profile", accounts.profile, name="profile"),
    path("project", accounts.switch_project, name="switch-project"),
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
    path("audit", audit, name="audit"),
    path("datasets/<int:dataset>/versions/<int:number>/discard", wizard.discard_page, name="discard-version"),
    path("datasets/<int:dataset>/versions/<int:number>/report", datasets.report_page, name="version-report"),
    path("datasets/<int:dataset>/versions/<int:number>/left-out.csv", datasets.rejected_rows, name="rejected-rows"),
    path("runs", experiments.run_list, name="runs"),
    path("runs/new", launching.new_run, name="new-run"),
    path("runs/new/check", launching.check_run, name="check-run"),
    path("runs/new/sequence", sequence.ask_for_sequence, name="preview-sequence"),
    path("runs/new/sequence/<int:pk>", sequence.sequence_page, name="sequence"),
    path("runs/<int:pk>", experiments.run_page, name="run"),
    path("runs/<int:pk>/ablation", ablation.ablation_page, name="ablation"),
    path("groups", group_views.group_list, name="groups"),
    path("groups/<int:pk>", group_views.group_page, name="group"),
    path("searches", searches.search_list, name="searches"),
    path("searches/new", creating.new_search, name="new-search"),
    path("searches/<int:pk>", searches.search_page, name="search"),
    path("api/v1/", api.urls),
    path("admin/", admin.site.urls),
    *(path(f"{page}/", RedirectView.as_view(url=f"/{page}", query_string=True)) for page in SLASHED),
]
handler403 = "webapp.failures.forbidden"
handler404 = "webapp.failures.not_found"
handler500 = "webapp.failures.server_error"
