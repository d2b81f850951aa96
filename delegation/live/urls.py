"""The operators' pages, at /tasks/."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from delegation.live import views

app_name = "live"

urlpatterns = [
    path("", views.tasks, name="tasks"),
    path("login/", LoginView.as_view(template_name="live/login.html", redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("customer/", views.customer_choose, name="customer"),
    path("<uuid:task_id>/", views.task, name="task"),
    path("<uuid:task_id>/start/", views.start, name="start"),
    path("<uuid:task_id>/cancel/", views.cancel, name="cancel"),
    path("<uuid:task_id>/hops/<uuid:hop_id>/", views.hop, name="hop"),
    path("approvals/<uuid:approval_id>/", views.vote, name="approval"),
    path("clarifications/<uuid:clarification_id>/", views.answer, name="clarification"),
]
