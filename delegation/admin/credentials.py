"""The part of an agent's form that takes its credential: written there, and never shown again."""

from dataclasses import fields
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from delegation.models import Agent
from delegation.services.credentials import checked_credential
from security.errors import PlatformError
from security.identity import Secret
from security.identity.agent_credentials import KINDS

REMOVE = "none"
_WORDS = {
    "bearer": "Bearer token",
    "api_key": "API key in a header",
    "basic": "User name and password",
    "oauth_client": "OAuth client credentials",
    "mutual_tls": "Client certificate (mutual TLS)",
}
_CHOICES = [("", "Keep it as it is"), (REMOVE, "Remove it"), *((kind, f"Set: {_WORDS[kind]}") for kind in KINDS)]
_PREFIX = "credential_"


_HELP = {
    "header": "The header's name, e.g. X-API-Key.",
    "client_authentication": "How the client shows its secret: basic (the default) or body.",
    "scope": "Empty: none is asked for.",
    "audience": "Where the authorisation server wants one.",
    "certificate_file": "A path beneath the customer's folder of certificates.",
    "key_file": "A path beneath the customer's folder of certificates.",
    "authority_file": "What the agent's own certificate is checked against; empty: the system's authorities.",
}


def _parts() -> dict[str, tuple[bool, list[str]]]:
    """Return, for each part of any kind of credential, whether it is secret, and the kinds it belongs to."""
    parts: dict[str, tuple[bool, list[str]]] = {}
    for kind, credential_class in KINDS.items():
        for field in fields(credential_class):
            parts.setdefault(field.name, (field.type is Secret, []))[1].append(kind)
    return parts


_PARTS = _parts()
CREDENTIAL_FIELDS = [f"{_PREFIX}{name}" for name in _PARTS]
# The form shows the parts of the kind that is chosen (unfold's conditional fields: expressions in the browser).
SHOWN_WHEN = {
    f"{_PREFIX}{name}": " || ".join(f"credential_choice == '{kind}'" for kind in kinds)
    for name, (_, kinds) in _PARTS.items()
}


def _field(name: str, *, secret: bool) -> forms.CharField:
    # What was typed is not rendered again, also where the form is refused.
    widget = (
        UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}) if secret else UnfoldAdminTextInputWidget()
    )
    label = name.replace("_", " ").capitalize()
    return forms.CharField(required=False, strip=not secret, widget=widget, label=label, help_text=_HELP.get(name, ""))


class CredentialFields(forms.ModelForm):  # type: ignore[type-arg]  # generic for the checker alone
    """Adds the choice and a field for each part; ``credential`` is what was given, None to remove it."""

    credential_choice = forms.ChoiceField(
        choices=_CHOICES,
        required=False,
        widget=UnfoldAdminSelectWidget(),
        label="Change it",
        help_text="What the agent wants to see from its callers. It is kept encrypted and never shown again.",
    )
    for _name, (_secret, _) in _PARTS.items():
        locals()[f"{_PREFIX}{_name}"] = _field(_name, secret=_secret)
    del _name, _secret, _

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.address_before = self.instance.endpoint_url
        self.credential: dict[str, str] | None = None

    @property
    def choice(self) -> str:
        return str(self.cleaned_data.get("credential_choice") or "")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.choice not in {"", REMOVE} and not self.errors:
            self.credential = {"kind": self.choice} | {
                name: cleaned[f"{_PREFIX}{name}"]
                for name, (_, kinds) in _PARTS.items()
                if self.choice in kinds and cleaned[f"{_PREFIX}{name}"]
            }
            try:
                checked_credential(self.credential, agent=self._owner(cleaned))
            except PlatformError as error:
                self.add_error("credential_choice", error.user_message)
        return cleaned

    def _owner(self, cleaned: dict[str, Any]) -> Agent:
        # An agent that is there already keeps its customer, which its form does not ask for.
        customer = cleaned.get("customer")
        customer_id = customer.pk if customer else self.instance.customer_id
        return Agent(customer_id=customer_id, endpoint_url=cleaned["endpoint_url"])
