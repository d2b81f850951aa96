"""Find credentials, personal data and other customers' data in what agents write.

A pure package: it knows neither Django nor the database.
"""

from security.leakage.detector import Detector
from security.leakage.finding import DetectionType, Finding, Severity
from security.leakage.policy import Action, Policy
from security.leakage.preview import preview
from security.leakage.redaction import redact
from security.leakage.registered import registered_digest
from security.leakage.stream import Released, StreamScanner
from security.leakage.tenants import Tenant

__all__ = [
    "Action",
    "DetectionType",
    "Detector",
    "Finding",
    "Policy",
    "Released",
    "Severity",
    "StreamScanner",
    "Tenant",
    "preview",
    "redact",
    "registered_digest",
]
