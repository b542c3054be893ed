"""The settings pages of a workspace's connections, and the first run."""

from __future__ import annotations

from django.urls import path

from lumaboard.connections import views

app_name = "connections"

_ALL = "w/<slug:workspace>/settings/connections/"
_ONE = _ALL + "<row:pk>/"
urlpatterns = [
    path("w/<slug:workspace>/welcome/", views.welcome, name="welcome"),
    path(_ALL, views.index, name="index"),
    path(_ALL + "add/", views.add, name="add"),
    path(_ONE + "test/", views.test, name="test"),
    path(_ONE + "rename/", views.rename, name="rename"),
    path(_ONE + "pause/", views.pause, name="pause"),
    path(_ONE + "resume/", views.resume, name="resume"),
    path(_ONE + "replace-key/", views.replace_key, name="replace_key"),
    path(_ONE + "remove/", views.remove, name="remove"),
]
