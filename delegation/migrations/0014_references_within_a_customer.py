import django.db.models.deletion
from django.db import migrations, models

# Table, its columns, and what they refer to. A reference that spans the customer (or the task, which has one) cannot tell
# whether another customer has such a row: checks of foreign keys see every row, whatever row-level security says.
# That a task's customer exists is the task's to know, so these rows need not ask for it again.
SPANNING = [
    ('delegation_hop', ('customer_id', 'task_id'), 'delegation_task', ('customer_id', 'id')),
    ('delegation_hop', ('task_id', 'parent_id'), 'delegation_hop', ('task_id', 'id')),
    ('delegation_hop', ('task_id', 'join_id'), 'delegation_hop', ('task_id', 'id')),
    ('delegation_hop', ('task_id', 'resumes_id'), 'delegation_hop', ('task_id', 'id')),
    ('delegation_taskevent', ('customer_id', 'task_id'), 'delegation_task', ('customer_id', 'id')),
    ('delegation_approval', ('customer_id', 'task_id'), 'delegation_task', ('customer_id', 'id')),
    ('delegation_approval', ('task_id', 'hop_id'), 'delegation_hop', ('task_id', 'id')),
    ('delegation_clarification', ('customer_id', 'task_id'), 'delegation_task', ('customer_id', 'id')),
    ('delegation_clarification', ('task_id', 'hop_id'), 'delegation_hop', ('task_id', 'id')),
    ('agent_delegation_logs', ('customer_id', 'task_id'), 'delegation_task', ('customer_id', 'id')),
]
# A hop has one question at most. Were its own id alone unique, a duplicate of another customer's would tell of it before the
# reference is looked at.
ONE_EACH = ('delegation_approval', 'delegation_clarification')
REPLACED = ('customer_id', 'task_id', 'parent_id', 'join_id', 'resumes_id', 'hop_id')


def span(apps, schema_editor):
    """Put these in the place of Django's own, on PostgreSQL; elsewhere there is no row-level security to get around."""
    if schema_editor.connection.vendor != 'postgresql':
        return
    introspection = schema_editor.connection.introspection
    for table in dict.fromkeys(table for table, *_ in SPANNING):
        with schema_editor.connection.cursor() as cursor:
            constraints = introspection.get_constraints(cursor, table)
        for name, found in constraints.items():
            if table in ONE_EACH and found['unique'] and found['columns'] == ['hop_id']:
                schema_editor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
                schema_editor.execute(f'ALTER TABLE {table} ADD CONSTRAINT {table}_one_each UNIQUE (hop_id, task_id)')
            if found['foreign_key'] and len(found['columns']) == 1 and found['columns'][0] in REPLACED:
                schema_editor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    for table, columns, referred, keys in SPANNING:
        schema_editor.execute(
            f'ALTER TABLE {table} ADD CONSTRAINT {table}_{columns[-1]}_within FOREIGN KEY ({", ".join(columns)}) '
            f'REFERENCES {referred} ({", ".join(keys)}) DEFERRABLE INITIALLY DEFERRED'
        )


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0001_initial'),
        ('delegation', '0013_delegation_rules'),
        ('security', '0012_roles'),
    ]

    operations = [
        migrations.RemoveIndex(model_name='task', name='task_by_customer'),
        migrations.AlterField(
            model_name='task',
            name='customer',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='tasks', to='security.customer'),
        ),
        migrations.AlterField(
            model_name='hop',
            name='task',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='hops', to='delegation.task'),
        ),
        migrations.AddConstraint(
            model_name='task',
            constraint=models.UniqueConstraint(fields=('customer', 'id'), name='task_by_customer'),
        ),
        migrations.AddConstraint(
            model_name='hop',
            constraint=models.UniqueConstraint(fields=('task', 'id'), name='hop_of_task'),
        ),
        migrations.RemoveConstraint(model_name='taskevent', name='one_event_per_number'),
        migrations.AddConstraint(
            model_name='taskevent',
            constraint=models.UniqueConstraint(fields=('task', 'seq', 'customer'), name='one_event_per_number'),
        ),
        migrations.RemoveConstraint(model_name='hop', name='resumed_once'),
        migrations.AddConstraint(
            model_name='hop',
            constraint=models.UniqueConstraint(condition=models.Q(('resumes__isnull', False)), fields=('resumes', 'task'), name='resumed_once'),
        ),
        migrations.RunPython(span, migrations.RunPython.noop),
    ]
