"""Addresses of notices."""

from django.urls import path

from webapp.notices import views

urlpatterns = [
    path("notices", views.notice_list, name="notices"),
    path("profile/notices", views.preferences, name="notice-preferences"),
]
