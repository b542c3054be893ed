"""The members' pages."""

from django.urls import path

from lumaboard.gallery import activity, acts, detail, making, notes, tracking, views

app_name = "gallery"

_G = "w/<slug:workspace>/g/<row:pk>/"
urlpatterns = [
    path("w/<slug:workspace>/", views.index, name="index"),
    path("w/<slug:workspace>/live", views.live, name="live"),
    path("w/<slug:workspace>/filters/", views.choices, name="choices"),
    path("w/<slug:workspace>/filters/people/", views.people, name="people"),
    path("w/<slug:workspace>/trash/", views.trash, name="trash"),
    path("w/<slug:workspace>/trash/move/", acts.trash_many, name="trash_many"),
    path("w/<slug:workspace>/trash/restore/", acts.restore_many, name="restore_many"),
    path("w/<slug:workspace>/track/", tracking.track, name="track"),
    path("w/<slug:workspace>/new/", making.new, name="new"),
    path("w/<slug:workspace>/new/bill/", making.bill, name="bill"),
    path("w/<slug:workspace>/new/concepts/", making.concepts, name="concepts"),
    path("w/<slug:workspace>/new/<uuid:token>/", making.takes, name="takes"),
    path("w/<slug:workspace>/activity/", activity.index, name="activity"),
    path("w/<slug:workspace>/activity/filters/", activity.choices, name="activity_choices"),
    path("w/<slug:workspace>/activity/export/", activity.export, name="activity_export"),
    path(_G, detail.detail, name="detail"),
    path(_G + "live", detail.live, name="detail_live"),
    path(_G + "answer/", detail.raw_answer, name="raw_answer"),
    path(_G + "rename/", acts.rename, name="rename"),
    path(_G + "notes/", notes.write, name="notes"),
    path(_G + "notes/change/", notes.change, name="note_change"),
    path(_G + "notes/delete/", notes.delete, name="note_delete"),
    path(_G + "notes/restore/", notes.restore, name="note_restore"),
    path(_G + "favourite/", acts.favourite, name="favourite"),
    path(_G + "make-private/", acts.make_private, name="make_private"),
    path(_G + "make-shared/", acts.make_shared, name="make_shared"),
    path(_G + "trash/", acts.trash, name="trash_one"),
    path(_G + "restore/", acts.restore, name="restore"),
    path(_G + "check-now/", acts.check_now, name="check_now"),
    path(_G + "fetch-again/", acts.fetch_again, name="fetch_again"),
    path(_G + "stop-tracking/", acts.stop_tracking, name="stop_tracking"),
]
