"""Private work: who alone sees a generation, counts of its own, and indexes that part it from shared work.

The indexes of the gallery hold shared work only, so that nobody's page walks over what others keep private; one's own lies in
an index of its own. On SQLite the table is rebuilt, so the triggers of the index of words are put back.
"""

from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

import lumaboard.generations.models

_SEARCH = import_module("lumaboard.generations.migrations.0002_search")


def put_triggers_back(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the triggers, unless the table still has them: not every way of changing it on SQLite rebuilds it."""
    if schema_editor.connection.vendor == "sqlite":
        for name in ("insert", "delete", "update"):
            schema_editor.execute(f"DROP TRIGGER IF EXISTS generations_search_{name}")
        for statement in _SEARCH.SQLITE_TRIGGERS:
            schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_invitation"),
        ("connections", "0001_initial"),
        ("generations", "0003_outsiders_files"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, put_triggers_back),
        migrations.RemoveConstraint(
            model_name="count",
            name="one_count_per_bucket",
        ),
        migrations.RemoveIndex(
            model_name="generation",
            name="gallery",
        ),
        migrations.RemoveIndex(
            model_name="generation",
            name="gallery_by_state",
        ),
        migrations.RemoveIndex(
            model_name="generation",
            name="gallery_by_owner",
        ),
        migrations.RemoveIndex(
            model_name="generation",
            name="gallery_by_connection",
        ),
        migrations.RemoveIndex(
            model_name="generation",
            name="gallery_by_model",
        ),
        migrations.RemoveIndex(
            model_name="generation",
            name="gallery_needing_attention",
        ),
        migrations.RemoveIndex(
            model_name="generation",
            name="change_feed",
        ),
        migrations.AddField(
            model_name="count",
            name="owner",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="generation",
            name="is_private",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="generation",
            name="privacy_seq",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name="generation",
            name="created_by",
            field=models.ForeignKey(
                null=True,
                on_delete=lumaboard.generations.models.shared_work_stays,
                related_name="generations",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                models.F("workspace"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("is_private", False), ("trashed_at", None)),
                name="gallery",
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                models.F("workspace"),
                models.F("state"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("is_private", False), ("trashed_at", None)),
                name="gallery_by_state",
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                models.F("workspace"),
                models.F("created_by"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("is_private", False), ("trashed_at", None)),
                name="gallery_by_owner",
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                models.F("workspace"),
                models.F("connection"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("is_private", False), ("trashed_at", None)),
                name="gallery_by_connection",
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                models.F("workspace"),
                models.F("model"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("is_private", False), ("trashed_at", None)),
                name="gallery_by_model",
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                models.F("workspace"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(
                    ("is_private", False), ("trashed_at", None), models.Q(("attention", ""), _negated=True)
                ),
                name="gallery_needing_attention",
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                models.F("created_by"),
                models.F("workspace"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("is_private", True)),
                name="gallery_of_private_work",
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("is_private", False)), fields=["workspace", "seq"], name="change_feed"
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("is_private", True)), fields=["created_by", "workspace", "seq"], name="private_feed"
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("privacy_seq__isnull", False)),
                fields=["workspace", "privacy_seq"],
                name="privacy_feed",
            ),
        ),
        migrations.AddConstraint(
            model_name="count",
            constraint=models.UniqueConstraint(
                condition=models.Q(("owner__isnull", True)), fields=("workspace", "bucket"), name="one_count_per_bucket"
            ),
        ),
        migrations.AddConstraint(
            model_name="count",
            constraint=models.UniqueConstraint(
                condition=models.Q(("owner__isnull", False)),
                fields=("workspace", "owner", "bucket"),
                name="one_private_count_per_bucket",
            ),
        ),
        migrations.AddConstraint(
            model_name="generation",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_private", False), ("created_by__isnull", False), _connector="OR"),
                name="private_work_has_an_owner",
            ),
        ),
        migrations.RunPython(put_triggers_back, migrations.RunPython.noop),
    ]
