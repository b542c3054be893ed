"""Members' media, below `/media/`."""

from django.urls import path

from lumaboard.archive import views

app_name = "archive"

urlpatterns = [
    path("<slug:workspace>/<row:pk>/<slug:role>/", views.media, name="media"),
    path("<slug:workspace>/<row:pk>/<slug:role>/download/", views.download, name="download"),
]
