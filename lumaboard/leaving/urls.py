"""Where people end things."""

from __future__ import annotations

from django.urls import path

from lumaboard.leaving import views

app_name = "leaving"

_SETTINGS = "w/<slug:workspace>/settings/"
urlpatterns = [
    path("account/take-out/", views.take_out_data, name="take_out"),
    path("account/erase/", views.erase, name="erase"),
    path(_SETTINGS + "delete/", views.delete_workspace, name="delete_workspace"),
]
