"""What guests of a link ask for, all of it below the link's own address; and what members ask for about links."""

from django.urls import path

from lumaboard.sharing.guests import elsewhere
from lumaboard.sharing.guests import views as guests
from lumaboard.sharing.members import policy_views
from lumaboard.sharing.members import views as members

app_name = "sharing"
_LINK = "s/<address:address>/"
_SETTINGS = "w/<slug:workspace>/settings/sharing/"
_ITEM = _LINK + "<row:number>/"
_SHARES = "w/<slug:workspace>/shares/"
_ONE = _SHARES + "<row:pk>/"

urlpatterns = [
    path(_LINK, guests.page, name="page"),
    path(_LINK + "brand.css", guests.brand, name="brand"),
    path(_LINK + "logo.png", guests.logo, name="guest_logo"),
    path(_LINK + "card.jpg", elsewhere.card, name="card"),
    path(_LINK + "oembed", elsewhere.oembed, name="oembed"),
    path(_LINK + "embed/", elsewhere.embed, name="embed"),
    path(_ITEM, guests.item, name="item"),
    path(_ITEM + "film", guests.film, name="film"),
    path(_ITEM + "poster", guests.poster, name="poster"),
    path(_ITEM + "download", guests.download, name="download"),
    path(_ITEM + "card.jpg", elsewhere.card, name="item_card"),
    path(_ITEM + "embed/", elsewhere.embed, name="item_embed"),
    path(_SETTINGS, policy_views.policy, name="policy"),
    path(_SETTINGS + "sites/", policy_views.sites, name="sites"),
    path(_SETTINGS + "look/", policy_views.look, name="look"),
    path(_SETTINGS + "logo.png", policy_views.logo, name="logo"),
    path(_SHARES, members.links, name="links"),
    path(_SHARES + "new/", members.new, name="new"),
    path(_SHARES + "add/", members.add, name="add"),
    path(_SHARES + "revoke/", members.revoke_many, name="revoke_many"),
    path(_SHARES + "bring-back/", members.bring_back_many, name="bring_back_many"),
    path(_ONE, members.edit, name="edit"),
    path(_ONE + "extend/", members.extend, name="extend"),
    path(_ONE + "revoke/", members.revoke, name="revoke"),
    path(_ONE + "bring-back/", members.bring_back, name="bring_back"),
    path(_ONE + "take-out/", members.take_out, name="take_out"),
    path(_ONE + "qr.svg", members.qr_code, name="qr"),
]
