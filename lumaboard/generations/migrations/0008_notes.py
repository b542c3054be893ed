"""Notes, and how many there are on a generation. On SQLite its table is rebuilt, so the triggers of the index of words are put back."""

from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

put_triggers_back = import_module("lumaboard.generations.migrations.0004_private_work").put_triggers_back


class Migration(migrations.Migration):
    dependencies = [
        ("generations", "0007_submitted"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, put_triggers_back),
        migrations.AddField(
            model_name="generation",
            name="note_count",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="generation",
            name="act",
            field=models.CharField(
                choices=[
                    ("track", "Tracked"),
                    ("submit", "Submitted"),
                    ("rename", "Renamed"),
                    ("check_now", "Checked again"),
                    ("fetch_again", "Fetched again"),
                    ("trash", "Moved to trash"),
                    ("restore", "Brought back"),
                    ("make_private", "Made private"),
                    ("make_shared", "Shared with everyone"),
                    ("note", "Note"),
                ],
                max_length=12,
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField()),
                ("created_at", models.DateTimeField()),
                ("edited_at", models.DateTimeField(null=True)),
                ("deleted_at", models.DateTimeField(null=True)),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "generation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="notes", to="generations.generation"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["generation", "created_at", "id"], name="notes_of_a_generation"),
                    models.Index(
                        condition=models.Q(("deleted_at__isnull", False)), fields=["deleted_at"], name="deleted_notes"
                    ),
                ],
            },
        ),
        migrations.RunPython(put_triggers_back, migrations.RunPython.noop),
    ]
