"""Every table with who may do what to which of its rows: what `migrate` makes PostgreSQL enforce.

A table that is missing here fails a test. ``own`` is the condition under which a row is of the customers that a
transaction works for; None: the table belongs to no customer, and what ``app`` names may be done to all of it.
``linked`` is what a new row must fulfil besides: that what it refers to is its own customer's, so that nobody can ask
by a foreign key what others have. (On the hot path the foreign keys themselves span the customer: migration 0014 of
delegation.)
"""

from dataclasses import dataclass

from security.rows import CUSTOMERS_SETTING

# Read once a statement: the subquery depends on no row.
_CUSTOMERS = f"(SELECT string_to_array(current_setting('{CUSTOMERS_SETTING}', true), ','))"


def _of_customers(column: str) -> str:
    """Return the condition that the column has one of the customers, said so that it changes no plan.

    The planner takes nearly all rows to fulfil it, and cannot look for them by an index. Said as ``= ANY`` it was
    thought to leave one row in twenty, and on new tables the hot statements took half as long again.
    """
    return f"array_position({_CUSTOMERS}, {column}::text) IS NOT NULL"


_OF_CUSTOMER = _of_customers("customer_id")
READ, APPEND, CHANGE, EDIT = "SELECT", "SELECT, INSERT", "SELECT, INSERT, UPDATE", "SELECT, INSERT, UPDATE, DELETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """``app``, ``platform``: what these roles may do. ``secret``: the columns that auditors do not read (None: all)."""

    own: str | None = _OF_CUSTOMER
    app: str = ""
    linked: str = ""
    platform: str = EDIT
    secret: tuple[str, ...] | None = ()


def _has(table: str, key: str, column: str, *also: str) -> str:
    """Return the condition that a row has its counterpart in the other table, among those that may be seen."""
    found = " AND ".join((f"other.{key} = {column}", *also))
    return f"EXISTS (SELECT 1 FROM {table} other WHERE {found})"


_BY_COLLEAGUES = " OR ".join(
    _has(table, "user_id", "auth_user.id")
    for table in ("security_membership", "security_apikey", "delegation_approvalvote")
)
_SAME_CUSTOMER = "other.customer_id = delegation_delegationrule.customer_id"
_NOBODYS_OF_APP = Table(own=None)
_ONLY_PLATFORM = Table(own=None, secret=None)

TABLES = {
    # -- customers and their people
    "security_customer": Table(own=_of_customers("id"), app=READ),
    "security_membership": Table(app=READ),
    "security_apikey": Table(app=CHANGE, secret=("digest",)),
    "security_login": Table(app=READ, secret=("token_digest", "password_mark")),
    "security_ratelimit": Table(app=READ),
    "security_leakpolicy": Table(app=EDIT),
    "security_canary": Table(app=EDIT, secret=("token",)),
    "security_registeredvalue": Table(app=EDIT, secret=("digest",)),
    "security_allowedfinding": Table(app=EDIT),
    # Triggers write it, as the owner.
    "security_tenant_change": Table(platform=EDIT),
    # -- agents and work
    "delegation_agent": Table(app=EDIT, secret=("sealed_credential",)),
    "delegation_approvalrules": Table(app=EDIT),
    "delegation_delegationrule": Table(
        app=EDIT,
        linked=" AND ".join(
            _has("delegation_agent", "id", column, _SAME_CUSTOMER) for column in ("agent_from_id", "agent_to_id")
        ),
    ),
    "delegation_agentgrant": Table(own=_has("delegation_agent", "id", "agent_id"), app=EDIT),
    "delegation_task": Table(app=CHANGE),
    "delegation_hop": Table(app=CHANGE),
    "delegation_taskevent": Table(app=APPEND),
    "delegation_approval": Table(app=CHANGE),
    "delegation_approvalvote": Table(own=_has("delegation_approval", "id", "approval_id"), app=APPEND),
    "delegation_clarification": Table(app=CHANGE),
    # -- the logs, to which rows are added and nothing else is done
    "agent_delegation_logs": Table(app=APPEND, platform=APPEND),
    "agent_authorization_logs": Table(app=APPEND, platform=APPEND),
    "leakage_detection_logs": Table(app=APPEND, platform=APPEND),
    "audit_leakfeedback": Table(
        app=CHANGE,
        linked=_has("leakage_detection_logs", "id", "finding_id", "other.customer_id = audit_leakfeedback.customer_id"),
    ),
    # -- people, who may belong to several customers: seen by those who work with them
    "auth_user": Table(own=_BY_COLLEAGUES, app=READ, secret=("password",)),
    # -- what belongs to no customer
    "django_content_type": Table(own=None, app=READ),
    "auth_permission": Table(own=None, app=READ),
    # The screens look for a group before they say that there is none for the person.
    "auth_group": Table(own=None, app=READ),
    "security_platformauditor": _NOBODYS_OF_APP,
    "security_tenant_version": _NOBODYS_OF_APP,
    "django_admin_log": _NOBODYS_OF_APP,
    "delegation_worker": _NOBODYS_OF_APP,
    "auth_group_permissions": _NOBODYS_OF_APP,
    "auth_user_groups": _NOBODYS_OF_APP,
    "auth_user_user_permissions": _NOBODYS_OF_APP,
    "guardian_groupobjectpermission": _NOBODYS_OF_APP,
    "guardian_userobjectpermission": _NOBODYS_OF_APP,
    "django_migrations": Table(own=None, platform=READ),
    "django_session": _ONLY_PLATFORM,
    "security_signingkey": _ONLY_PLATFORM,
}
