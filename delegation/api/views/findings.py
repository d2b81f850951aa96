"""What the leak detector found, for auditors, and what they say of it."""

from typing import ClassVar
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from audit.feedback import feedback_give
from audit.models import LeakageLog, LeakFeedback
from delegation.api import samples
from delegation.api.filters import FINDING_FILTERS, PAGES, narrowed_findings
from delegation.api.inputs import validated
from delegation.api.leak_shapes import FeedbackInput, FeedbackOutput, FindingOutput, feedback_shape, finding_shape
from delegation.api.outputs import page_schema
from delegation.api.pagination import page_of
from delegation.api.schema import documented
from delegation.api.views.door import Door, principal_of
from delegation.services.storable import check_storable
from security.errors import NotFound, ValidationFailed
from security.roles import Permission


class Findings(Door):
    needs: ClassVar = {"GET": Permission.AUDIT_VIEW}

    @documented(
        summary="List leak findings, newest first",
        operation_id="audit_leakages_list",
        response=page_schema(FindingOutput),
        sample=samples.page(samples.FINDING),
        parameters=(*FINDING_FILTERS, *PAGES),
        errors=(ValidationFailed,),
        tag="audit",
    )
    def get(self, request: Request) -> Response:
        """Return what was found in agents' answers, masked, with what was done about it."""
        principal = principal_of(request)
        rows = LeakageLog.objects.of_customer(principal.customer_id).select_related("feedback")
        return Response(page_of(narrowed_findings(rows, request), request, finding_shape))


class Feedback(Door):
    needs: ClassVar = {"POST": Permission.LEAK_JUDGE}

    @documented(
        summary="Say whether a finding was a leak",
        operation_id="audit_leakages_feedback",
        request=FeedbackInput,
        request_sample=samples.FEEDBACK_REQUEST,
        response=FeedbackOutput,
        sample=samples.FEEDBACK,
        errors=(NotFound, ValidationFailed),
        tag="audit",
    )
    def post(self, request: Request, finding_id: UUID) -> Response:
        """Confirm the finding, or call it a false alarm; the last word counts. The log's own row stays as it is."""
        principal = principal_of(request)
        said = validated(FeedbackInput, request.data)
        check_storable("note", said.get("note", ""))
        finding = LeakageLog.objects.of_customer(principal.customer_id).filter(id=finding_id).first()
        if finding is None:
            raise NotFound(internal=f"finding {finding_id} for {principal.customer_id}")
        feedback = feedback_give(
            finding=finding,
            verdict=LeakFeedback.Verdict(said["verdict"]),
            note=said.get("note", ""),
            by_id=principal.user_id,
            by=principal.username,
            now=timezone.now(),
        )
        return Response(feedback_shape(feedback))
