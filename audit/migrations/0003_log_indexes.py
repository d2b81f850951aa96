
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0002_leak_feedback'),
        ('delegation', '0014_references_within_a_customer'),
        ('security', '0013_leak_policy'),
    ]

    operations = [
        migrations.AlterField(
            model_name='authorizationlog',
            name='agent_ve_id',
            field=models.CharField(max_length=64),
        ),
        migrations.AlterField(
            model_name='authorizationlog',
            name='customer_id',
            field=models.CharField(max_length=64),
        ),
        migrations.AlterField(
            model_name='delegationlog',
            name='agent_type',
            field=models.CharField(max_length=64),
        ),
        migrations.AlterField(
            model_name='delegationlog',
            name='customer',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='security.customer'),
        ),
        migrations.AddIndex(
            model_name='authorizationlog',
            index=models.Index(fields=['customer_id', 'id'], name='authorization_log_customer'),
        ),
        migrations.AddIndex(
            model_name='authorizationlog',
            index=models.Index(fields=['agent_ve_id'], name='authorization_log_agent'),
        ),
        migrations.AddIndex(
            model_name='delegationlog',
            index=models.Index(fields=['customer', 'id'], name='delegation_log_customer'),
        ),
        migrations.AddIndex(
            model_name='delegationlog',
            index=models.Index(fields=['agent_type'], name='delegation_log_agent'),
        ),
    ]
