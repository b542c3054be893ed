"""Sessions have lain in a table of our own since 0004; Django's is in nobody's hands any more, with the data in it."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_api_tokens"),
    ]

    operations = [
        migrations.RunSQL("DROP TABLE IF EXISTS django_session", migrations.RunSQL.noop),
    ]
