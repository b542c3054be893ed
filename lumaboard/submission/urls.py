"""Where members see requests whose outcome nobody knows, and pictures that films begin or end with."""

from django.urls import path

from lumaboard.submission import picture_views, views

app_name = "submission"

_R = "w/<slug:workspace>/requests/"
urlpatterns = [
    path(_R, views.unsettled, name="unsettled"),
    path(_R + "<row:pk>/look/", views.look, name="look"),
    path(_R + "<row:pk>/choose/", views.choose, name="choose"),
    path(_R + "<row:pk>/dismiss/", views.dismiss, name="dismiss"),
    path(_R + "<row:pk>/send-again/", views.send_again, name="send_again"),
    path("w/<slug:workspace>/pictures/<row:pk>/", picture_views.picture, name="picture"),
    path("frames/<str:token>/frame.<slug:extension>", picture_views.picture_link, name="picture_link"),
]
