"""The settings pages of a workspace's webhooks."""

from __future__ import annotations

from django.urls import path

from lumaboard.news.hooks import views

app_name = "webhooks"

_ALL = "w/<slug:workspace>/settings/webhooks/"
_ONE = _ALL + "<row:pk>/"
urlpatterns = [
    path(_ALL, views.index, name="index"),
    path(_ALL + "add/", views.add, name="add"),
    path(_ALL + "callbacks/", views.callbacks, name="callbacks"),
    path(_ALL + "callbacks/secret/", views.callback_secret, name="callback_secret"),
    path(_ALL + "deliveries/<row:pk>/replay/", views.replay, name="replay"),
    path(_ONE, views.log, name="log"),
    path(_ONE + "edit/", views.edit, name="edit"),
    path(_ONE + "test/", views.test, name="test"),
    path(_ONE + "pause/", views.pause, name="pause"),
    path(_ONE + "resume/", views.resume, name="resume"),
    path(_ONE + "rotate/", views.rotate, name="rotate"),
    path(_ONE + "remove/", views.remove, name="remove"),
]
