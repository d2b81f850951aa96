"""Find credentials, personal data and other customers' data in what agents write.

A pure package: it knows neither Django nor the database.
"""

from security.leakage.allowed import Allowed, AllowList, allow_list
from security.leakage.detector import Detector
from security.leakage.finding import DetectionType, Finding, Severity
from security.leakage.policy import DEFAULTS, FLOORS, Action, Policy, floor
from security.leakage.preview import preview, previews
from security.leakage.redaction import redact, redact_json
from security.leakage.registered import ValueRefused, registered_digest, value_fingerprint
from security.leakage.stream import Released, StreamScanner
from security.leakage.tenants import Tenant

__all__ = [
    "DEFAULTS",
    "FLOORS",
    "Action",
    "AllowList",
    "Allowed",
    "DetectionType",
    "Detector",
    "Finding",
    "Policy",
    "Released",
    "Severity",
    "StreamScanner",
    "Tenant",
    "ValueRefused",
    "allow_list",
    "floor",
    "preview",
    "previews",
    "redact",
    "redact_json",
    "registered_digest",
    "value_fingerprint",
]
