"""The admin's sidebar: what a person may see, in the order of their work."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.urls import reverse

# Section -> (title, Material symbol, app, model).
SECTIONS = {
    "Audit": [
        ("Decisions", "account_tree", "audit", "delegationlog"),
        ("Authorisations", "verified_user", "audit", "authorizationlog"),
        ("Leak findings", "policy", "audit", "leakagelog"),
    ],
    "Leak detector": [
        ("Judged findings", "fact_check", "audit", "leakfeedback"),
        ("Leak policies", "shield_lock", "security", "leakpolicy"),
        ("Allow-list", "playlist_add_check", "security", "allowedfinding"),
        ("Canaries", "flutter_dash", "security", "canary"),
        ("Registered values", "fingerprint", "security", "registeredvalue"),
    ],
    "Work": [
        ("Tasks", "task_alt", "delegation", "task"),
        ("Hops", "conversion_path", "delegation", "hop"),
        ("Events", "timeline", "delegation", "taskevent"),
    ],
    "Questions": [
        ("Approvals", "approval", "delegation", "approval"),
        ("Votes", "how_to_vote", "delegation", "approvalvote"),
        ("Clarifications", "contact_support", "delegation", "clarification"),
        ("Approval rules", "rule", "delegation", "approvalrules"),
    ],
    "Rights": [
        ("Delegation rules", "alt_route", "delegation", "delegationrule"),
        ("Agent grants", "key_visualizer", "delegation", "agentgrant"),
    ],
    "Employed": [
        ("Agents", "smart_toy", "delegation", "agent"),
        ("Workers", "memory", "delegation", "worker"),
    ],
    "Customers and access": [
        ("Customers", "domain", "security", "customer"),
        ("Rate limits", "speed", "security", "ratelimit"),
        ("Memberships", "badge", "security", "membership"),
        ("Platform auditors", "policy", "security", "platformauditor"),
        ("API keys", "key", "security", "apikey"),
        ("Logins", "login", "security", "login"),
        ("Accounts", "person", "auth", "user"),
        ("Groups", "group", "auth", "group"),
    ],
}

# Pages that are no model's: section -> (title, symbol, address, and the app and model whose viewers they are for).
PAGES = {"Leak detector": [("Test bench", "science", "admin:leak_bench", "audit", "leakagelog")]}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sections, without what the person has no permission to view and without what would be empty."""
    sections: list[dict[str, Any]] = []
    for title, entries in SECTIONS.items():
        items = [
            {"title": name, "icon": icon, "link": reverse(f"admin:{app}_{model}_changelist")}
            for name, icon, app, model in entries
            if _is_open(request, app, model)
        ]
        items += [
            {"title": name, "icon": icon, "link": reverse(address)}
            for name, icon, address, app, model in PAGES.get(title, ())
            if _is_open(request, app, model)
        ]
        if items:
            sections.append({"title": title, "separator": True, "items": items})
    if sections:
        matrix = {"title": "Role matrix", "icon": "grid_on", "link": reverse("admin:security_role_matrix")}
        sections[-1]["items"].append(matrix)
    return sections


def _is_open(request: HttpRequest, app: str, model: str) -> bool:
    screen: ModelAdmin[Any] = admin.site.get_model_admin(apps.get_model(app, model))
    return screen.has_view_permission(request)
