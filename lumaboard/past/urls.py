"""Where admins bring in the past of a connection."""

from django.urls import path

from lumaboard.past import views

app_name = "past"

_P = "w/<slug:workspace>/settings/connections/<row:pk>/past/"
urlpatterns = [
    path(_P, views.index, name="index"),
    path(_P + "progress/", views.progress, name="progress"),
    path(_P + "look/", views.look, name="look"),
    path(_P + "bring-in/", views.bring_in, name="bring_in"),
    path(_P + "cancel/", views.cancel, name="cancel"),
]
