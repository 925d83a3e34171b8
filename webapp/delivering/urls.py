"""Addresses of what follows a good run."""

from django.urls import path

from webapp.delivering import views

urlpatterns = [
    path("runs/<int:pk>/refit", views.refit, name="refit-run"),
    path("runs/<int:pk>/promote", views.promote, name="promote-run"),
    path("runs/<int:pk>/everyone", views.lists_page, name="run-lists"),
    path("runs/<int:pk>/everyone/<int:lists>", views.lists_file, name="run-lists-file"),
    path("runs/<int:pk>/everyone/<int:lists>/cancel", views.lists_cancel, name="run-lists-cancel"),
    path("datasets/<int:pk>/model", views.model_page, name="dataset-model"),
    path("datasets/<int:pk>/model/return", views.go_back, name="model-return"),
    path("datasets/<int:pk>/model/refresh", views.refresh, name="model-refresh"),
]
