"""Settings by environment (docs/settings.md has the list). Nothing set: everything embedded in one process."""

import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from django.templatetags.static import static

from a2a_project import environment

BASE_DIR = Path(__file__).resolve().parent.parent
# What a running installation writes when nothing else is set: database, secret, metrics of its processes.
VAR_DIR = Path(environment.text("A2A_VAR_DIR", str(BASE_DIR / "var")))

DEBUG = environment.flag("DEBUG")
DATABASE_URL = environment.text("DATABASE_URL", f"sqlite:///{VAR_DIR / 'db.sqlite3'}")
REDIS_URL = environment.text("REDIS_URL")
BROKER_URL = environment.text("BROKER_URL", REDIS_URL)
ALLOWED_HOSTS = environment.listing("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
# Where the installation is reached from outside, without a slash at the end; tokens name it as their issuer, and agents
# push there.
A2A_PUBLIC_URL = environment.address("A2A_PUBLIC_URL")
if A2A_PUBLIC_URL:
    ALLOWED_HOSTS.append(str(urlsplit(A2A_PUBLIC_URL).hostname))
EMBEDDED = DATABASE_URL.startswith("sqlite:")

SECRET_KEY = environment.text("SECRET_KEY")
if not SECRET_KEY:
    if not EMBEDDED:
        environment.stop("SECRET_KEY must be set (50 random characters, the same for every process)")
    SECRET_KEY = environment.generated_secret(VAR_DIR / "secret_key")
if len(SECRET_KEY) < 32:
    environment.stop("SECRET_KEY must be at least 32 random characters")
# Known values are compared under this key: changed, customers must register theirs again.
A2A_FINGERPRINT_KEY = environment.text("A2A_FINGERPRINT_KEY")
if 0 < len(A2A_FINGERPRINT_KEY) < 32:
    environment.stop("A2A_FINGERPRINT_KEY must be at least 32 random characters")
if DEBUG and not EMBEDDED:
    environment.stop("DEBUG must not be set together with a database server")
if "*" in ALLOWED_HOSTS and not DEBUG:
    environment.stop("ALLOWED_HOSTS must name the hosts; * would accept any")

# What seals secrets at rest, the newest first; none: SECRET_KEY, which also opens what it sealed before there were any.
A2A_ENCRYPTION_KEYS = environment.listing("A2A_ENCRYPTION_KEYS")
if any(len(key) < 32 for key in A2A_ENCRYPTION_KEYS) or len(set(A2A_ENCRYPTION_KEYS)) < len(A2A_ENCRYPTION_KEYS):
    environment.stop("A2A_ENCRYPTION_KEYS must be different texts of at least 32 random characters, with commas")
# The folder of agents' client certificates, one folder for each customer in it.
A2A_CLIENT_CERTIFICATES_DIR = environment.text("A2A_CLIENT_CERTIFICATES_DIR")

INSTALLED_APPS = [
    # First: its ready() sets the broker that actors are declared on.
    "a2a_project.apps.ProjectConfig",
    "unfold.apps.BasicAppConfig",
    "a2a_project.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "guardian",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_prometheus",
    "django_structlog",
    "audit",
    "security",
    "delegation",
]

MIDDLEWARE = [
    "a2a_project.request_ids.RequestIdMiddleware",
    "a2a_project.hardening.BrowserRulesMiddleware",
    "a2a_project.hardening.HttpsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "security.origin.OriginMiddleware",
    "security.rows.doors.RowsMiddleware",
    "a2a_project.edge.EdgeLimitMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "a2a_project.urls"
ASGI_APPLICATION = "a2a_project.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# -- stores

DATABASES = {"default": dj_database_url.parse(DATABASE_URL)}
if EMBEDDED:
    Path(DATABASES["default"]["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA mmap_size=134217728;",
    }
else:
    # Beneath the ORM each transaction becomes a role that row-level security keeps to its customers.
    DATABASES["default"]["ENGINE"] = "security.rows.postgres"
    # A web process has 16 threads for HTTP and 4 for websockets, a worker 2; each may hold a connection. The delegation
    # loop has two more of its own.
    DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 32, "timeout": 10}}

# What is counted at the HTTP edge; in one process, for so many addresses and accounts at once.
_COUNTS = (
    {
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "a2a-counts",
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
    }
    if REDIS_URL
    else {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "a2a-counts",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache"
        if REDIS_URL
        else "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": REDIS_URL or "a2a",
    },
    # Failed logins, one by one: a success begins anew.
    "counts": {"BACKEND": "security.counting_cache.CountingCache"} | _COUNTS,
    # Requests of addresses and persons.
    "requests": {"BACKEND": "security.counting_cache.BlockCountingCache"} | _COUNTS,
}
RATELIMIT_USE_CACHE = "requests"

CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}

# -- work

A2A_AGENT_TIMEOUT_SECONDS = environment.number("A2A_AGENT_TIMEOUT_SECONDS", 60, least=0.1)
A2A_POLL_SECONDS = environment.number("A2A_POLL_SECONDS", 0.2, least=0.05)
A2A_POLL_SECONDS_BESIDE_PUSH = environment.number("A2A_POLL_SECONDS_BESIDE_PUSH", 2, least=0.05)
A2A_ALLOWED_AGENT_HOSTS = environment.listing("A2A_ALLOWED_AGENT_HOSTS")
A2A_LIMIT_CUSTOMER_TASKS_PER_DAY = int(environment.number("A2A_LIMIT_CUSTOMER_TASKS_PER_DAY", 1000))
A2A_LIMIT_AGENT_CALLS_PER_HOUR = int(environment.number("A2A_LIMIT_AGENT_CALLS_PER_HOUR", 100))
A2A_LIMIT_PAIR_PER_HOUR = int(environment.number("A2A_LIMIT_PAIR_PER_HOUR", 50))
A2A_HTTP_REQUESTS_PER_MINUTE = int(environment.number("A2A_HTTP_REQUESTS_PER_MINUTE", 6000))
A2A_HTTP_ADDRESS_REQUESTS_PER_MINUTE = int(environment.number("A2A_HTTP_ADDRESS_REQUESTS_PER_MINUTE", 12_000))
A2A_LOGIN_ATTEMPTS_PER_MINUTE = int(environment.number("A2A_LOGIN_ATTEMPTS_PER_MINUTE", 300))
A2A_LOGIN_FAILURES = int(environment.number("A2A_LOGIN_FAILURES", 10, least=1))
A2A_LOGIN_ADDRESS_FAILURES = int(environment.number("A2A_LOGIN_ADDRESS_FAILURES", 100, least=1))
A2A_LOGIN_LOCK_SECONDS = int(environment.number("A2A_LOGIN_LOCK_SECONDS", 900, least=1))
A2A_TASK_DEADLINE_SECONDS = environment.number("A2A_TASK_DEADLINE_SECONDS", 24 * 3600, least=1)
A2A_QUESTION_EXPIRY_SECONDS = environment.number("A2A_QUESTION_EXPIRY_SECONDS", 24 * 3600, least=1)
A2A_HOP_BUDGET = int(environment.number("A2A_HOP_BUDGET", 100, least=1))
A2A_MAX_PENDING = int(environment.number("A2A_MAX_PENDING", 100_000, least=1))
A2A_MAX_PENDING_PER_CUSTOMER = int(environment.number("A2A_MAX_PENDING_PER_CUSTOMER", 20_000, least=1))
# Installations that share a broker tell their wake-ups apart by the name of the queue.
A2A_QUEUE = environment.text("A2A_QUEUE", "delegation")
# How long (ms) a worker that has found no wake-up in Redis waits at most before it asks again. It would be a second,
# and a task for an installation at rest wait that long. The library reads it when it is first imported.
os.environ.setdefault("dramatiq_worker_timeout", "50")
A2A_DRAIN_SECONDS = environment.number("A2A_DRAIN_SECONDS", 20)
A2A_WORKER_CAPACITY = int(environment.number("A2A_WORKER_CAPACITY", 256, least=1))
# Half of a worker at most, so that one slow agent leaves room for the others.
A2A_AGENT_CONCURRENCY = int(environment.number("A2A_AGENT_CONCURRENCY", max(1, A2A_WORKER_CAPACITY // 2), least=1))
A2A_MESSAGE_MAX_BYTES = int(environment.number("A2A_MESSAGE_MAX_BYTES", 1024 * 1024, least=1))

# -- people

AUTHENTICATION_BACKENDS = [
    "security.login_guard.GuardedBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "live:login"
LOGIN_REDIRECT_URL = "live:tasks"
LOGOUT_REDIRECT_URL = "live:login"
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_ENGINE = "security.sessions"

# -- browsers (see also hardening.py)

# An installation with a database server is reached over TLS, which a proxy speaks; `up` serves this machine alone.
A2A_HTTPS = environment.flag("A2A_HTTPS", default=not EMBEDDED)
# Whose word the web server takes for the client's address and whether it came by HTTPS.
A2A_TRUSTED_PROXIES = environment.listing("A2A_TRUSTED_PROXIES", "127.0.0.1,::1")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = A2A_HTTPS
SECURE_REDIRECT_EXEMPT = [""]
SECURE_HSTS_SECONDS = int(environment.number("A2A_HSTS_SECONDS", 365 * 24 * 3600)) if A2A_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = A2A_HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "security.credentials.JWTAuthentication",
        "security.credentials.ApiKeyAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["delegation.api.permissions.DeclaredPermission"],
    "DEFAULT_RENDERER_CLASSES": ["delegation.api.rendering.OrjsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["delegation.api.rendering.OrjsonParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "delegation.api.pagination.CursorPages",
    "EXCEPTION_HANDLER": "delegation.api.problems.problem_response",
    "UNAUTHENTICATED_USER": None,
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "ALGORITHM": "HS256",
    "USER_ID_CLAIM": "sub",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Agent-to-Agent delegation",
    "DESCRIPTION": "Give tasks to your team of agents, follow each decision, approve and answer on the way.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        name: f"delegation.states.{name}"
        for name in ("TaskStatus", "HopStatus", "QuestionStatus", "Priority", "Seniority", "Action")
    }
    | {"InFlight": "security.models.InFlight"},
}

# -- pages

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
# Pages work from a fresh clone, with no collectstatic in between.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * A2A_MESSAGE_MAX_BYTES
UNFOLD = {
    "SITE_TITLE": "A2A delegation",
    "SITE_HEADER": "A2A delegation",
    "SITE_SUBHEADER": "Audit and operations",
    "SITE_ICON": lambda _: static("live/icon.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _: static("live/icon.svg")}],
    "SITE_URL": "/tasks/",
    "SHOW_HISTORY": False,
    "COLORS": {
        "primary": {
            "50": "#eef2ff",
            "100": "#e0e7ff",
            "200": "#c7d2fe",
            "300": "#a5b4fc",
            "400": "#8ea6ff",
            "500": "#5b76e8",
            "600": "#3b5bdb",
            "700": "#3451c7",
            "800": "#2a42a8",
            "900": "#263a85",
            "950": "#18234f",
        }
    },
    "SIDEBAR": {"show_search": True, "navigation": "delegation.admin.sidebar.navigation"},
}

# -- what we tell the operators

# Every process of an installation on one machine adds its counts here, and /metrics sums them. The library reads the
# variable when it is first imported, so it must be in the environment before any app is loaded.
METRICS_DIR = Path(os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(VAR_DIR / "metrics")))
METRICS_DIR.mkdir(parents=True, exist_ok=True)
# What scrapers show; with none set they come from a private address, past the proxy.
A2A_METRICS_TOKEN = environment.text("A2A_METRICS_TOKEN")
PROMETHEUS_EXPORT_MIGRATIONS = False

# The middleware before it lets only ids through that look sane.
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "a2a_project.telemetry.json_formatter"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": environment.text("A2A_LOG_LEVEL", "INFO").upper()},
    "loggers": {
        "uvicorn.access": {"level": "WARNING"},
        "django_structlog": {"level": "WARNING"},
        # It tells of one refused connection in six lines and a traceback; ours is one.
        "pika": {"level": "CRITICAL"},
        # A refused request is a line of our own; a traceback stands in it where there is one.
        "django.request": {"level": "ERROR"},
    },
}
