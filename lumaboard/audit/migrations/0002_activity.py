from django.db import migrations, models
from django.db.models import F

_KINDS = (
    ("generations", "members", ("track", "rename", "check_now", "fetch_again")),
    ("trash", "members", ("trash", "restore")),
    (
        "people",
        "admins",
        (
            "invitation.sent",
            "invitation.withdrawn",
            "member.joined",
            "member.role_changed",
            "member.removed",
            "member.left",
        ),
    ),
    (
        "keys",
        "admins",
        (
            "connection.added",
            "connection.changed",
            "connection.key_replaced",
            "connection.paused",
            "connection.resumed",
            "connection.removed",
        ),
    ),
    ("settings", "admins", ("workspace.created", "workspace.renamed")),
)


def sort_what_was_recorded(apps, schema_editor):
    events = apps.get_model("audit", "AuditEvent").objects
    for kind, audience, verbs in _KINDS:
        events.filter(verb__in=verbs).update(kind=kind, audience=audience)
    events.filter(actor=None).update(is_automatic=True)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial"), ("accounts", "0002_invitation")]

    operations = [
        migrations.RemoveIndex(model_name="auditevent", name="audit_of_a_workspace"),
        migrations.AddField("auditevent", "is_automatic", models.BooleanField(default=False)),
        migrations.AddField("auditevent", "audience", models.CharField(default="admins", max_length=24)),
        migrations.AddField(
            "auditevent", "kind", models.CharField(default="account", max_length=12), preserve_default=False
        ),
        migrations.RunPython(sort_what_was_recorded, migrations.RunPython.noop),
        migrations.AddIndex(
            "auditevent",
            models.Index(F("workspace"), F("audience"), F("at").desc(), F("id").desc(), name="activity"),
        ),
        migrations.AddIndex(
            "auditevent",
            models.Index(
                F("workspace"), F("audience"), F("actor"), F("at").desc(), F("id").desc(), name="activity_by_person"
            ),
        ),
        migrations.AddIndex(
            "auditevent",
            models.Index(
                F("workspace"), F("audience"), F("kind"), F("at").desc(), F("id").desc(), name="activity_by_kind"
            ),
        ),
        migrations.AddIndex(
            "auditevent",
            models.Index(
                F("workspace"),
                F("audience"),
                F("actor"),
                F("kind"),
                F("at").desc(),
                F("id").desc(),
                name="activity_by_person_and_kind",
            ),
        ),
        migrations.AddIndex("auditevent", models.Index(fields=["target_kind", "target_id"], name="audit_of_a_target")),
    ]
