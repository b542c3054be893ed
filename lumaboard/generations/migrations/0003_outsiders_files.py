from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("generations", "0002_search"),
    ]

    operations = [
        migrations.AlterField(
            model_name="asset",
            name="role",
            field=models.CharField(
                choices=[
                    ("raw", "Raw"),
                    ("watermarked", "Watermarked"),
                    ("thumbnail", "First frame"),
                    ("last_frame", "Last frame"),
                    ("poster", "Poster"),
                    ("card", "Card picture"),
                    ("sprite", "Scrub strip"),
                    ("preview", "Marked preview"),
                    ("still", "Marked still"),
                    ("social", "Chat preview"),
                ],
                max_length=12,
            ),
        ),
    ]
