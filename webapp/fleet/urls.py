"""Addresses of the workers page."""

from django.urls import path

from webapp.fleet.views import workers_page

urlpatterns = [path("workers", workers_page, name="workers")]
