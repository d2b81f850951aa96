"""The floor of ingress: a Django view with one INSERT, no middleware, no credential, on the server program of ours."""

import os
from uuid import uuid4

import dj_database_url
import django
import orjson
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

_TABLE = "CREATE TABLE IF NOT EXISTS bench_task (id uuid PRIMARY KEY, message text NOT NULL, status text NOT NULL)"

settings.configure(
    SECRET_KEY="for benchmarks only",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": dj_database_url.parse(os.environ["DATABASE_URL"]) | {"OPTIONS": {"pool": {"max_size": 32}}}},
)
django.setup()


@csrf_exempt
def submit(request: HttpRequest) -> HttpResponse:
    """Save the message; return its id."""
    message = orjson.loads(request.body)["message"]
    task_id = str(uuid4())
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_task VALUES (%s, %s, 'submitted')", [task_id, message])
    body = orjson.dumps({"task_id": task_id, "status": "submitted"})
    return HttpResponse(body, status=201, content_type="application/json")


urlpatterns = [path("tasks", submit)]
app = get_asgi_application()

if __name__ == "__main__":
    with connection.cursor() as cursor:
        cursor.execute(_TABLE)
