"""The websockets' addresses."""

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.urls import re_path

from delegation.live.consumers import CustomerEvents, NothingHere, TaskEvents

websockets = AuthMiddlewareStack(
    URLRouter(
        [
            re_path(r"^ws/tasks/?$", CustomerEvents.as_asgi()),
            re_path(r"^ws/tasks/(?P<task_id>[^/]+)/?$", TaskEvents.as_asgi()),
            re_path(r"", NothingHere.as_asgi()),
        ]
    )
)
