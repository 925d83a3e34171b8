"""All settings, from the environment. The table in README.md lists each variable."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from webapp.environment import env, envbool, envint, envnumber, networks
from webapp.logs.formatting import log_form
from webapp.logs.redaction import redact

ROOT = Path(__file__).resolve().parent.parent

DEBUG = envbool("DEBUG", False)
SECRET_KEY = env("SECRET_KEY") or ""
_SHORTEST_KEY = 50
if SECRET_KEY and (len(SECRET_KEY) < _SHORTEST_KEY or len(set(SECRET_KEY)) < 5):
    # Not the key itself, even where it is a bad one.
    raise ImproperlyConfigured(
        f"SECRET_KEY: got {len(SECRET_KEY)} characters, must be {_SHORTEST_KEY} or more, chosen by chance: "
        "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"
    )
ALLOWED_HOSTS = (env("ALLOWED_HOSTS") or "127.0.0.1,localhost,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [origin for origin in (env("CSRF_TRUSTED_ORIGINS") or "").split(",") if origin]

try:
    DATABASES: dict[str, Any] = {
        # Under ASGI each request has a thread of its own: a connection kept open would leak with the thread.
        "default": dj_database_url.parse(env("DATABASE_URL") or "postgresql:///dareclab", conn_max_age=0)
    }
except (ValueError, dj_database_url.ParseError) as error:
    raise ImproperlyConfigured(
        f"DATABASE_URL: {error}. Write it as postgresql://user:password@host:5432/name, or leave it out for the embedded one."
    ) from error
_POOL = envint("DATABASE_POOL", 0)
if _POOL:
    # For the web server alone (deploy sets it): to connect costs more than most requests ask of the database. A connection that
    # the server has cut off is replaced.
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {"min_size": 1, "max_size": _POOL, "timeout": 30}
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if "postgresql" not in DATABASES["default"]["ENGINE"]:
    raise ImproperlyConfigured(
        "DATABASE_URL: only PostgreSQL is supported; write it as postgresql://user:password@host:5432/name."
    )
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

BROKER_URL = env("BROKER_URL") or "redis://127.0.0.1:6379/0"


def storage_backend(url: str) -> dict[str, Any]:
    """Django's storage for ``file:///folder`` or ``s3://bucket/prefix?endpoint=URL``; raises ImproperlyConfigured for others."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path.startswith("/"):
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": parts.path}}
    if parts.scheme == "s3" and parts.netloc:
        options: dict[str, Any] = {"bucket_name": parts.netloc, "location": parts.path.strip("/"), "file_overwrite": True}
        endpoint = parse_qs(parts.query).get("endpoint")
        if endpoint:
            options["endpoint_url"] = endpoint[0]
        if env("AWS_SECRET_ACCESS_KEY_FILE"):
            # Keys in the environment, and the role of a machine, S3's library finds by itself; files it does not know.
            options |= {"access_key": env("AWS_ACCESS_KEY_ID"), "secret_key": env("AWS_SECRET_ACCESS_KEY")}
        return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    raise ImproperlyConfigured(f"STORAGE_URL: got {redact(url)!r}, must be file:///folder or s3://bucket/prefix?endpoint=URL")


STORAGE_URL = env("STORAGE_URL") or f"file://{ROOT / '.local' / 'storage'}"
STORAGES = {
    "default": storage_backend(STORAGE_URL),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

SITE_URL = (env("SITE_URL") or "").rstrip("/")
MLFLOW_TRACKING_URI = env("MLFLOW_TRACKING_URI") or ""
WEBHOOK_PRIVATE = envbool("WEBHOOK_PRIVATE", False)


def mail_settings(url: str) -> dict[str, Any]:
    """Django's mail settings of ``smtp://user:password@host:587?tls=1`` or ``smtps://…``; raises ImproperlyConfigured for others.

    Empty: no mail is sent, ``host`` is empty.
    """
    try:
        parts = urlsplit(url)
        secure, tls = parts.scheme == "smtps", parse_qs(parts.query).get("tls") == ["1"]
        port = parts.port or (465 if secure else 587 if tls else 25)
    except ValueError as error:
        raise ImproperlyConfigured(f"EMAIL_URL: {error}") from error
    if url and (parts.scheme not in ("smtp", "smtps") or not parts.hostname):
        # Not the address itself: it may hold a password.
        raise ImproperlyConfigured("EMAIL_URL: must be smtp://user:password@host:587?tls=1 or smtps://user:password@host:465")
    return {
        "host": parts.hostname or "",
        "port": port,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "tls": tls,
        "ssl": secure,
    }


_MAIL = mail_settings(env("EMAIL_URL") or "")
EMAIL_HOST, EMAIL_PORT = _MAIL["host"], _MAIL["port"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _MAIL["user"], _MAIL["password"]
EMAIL_USE_TLS, EMAIL_USE_SSL = _MAIL["tls"], _MAIL["ssl"]
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env("EMAIL_FROM") or "DARec Lab <darec-lab@localhost>"
API_RATE_PER_MINUTE = envint("API_RATE_PER_MINUTE", 600)
METRICS_ALLOW = networks("METRICS_ALLOW", env("METRICS_ALLOW") or "")
READY_WAIT_SECONDS = 5.0
"""How long /readyz waits for a worker's answer."""
SERVE_WAIT_SECONDS = 2.0
"""How long a page waits for the answer of a trained run before it shows that it waits."""
QUOTA_DISK_GB = envnumber("QUOTA_DISK_GB", 0)
QUOTA_QUEUED_RUNS = envnumber("QUOTA_QUEUED_RUNS", 0)
QUOTA_RUN_HOURS = envnumber("QUOTA_RUN_HOURS", 0)
QUOTA_MONTH_HOURS = envnumber("QUOTA_MONTH_HOURS", 0)
BACKBONE_ROOT = env("BACKBONE_ROOT") or ""
UPLOAD_LIMIT_BYTES = envint("UPLOAD_LIMIT_MB", 2048) * 1024 * 1024

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "ninja",
    "webapp.accounts",
    "webapp.audit",
    "webapp.datasets",
    "webapp.curation",
    "webapp.experiments",
    "webapp.searches",
    "webapp.comparing",
    "webapp.fleet",
    "webapp.mirroring",
    "webapp.notices",
    "webapp.operations",
    "webapp.serving",
    "webapp.delivering",
    "webapp.quotas",
]
MIDDLEWARE = [
    "webapp.request_ids.request_ids",
    "webapp.metrics.requests.count_requests",
    # Outside of all that may refuse a request: refusals carry these headers too.
    "webapp.middleware.content_security_policy",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    # Outside of all that only pages need.
    "webapp.api.quick.quick_polls",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "webapp.accounts.sessions.session_ages",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "webapp.api.middleware.api_answers",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "webapp" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "webapp.layout.frame",
            ],
        },
    },
]
ROOT_URLCONF = "webapp.urls"
ASGI_APPLICATION = "webapp.asgi.application"

STATIC_URL = "/static/"
STATIC_ROOT = Path(env("STATIC_ROOT") or ROOT / "staticfiles")
STATICFILES_DIRS = [ROOT / "webapp" / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "webapp.staticfinder.PackageFilesFinder",
]

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator", "OPTIONS": {"max_similarity": 0.6}},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

INVITATIONS_MAKE_ACCOUNTS = envbool("INVITATIONS_MAKE_ACCOUNTS", True)

SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "webapp.failures.csrf_failed"
HTTPS = envbool("HTTPS", False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
# No script of ours reads the CSRF cookie: pages carry the token.
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
# Lax: links in mails and invitations lead to pages where one is signed in.
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = envint("SESSION_IDLE_HOURS", 14 * 24) * 3600
SESSION_MAX_SECONDS = envint("SESSION_MAX_HOURS", 60 * 24) * 3600
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
# Probes and Prometheus ask from inside, past the proxy.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = envint("HSTS_SECONDS", 365 * 24 * 3600) if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# HSTS for all subdomains, and lists that browsers bring along, are decisions about a whole domain: its proxy makes them.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"

LOG_FORMAT = log_form()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"ours": {"()": "webapp.logs.formatting.make_formatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "ours"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL") or "INFO"},
    # Django and the web server bring handlers of their own, with another form.
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        "uvicorn": {"handlers": [], "propagate": True},
        "uvicorn.access": {"handlers": [], "propagate": True},
        "uvicorn.error": {"handlers": [], "propagate": True},
    },
}
