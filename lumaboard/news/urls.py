from django.urls import path

from lumaboard.news import views

app_name = "news"
_NEWS = "w/<slug:workspace>/news/"
urlpatterns = [
    path(_NEWS, views.index, name="index"),
    path(_NEWS + "fresh/", views.fresh, name="fresh"),
    path(_NEWS + "read/", views.read, name="read"),
    path("w/<slug:workspace>/settings/notifications/", views.preferences, name="preferences"),
    path("unsubscribe/<str:token>/", views.unsubscribe, name="unsubscribe"),
]
