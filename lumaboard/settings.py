"""Every setting, and the only reader of the environment.

The defaults are real ones for one machine: SQLite, files below `var/`, the database as queue. Each `LUMABOARD_` variable is
described in README.md. An unknown or unreadable value stops the start with one sentence.
"""

import base64
import ipaddress
import os
import secrets
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from lumaboard.core.env import Env
from lumaboard.core.keyfile import read_or_create

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env(os.environ)

# Where things are --
DATA_DIR = env.path("DATA_DIR", BASE_DIR / "var")
BIND = env.address("BIND", "127.0.0.1:8000")
_bind_host = f"[{BIND[0]}]" if ":" in BIND[0] else BIND[0]
PUBLIC_URL = env.origin("PUBLIC_URL", f"http://{_bind_host}:{BIND[1]}")
IS_HTTPS = PUBLIC_URL.startswith("https://")
SIMULATOR_BIND = env.address("SIMULATOR_BIND", "127.0.0.1:8787")
SIMULATOR_URL = f"http://{SIMULATOR_BIND[0]}:{SIMULATOR_BIND[1]}"
SIMULATOR_PACE = env.text("SIMULATOR_PACE", "1.0")

DEBUG = env.boolean("DEBUG", default=False)
SECRET_KEY = env.secret("SECRET_KEY") or read_or_create(DATA_DIR / "secret_key", lambda: secrets.token_urlsafe(64))
# Newest first; all are tried when a stored key is read. Losing them means entering every upstream key again.
ENCRYPTION_KEYS = [
    base64.urlsafe_b64decode(key)
    for key in (
        env.secret("ENCRYPTION_KEYS")
        or read_or_create(
            DATA_DIR / "encryption_keys", lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        )
    )
    .replace(",", " ")
    .split()
]
if any(len(key) != 32 for key in ENCRYPTION_KEYS):
    raise ImproperlyConfigured("LUMABOARD_ENCRYPTION_KEYS should hold keys of 32 bytes in URL-safe base64.")

_public_host = (
    PUBLIC_URL.split("://", 1)[1].rsplit(":", 1)[0] if PUBLIC_URL.count(":") > 1 else PUBLIC_URL[8 if IS_HTTPS else 7 :]
)
ALLOWED_HOSTS = [_public_host, "127.0.0.1", "localhost", "[::1]"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")

# What runs --
INSTALLED_APPS = [
    "lumaboard.core",
    "lumaboard.accounts",
    "lumaboard.audit",
    "lumaboard.connections",
    "lumaboard.generations",
    "lumaboard.news",
    "lumaboard.sharing",
    "lumaboard.submission",
    "lumaboard.past",
    "lumaboard.ops",
    "ninja",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "csp",
    "django_htmx",
    "django_q",
]
MIDDLEWARE = [
    "lumaboard.api.middleware.one_shape",
    "lumaboard.proxy.middleware.providers_shape",
    "django.middleware.security.SecurityMiddleware",
    "lumaboard.core.middleware.closed_by_default",
    "lumaboard.core.middleware.bounded_bodies",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "lumaboard.accounts.middleware.sign_ins",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "lumaboard.accounts.middleware.preferences",
    "lumaboard.accounts.middleware.htmx_redirects",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "lumaboard.urls"
WSGI_APPLICATION = "lumaboard.wsgi.application"
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
                "lumaboard.accounts.context.preferences",
                "lumaboard.gallery.context.shell",
            ],
            "builtins": ["lumaboard.core.templatetags.moments"],
        },
    }
]

# Database --
DATABASES = {
    "default": dj_database_url.parse(env.text("DATABASE_URL") or f"sqlite:///{DATA_DIR / 'lumaboard.sqlite3'}")
}
_database = DATABASES["default"]
IS_SQLITE = _database["ENGINE"] == "django.db.backends.sqlite3"
_database["CONN_MAX_AGE"] = 60
_database["CONN_HEALTH_CHECKS"] = True
if IS_SQLITE:
    # IMMEDIATE and a patient busy handler: with Django's defaults most concurrent writes fail with "database is locked".
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864;",
    }
else:
    _database.setdefault("OPTIONS", {})["options"] = (
        "-c statement_timeout=30000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=30000"
    )
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Cache: the shared one carries sign-in throttles, the one in process carries card fragments ---------------------------
REDIS_URL = env.text("REDIS_URL")
QUEUE_NAME = env.text("QUEUE_NAME", "lumaboard")
CACHES = {
    "default": (
        # Installations may share a server: the throttle counts of one are not another's.
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL, "KEY_PREFIX": QUEUE_NAME}
        if REDIS_URL
        else {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "cache",
            # With Django's 300, a flood of made-up addresses would push out the counts that throttle sign-in.
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        }
    ),
    "fragments": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "fragments",
        "OPTIONS": {"MAX_ENTRIES": 5000},
    },
    # Apart, because anybody can fill it: a flood of guests must not push out what throttles sign-in, nor the cards.
    "visits": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "visits",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    },
}

# Work --
WORKERS = env.integer("WORKERS", 2, least=1)
REFRESH_CONCURRENCY = env.integer("REFRESH_CONCURRENCY", 32, least=1)
CREATES_AT_ONCE = env.integer("CREATES_AT_ONCE", 16, least=1)  # below the web server's threads, so that pages go on
REFRESH_TICK_SECONDS = 2.0
REFRESH_BUDGET_SECONDS = 15.0
Q_CLUSTER = {
    "name": QUEUE_NAME,
    "orm": "default",
    "cache": "fragments",  # for django-q2's own statistics, which would be written to the database every second
    "broker_class": "lumaboard.refresh.broker.TickBroker",
    "workers": WORKERS,
    "queue_limit": WORKERS,
    "bulk": 1,
    "poll": 0.5,
    "timeout": 120,
    "retry": 400,  # at least three times the timeout: the lock runs from fetching, not from starting
    "ack_failures": True,
    "max_attempts": 1,
    "catch_up": False,
    "recycle": 200,
    "max_rss": 300_000,
    "save_limit": -1,  # keeps failures only
    "guard_cycle": 1,
    "ALT_CLUSTERS": {"archive": {"workers": 1, "queue_limit": 1, "timeout": 1900, "retry": 6000}},
}
SCHEDULES = {
    # name: (dotted path of the job, minutes between two runs); installed by `manage.py sync_schedules`
    "purge deleted": ("lumaboard.leaving.jobs.purge_deleted", 5),
    "look around for news": ("lumaboard.news.jobs.look_around", 1),
    "mail news": ("lumaboard.news.jobs.mail", 1),
    "forget news": ("lumaboard.news.jobs.forget", 60),
    "settle submissions": ("lumaboard.submission.jobs.settle", 1),
    "bring in the past": ("lumaboard.past.jobs.walk", 1),
    "forget tries": ("lumaboard.sharing.jobs.forget_tries", 60),
    "sweep files": ("lumaboard.archive.jobs.sweep", 60),
    "forget sessions": ("lumaboard.accounts.jobs.forget_sessions", 60),
    "learn waits": ("lumaboard.refresh.jobs.learn_waits", 10),
    "read balances": ("lumaboard.refresh.jobs.read_balances", 15),
}

# Reaching out, and keeping --
# The simulator's own address is allowed, so that `make run` works; everything else private has to be allowed by the operator.
# Addresses of webhooks and callbacks, which people enter, may lead to no more than the operator's.
ALLOWED_BY_OPERATOR = env.networks("ALLOW_NETWORKS")
ALLOW_NETWORKS = (*ALLOWED_BY_OPERATOR, ipaddress.ip_network(SIMULATOR_BIND[0]))
MAX_MEDIA_BYTES = env.size("MAX_MEDIA_BYTES", 2 * 2**30)
MAX_JSON_BYTES = env.size("MAX_JSON_BYTES", 2**20)
QUOTA_BYTES = env.size("QUOTA_BYTES", None)  # a workspace's; None: as much as the disk gives
DISK_RESERVE = env.size("DISK_RESERVE", None)  # None: 2 GiB or 5 % of the disk, whichever is less
STORAGE_URL = env.text("STORAGE_URL", f"file://{DATA_DIR / 'media'}")
if not STORAGE_URL.startswith("file:///"):
    raise ImproperlyConfigured("LUMABOARD_STORAGE_URL should be a folder such as file:///srv/lumaboard/media.")
MEDIA_ROOT = Path(STORAGE_URL.removeprefix("file://"))

# People --
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "lumaboard.accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # accounts come from the set-up link and from invitations
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {
    # The address is counted first: one that has used up its tries can then not use up somebody else's.
    "login_failed": "10/15m/ip,10/15m/key",
    "login": None,  # those that succeed are not limited
    "reset_password": "20/h/ip,5/h/key",
    "reauthenticate": "10/15m/user",
    "change_password": "10/15m/user",
}
ACCOUNT_FORMS = {"reset_password": "lumaboard.accounts.forms.ResetPasswordForm"}
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
PASSWORD_RESET_TIMEOUT = 3600
MFA_ADAPTER = "lumaboard.accounts.second_factors.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # addresses are those that were invited
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "Lumaboard"
MFA_TOTP_TOLERANCE = 1  # clocks of phones differ, and people type slowly
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not IS_HTTPS  # browsers allow that on localhost alone
MFA_FORMS = {
    "add_webauthn": "lumaboard.accounts.second_factors.AddForm",
    "authenticate": "lumaboard.accounts.second_factors.CodeForm",
    "authenticate_webauthn": "lumaboard.accounts.second_factors.AuthenticateForm",
    "login_webauthn": "lumaboard.accounts.second_factors.LoginForm",
    "reauthenticate": "lumaboard.accounts.second_factors.ReauthenticateCodeForm",
    "reauthenticate_webauthn": "lumaboard.accounts.second_factors.ReauthenticateForm",
}
# Single sign-on, where an issuer is named --
OIDC_ISSUER = env.issuer("OIDC_ISSUER")
OIDC_CLIENT_ID = env.text("OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = env.secret("OIDC_CLIENT_SECRET")
OIDC_NAME = env.text("OIDC_NAME", "single sign-on")
if len({bool(OIDC_ISSUER), bool(OIDC_CLIENT_ID), bool(OIDC_CLIENT_SECRET)}) > 1:
    raise ImproperlyConfigured(
        "LUMABOARD_OIDC_ISSUER, LUMABOARD_OIDC_CLIENT_ID and LUMABOARD_OIDC_CLIENT_SECRET are needed together."
    )
SOCIALACCOUNT_ADAPTER = "lumaboard.accounts.oidc.SocialAccountAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_ENGINE = "lumaboard.accounts.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_NAME = "__Host-session" if IS_HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if IS_HTTPS else "csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "lumaboard.core.views.csrf_failure"

EMAIL_URL = env.text("EMAIL_URL", "console:")
# `console:` or `smtp://user:password@host:587` (STARTTLS), `smtps://…:465`
from lumaboard.core.mail import mail_settings  # noqa: E402  (reads nothing but its argument)

globals().update(mail_settings(EMAIL_URL))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("EMAIL_FROM", f"Lumaboard <lumaboard@{_public_host.strip('[]')}>")

# Language and time --
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.text("TIME_ZONE", "UTC")
USE_TZ = True
USE_I18N = True

# Static files --
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "lumaboard.core.static_files.HashedStorage"
    },
}

# What browsers are told --
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "media-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # whether other names below the domain speak TLS is for their owner to say
    "security.W008",  # the proxy in front redirects to https; behind it every request is plain
    "security.W021",  # joining the browsers' preload list is the domain owner's act
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 2**20  # the paste box takes 10,000 lines
DATA_UPLOAD_MAX_NUMBER_FIELDS = 12_000

# Logs --
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = env.choice("LOG_FORMAT", "text", ("text", "json"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        "json": {"()": "lumaboard.core.logs.JsonFormatter"},
    },
    "filters": {"without_tokens": {"()": "lumaboard.core.logs.WithoutTokens"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["without_tokens"]},
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {"django.server": {"level": "WARNING"}, "django-q": {"level": "WARNING", "propagate": True}},
}
METRICS_TOKEN = env.secret("METRICS_TOKEN")

env.refuse_unknown()
