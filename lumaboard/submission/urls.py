"""Where members see requests whose outcome nobody knows, pictures that films begin or end with, and prices."""

from django.urls import path

from lumaboard.submission import picture_views, price_views, views

app_name = "submission"

_R = "w/<slug:workspace>/requests/"
_P = "w/<slug:workspace>/settings/prices/"
urlpatterns = [
    path(_R, views.unsettled, name="unsettled"),
    path(_R + "<row:pk>/look/", views.look, name="look"),
    path(_R + "<row:pk>/choose/", views.choose, name="choose"),
    path(_R + "<row:pk>/dismiss/", views.dismiss, name="dismiss"),
    path(_R + "<row:pk>/send-again/", views.send_again, name="send_again"),
    path(_P, price_views.prices, name="prices"),
    path(_P + "<row:pk>/", price_views.change_price, name="price"),
    path(_P + "<row:pk>/remove/", price_views.remove_price, name="price_remove"),
    path("w/<slug:workspace>/pictures/<row:pk>/", picture_views.picture, name="picture"),
    path("frames/<str:token>/frame.<slug:extension>", picture_views.picture_link, name="picture_link"),
]
