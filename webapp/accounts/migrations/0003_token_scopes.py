import django.db.models.deletion
from django.db import migrations, models

SCOPES = [('read', 'read'), ('launch', 'launch'), ('curate', 'curate'), ('admin', 'admin')]


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_projects_shared'),
    ]

    operations = [
        # Tokens made before there were scopes keep all that they could do, of which deleting a version asks for the most.
        migrations.AddField(
            model_name='apitoken',
            name='scope',
            field=models.CharField(choices=SCOPES, default='curate', max_length=12),
        ),
        migrations.AlterField(
            model_name='apitoken',
            name='scope',
            field=models.CharField(choices=SCOPES, default='launch', max_length=12),
        ),
        migrations.CreateModel(
            name='IdempotentRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=200)),
                ('request_hash', models.CharField(help_text='SHA-256 of method, address and body, in hexadecimal digits', max_length=64)),
                ('status', models.PositiveSmallIntegerField(default=0, help_text='of the answer; 0 while it is made, which nobody else sees')),
                ('body', models.TextField(blank=True, help_text='of the answer, JSON')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('token', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.apitoken')),
            ],
            options={
                'indexes': [models.Index(fields=['created_at'], name='idempotent_age')],
                'constraints': [models.UniqueConstraint(fields=('token', 'key'), name='one_answer_per_key')],
            },
        ),
    ]
