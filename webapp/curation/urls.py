"""Addresses of curation."""

from django.urls import path

from webapp.curation import place, review_views, views

_VERSION = "datasets/<int:dataset>/versions/<int:number>"

urlpatterns = [
    path("datasets/review", review_views.queue, name="review-queue"),
    path("datasets/<int:pk>/card", review_views.card, name="card"),
    path(f"{_VERSION}/review", review_views.review, name="review"),
    path(f"{_VERSION}/curate", views.items, name="curate"),
    path(f"{_VERSION}/curate/start", place.start, name="curate-start"),
    path(f"{_VERSION}/curate/items/<int:pk>", views.item, name="curate-item"),
    path(f"{_VERSION}/curate/duplicates", views.duplicates, name="curate-duplicates"),
    path(f"{_VERSION}/curate/list", views.edit_list, name="curate-list"),
    path(f"{_VERSION}/curate/draft", views.draft_page, name="curate-draft"),
]
