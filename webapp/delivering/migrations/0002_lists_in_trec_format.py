from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivering", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="userlists",
            name="form",
            field=models.CharField(
                choices=[
                    ("parquet", "Parquet"),
                    ("csv", "CSV for people"),
                    ("csv-raw", "CSV for programs"),
                    ("jsonl", "JSON lines"),
                    ("trec", "TREC run and qrels of the test"),
                ],
                max_length=8,
            ),
        ),
    ]
