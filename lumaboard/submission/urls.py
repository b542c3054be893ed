"""Where members see requests whose outcome nobody knows."""

from django.urls import path

from lumaboard.submission import views

app_name = "submission"

_R = "w/<slug:workspace>/requests/"
urlpatterns = [
    path(_R, views.unsettled, name="unsettled"),
    path(_R + "<row:pk>/look/", views.look, name="look"),
    path(_R + "<row:pk>/choose/", views.choose, name="choose"),
    path(_R + "<row:pk>/dismiss/", views.dismiss, name="dismiss"),
    path(_R + "<row:pk>/send-again/", views.send_again, name="send_again"),
]
