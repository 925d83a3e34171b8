"""Addresses of comparisons."""

from django.urls import path, re_path

from webapp.comparing import board_views, views

urlpatterns = [
    path("compare", views.compare, name="compare"),
    path("compare/curves", views.curves_part, name="compare-curves"),
    path("compare/significance", views.significance_part, name="compare-significance"),
    path("compare/settings", views.settings_part, name="compare-settings"),
    path("compare/samples", views.samples_part, name="compare-samples"),
    re_path(r"^compare/export/(?P<form>csv|json|tex)$", views.export, name="compare-export"),
    path("leaderboard", board_views.leaderboard, name="leaderboard"),
]
