"""What waits for a person: approvals and clarifications."""

from typing import ClassVar
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from delegation.api import samples
from delegation.api.filters import PAGES, QUESTION_FILTERS, narrowed_questions
from delegation.api.inputs import AnswerInput, CommentInput, validated
from delegation.api.outputs import ApprovalOutput, ClarificationOutput, page_schema
from delegation.api.pagination import page_of
from delegation.api.schema import documented
from delegation.api.shapes import approval_shape, clarification_shape
from delegation.api.views.door import Door, principal_of
from delegation.errors import Conflict
from delegation.services import questions
from security.errors import NotFound, ValidationFailed
from security.roles import Permission


class Approvals(Door):
    needs: ClassVar = {"GET": Permission.TASK_VIEW}

    @documented(
        summary="List approvals, newest first",
        operation_id="approvals_list",
        response=page_schema(ApprovalOutput),
        sample=samples.page(samples.APPROVAL),
        parameters=(*QUESTION_FILTERS, *PAGES),
        errors=(ValidationFailed,),
        tag="questions",
    )
    def get(self, request: Request) -> Response:
        """Return the delegations that wait (status=open) or waited for a person's approval."""
        rows = questions.approvals_visible(principal_of(request)).select_related("task")
        return Response(page_of(narrowed_questions(rows, request), request, approval_shape))


class _Vote(Door):
    needs: ClassVar = {"POST": Permission.APPROVE}
    approved: bool

    def vote(self, request: Request, approval_id: UUID) -> Response:
        comment = validated(CommentInput, request.data).get("comment", "")
        approval = questions.approval_vote(
            principal=principal_of(request),
            approval_id=approval_id,
            approved=self.approved,
            comment=comment,
            now=timezone.now(),
        )
        return Response(approval_shape(approval))


class ApprovalApprove(_Vote):
    approved = True

    @documented(
        summary="Approve a delegation",
        operation_id="approvals_approve",
        request=CommentInput,
        request_sample={"comment": "Go ahead."},
        response=ApprovalOutput,
        sample=samples.APPROVED,
        errors=(NotFound, Conflict, ValidationFailed),
        tag="questions",
    )
    def post(self, request: Request, approval_id: UUID) -> Response:
        """Say yes. The delegation goes on as soon as enough people have."""
        return self.vote(request, approval_id)


class ApprovalReject(_Vote):
    approved = False

    @documented(
        summary="Reject a delegation",
        operation_id="approvals_reject",
        request=CommentInput,
        request_sample={"comment": "Not before the review."},
        response=ApprovalOutput,
        sample=samples.REJECTED,
        errors=(NotFound, Conflict, ValidationFailed),
        tag="questions",
    )
    def post(self, request: Request, approval_id: UUID) -> Response:
        """Say no: the delegation does not happen."""
        return self.vote(request, approval_id)


class Clarifications(Door):
    needs: ClassVar = {"GET": Permission.TASK_VIEW}

    @documented(
        summary="List questions, newest first",
        operation_id="clarifications_list",
        response=page_schema(ClarificationOutput),
        sample=samples.page(samples.CLARIFICATION),
        parameters=(*QUESTION_FILTERS, *PAGES),
        errors=(ValidationFailed,),
        tag="questions",
    )
    def get(self, request: Request) -> Response:
        """Return the agents' questions that wait (status=open) or waited for an answer."""
        rows = questions.clarifications_visible(principal_of(request)).select_related("task")
        return Response(page_of(narrowed_questions(rows, request), request, clarification_shape))


class ClarificationAnswer(Door):
    needs: ClassVar = {"POST": Permission.ANSWER}

    @documented(
        summary="Answer a question",
        operation_id="clarifications_answer",
        request=AnswerInput,
        request_sample={"answer": "Home baristas"},
        response=ClarificationOutput,
        sample=samples.ANSWERED,
        errors=(NotFound, Conflict, ValidationFailed),
        tag="questions",
    )
    def post(self, request: Request, clarification_id: UUID) -> Response:
        """Answer with one of the options or in your own words; the agent goes on with it."""
        clarification = questions.clarification_answer(
            principal=principal_of(request),
            clarification_id=clarification_id,
            answer=validated(AnswerInput, request.data)["answer"],
            now=timezone.now(),
        )
        return Response(clarification_shape(clarification))
