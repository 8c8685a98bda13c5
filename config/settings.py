"""The one settings file. Every value that an office may set comes from the environment (.env.example)."""

from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config.env import (
    jitsi_algorithm,
    parse_database_url,
    parse_date,
    parse_durations,
    parse_email_url,
    parse_imap_url,
    parse_limits,
    parse_quiet_hours,
    parse_time_of_day,
    parse_weekly,
    secret_from,
    stun_address,
)

env = environ.Env()

ROOT = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.str("VAR_DIR", str(ROOT / "var")))
DEBUG = env.bool("DEBUG", False)

SECRET_KEY = env.str("SECRET_KEY", "") or secret_from(VAR_DIR / "secret_key")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is not set. `make run` makes one; a server takes it from the environment.")

BASE_URL = env.str("BASE_URL", "http://localhost:8000").rstrip("/")
_https = BASE_URL.startswith("https://")
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=[urlsplit(BASE_URL).hostname or "localhost", "localhost", "127.0.0.1"]
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[BASE_URL])

OFFICE_NAME = env.str("OFFICE_NAME", "Urząd do Spraw Cudzoziemców")
# In English pages and mails; of an office that gives its Polish name alone, that one.
_english = "Office for Foreigners, Poland" if OFFICE_NAME == "Urząd do Spraw Cudzoziemców" else OFFICE_NAME
OFFICE_NAME_EN = env.str("OFFICE_NAME_EN", _english)
SUPPORT_CONTACT = env.str("SUPPORT_CONTACT", "")
# What the accessibility statement says that only the office knows.
ACCESSIBILITY_PUBLISHED_ON = parse_date(
    env.str("ACCESSIBILITY_PUBLISHED_ON", "2026-11-22"), name="ACCESSIBILITY_PUBLISHED_ON"
)
ACCESSIBILITY_UPDATED_ON = parse_date(
    env.str("ACCESSIBILITY_UPDATED_ON", "2026-11-28"), name="ACCESSIBILITY_UPDATED_ON"
)
ACCESSIBILITY_CONTACT = env.str("ACCESSIBILITY_CONTACT", "")
ACCESSIBILITY_EMAIL = env.str("ACCESSIBILITY_EMAIL", "")
ACCESSIBILITY_PHONE = env.str("ACCESSIBILITY_PHONE", "")
ACCESSIBILITY_BUILDINGS_URL = env.str("ACCESSIBILITY_BUILDINGS_URL", "")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.forms",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "accounts",
    "rooms",
    "bookings",
    "integrations",
    "notifications",
    "reports",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "accounts.usual_policy.UsualPolicyMiddleware",
    "accounts.browser_features.keep_features_closed",
    "config.compression.FastGZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "rooms.middleware.ReadAlongMiddleware",
    "accounts.middleware.user_language",
    "accounts.middleware.SignInMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.page_for_wrong_method",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "config.folded_templates.Loader",
                    ["django.template.loaders.filesystem.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "accounts.preferences.page_context",
            ],
            "builtins": ["accounts.templatetags.icons"],
        },
    },
]

FORM_RENDERER = "accounts.renderer.Renderer"

# --- Data -----------------------------------------------------------------------------------------------------------
# The embedded server's address is kept beside its data, so that manage.py finds it in another terminal.
_database = env.str("DATABASE_URL", "") or secret_from(VAR_DIR / "database_url") or "postgresql://localhost/narada"
DATABASES = {"default": parse_database_url(_database)}
DATABASES["default"]["CONN_MAX_AGE"] = 0
# The pool would hand out connections of a server that was restarted, and each would fail one request: our engine looks
# at them (config/pooled_postgresql).
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", "5")
# Our statements are short: compiling them takes longer than running them, and so does planning (rooms/prepared.py).
DATABASES["default"]["OPTIONS"].setdefault("options", "-c jit=off -c plan_cache_mode=force_generic_plan")
# A pooler that lends a session for one transaction forgets what was prepared in it.
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = env.bool("DATABASE_POOLER", False)
# Conference servers are told within `timeout` seconds that the database is away (docs/decisions/0016). A pool that
# looks for a lost server waits twice as long each time; after `reconnect_timeout` it begins anew when asked next.
DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 8, "timeout": 5, "reconnect_timeout": 3}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Shared by all processes: allauth's rate limits and the worker's sign of life live here.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}}

# --- People ---------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "board"
ACCOUNT_ADAPTER = "notifications.account_mail.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "accounts.forms.SignInForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
}
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_PREVENT_ENUMERATION = True
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", 0)

# --- Language and time ----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "pl"
LANGUAGES = [("pl", _("Polish")), ("en", _("English"))]
LOCALE_PATHS = [ROOT / "locale"]
TIME_ZONE = "Europe/Warsaw"
USE_TZ = True
LANGUAGE_COOKIE_AGE = 31_536_000
LANGUAGE_COOKIE_SAMESITE = "Lax"

# --- Files ----------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [ROOT / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "config.fonts.FontFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static_files.StaticFiles"},
}

# --- Security -------------------------------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _https
SESSION_ENGINE = "rooms.sessions"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = _https and env.bool("SECURE_SSL_REDIRECT", True)
# Conference servers follow no redirects, and may speak to us inside without TLS.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^jitsi/"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 31_536_000 if _https else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = bool(SECURE_HSTS_SECONDS)
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if env.bool("BEHIND_TLS_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "frame-src": [SELF],
        "object-src": [NONE],
    }
}

# --- Mail -----------------------------------------------------------------------------------------------------------
MAIL_FROM = env.str("MAIL_FROM", "narada@localhost")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = MAIL_FROM
EMAIL_URL = env.str("EMAIL_URL", "")
MAIL_DIR = VAR_DIR / "mail"
if EMAIL_URL:
    vars().update(parse_email_url(EMAIL_URL))
else:
    EMAIL_BACKEND = "notifications.mailfiles.Backend"
# Takes over while the first one can't be used: the same keys as Django's EMAIL_* settings, None where there is none.
_fallback = env.str("EMAIL_FALLBACK_URL", "")
EMAIL_FALLBACK = parse_email_url(_fallback, name="EMAIL_FALLBACK_URL") if _fallback else None
if EMAIL_FALLBACK and not EMAIL_URL:
    raise ImproperlyConfigured("EMAIL_FALLBACK_URL is the second mail server; EMAIL_URL has to name the first.")
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT_SECONDS", 20)
if EMAIL_TIMEOUT < 1:
    raise ImproperlyConfigured("EMAIL_TIMEOUT_SECONDS must be at least 1: without a timeout mail could wait for ever.")
MAIL_DOMAIN_LIMITS = parse_limits(env.str("MAIL_DOMAIN_LIMITS", "*=600"), name="MAIL_DOMAIN_LIMITS")
MAIL_COALESCE_SECONDS = env.int("MAIL_COALESCE_SECONDS", 60)
# For so long a cancellation on the page can be undone; 0: never.
CANCEL_UNDO_SECONDS = env.int("CANCEL_UNDO_SECONDS", 30)
# Incoming mail: fetched from IMAP_URL, where there is one, or taken by `manage.py lmtp` and `manage.py receive_mail`.
IMAP = parse_imap_url(env.str("IMAP_URL", ""))
IMAP_DONE_FOLDER = env.str("IMAP_DONE_FOLDER", "Narada/done")
MAIL_AUTH_SERVER = env.str("MAIL_AUTH_SERVER", "")
MAIL_KEPT_DAYS = env.int("MAIL_KEPT_DAYS", 90)
# So many days after their last session people without an account are forgotten; 0: never by the clock.
GUEST_DATA_DAYS = env.int("GUEST_DATA_DAYS", 90)
if GUEST_DATA_DAYS < 0:
    raise ImproperlyConfigured("GUEST_DATA_DAYS must not be negative; 0 keeps data of guests until somebody asks.")
REMINDER_LEADS = parse_durations(env.str("REMINDER_LEADS", "24h,15m"), name="REMINDER_LEADS")
REMINDER_QUIET = parse_quiet_hours(env.str("REMINDER_QUIET", "21:00-06:00"), name="REMINDER_QUIET")
RSVP_NUDGE_LEADS = parse_durations(env.str("RSVP_NUDGE_LEAD", "3d"), name="RSVP_NUDGE_LEAD")
SUMMARY_AT = parse_time_of_day(env.str("SUMMARY_AT", "15:00"), name="SUMMARY_AT")
DIGEST_AT = parse_weekly(env.str("DIGEST_AT", "mon 07:00"), name="DIGEST_AT")

# --- Other systems that are told by HTTP ------------------------------------------------------------------------------
WEBHOOK_TIMEOUT_SECONDS = env.int("WEBHOOK_TIMEOUT_SECONDS", 15)
if not 1 <= WEBHOOK_TIMEOUT_SECONDS <= 60:
    raise ImproperlyConfigured("WEBHOOK_TIMEOUT_SECONDS must be between 1 and 60.")
WEBHOOK_TO_LOCALHOST = env.bool("WEBHOOK_TO_LOCALHOST", DEBUG)

# --- How the service is ----------------------------------------------------------------------------------------------
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
# Told of alarms beside the IT admins, and by another way than mail.
ALARM_RECIPIENTS = env.list("ALARM_RECIPIENTS", default=[])
ALARM_WEBHOOK_URL = env.str("ALARM_WEBHOOK_URL", "")
ALARM_AFTER_MINUTES = env.int("ALARM_AFTER_MINUTES", 10)

# --- Work in the background: nothing is kept in the broker that the database does not know (architecture, rule 5) ---
_broker = env.str("CELERY_BROKER_URL", "")
CELERY_BROKER_URL = _broker or "narada-files://"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {"socket_connect_timeout": 1, "socket_timeout": 5}
if not _broker:
    _spool = VAR_DIR / "broker"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_spool / "queue"),
        "data_folder_out": str(_spool / "queue"),
        "control_folder": str(_spool / "control"),
        "polling_interval": 0.5,
    }
CELERY_BROKER_CONNECTION_TIMEOUT = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_TIME_LIMIT = 300
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# After the broker was gone, Celery would raise the limit again from a thread of the pool, on the channel that its main
# thread reads from: both wait for the answer, one for ever, and the worker hangs.
CELERY_WORKER_ENABLE_PREFETCH_COUNT_REDUCTION = False
# Nobody steers workers through the broker. Its mailboxes are exclusive queues: a worker that takes over from one whose
# connection the broker still believes in could not start.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_TASK_DEFAULT_QUEUE = "narada"
CELERY_TASK_CREATE_MISSING_QUEUE_TYPE = "quorum" if _broker.startswith("amqp") else "classic"
CELERY_TIMEZONE = "UTC"
# On a clock that nobody puts back. The schedule is a few lines of code: nothing of it has to outlive the process.
CELERY_BEAT_SCHEDULER = "config.beat:Scheduler"

# --- Conference server ----------------------------------------------------------------------------------------------
JITSI_URL = env.str("JITSI_URL", "").rstrip("/")
JITSI_APP_ID = env.str("JITSI_APP_ID", "narada")
JITSI_APP_SECRET = env.str("JITSI_APP_SECRET", "")
JITSI_SUBJECT = env.str("JITSI_SUBJECT", urlsplit(JITSI_URL).hostname or "")
JITSI_ALGORITHM = jitsi_algorithm(env.str("JITSI_ALGORITHM", ""), secret=JITSI_APP_SECRET)
JITSI_MUC_DOMAIN = env.str("JITSI_MUC_DOMAIN", "")
JITSI_CONTROL_URL = env.str("JITSI_CONTROL_URL", "").rstrip("/")
JITSI_JICOFO_URL = env.str("JITSI_JICOFO_URL", "").rstrip("/")
JITSI_JVB_URLS = env.list("JITSI_JVB_URLS", default=[])
JITSI_JIBRI_URLS = env.list("JITSI_JIBRI_URLS", default=[])
JITSI_STUN_ADDRESS = stun_address(env.str("JITSI_STUN_ADDRESS", ""))
JITSI_TIMEOUT_SECONDS = env.int("JITSI_TIMEOUT_SECONDS", 3)
JITSI_KEY_DAYS = env.int("JITSI_KEY_DAYS", 90)
JITSI_UNPLANNED = env.str("JITSI_UNPLANNED", "refuse")
if JITSI_UNPLANNED not in {"refuse", "admit"}:
    raise ImproperlyConfigured("JITSI_UNPLANNED must be refuse or admit.")
JITSI_UNPLANNED_MINUTES = env.int("JITSI_UNPLANNED_MINUTES", 60)
JITSI_OVERRUN_MINUTES = env.int("JITSI_OVERRUN_MINUTES", 60)
RECORDINGS_KEPT_DAYS = env.int("RECORDINGS_KEPT_DAYS", 90)
JOIN_OPENS_MINUTES = env.int("JOIN_OPENS_MINUTES", 15)
JOIN_OPENS_ORGANIZER_MINUTES = env.int("JOIN_OPENS_ORGANIZER_MINUTES", 60)
JOIN_GRACE_MINUTES = env.int("JOIN_GRACE_MINUTES", 15)

# --- Limits of a session --------------------------------------------------------------------------------------------
MAX_PARTICIPANTS = env.int("MAX_PARTICIPANTS", 200)
MAX_SESSION_HOURS = env.int("MAX_SESSION_HOURS", 12)
BOOKING_HORIZON_DAYS = env.int("BOOKING_HORIZON_DAYS", 730)
MATERIAL_MAX_BYTES = env.int("MATERIAL_MAX_BYTES", 10_485_760)
if not 1 <= MATERIAL_MAX_BYTES <= 52_428_800:
    raise ImproperlyConfigured("MATERIAL_MAX_BYTES must be between 1 and 52428800 (50 MiB).")
# A series that rooms are invited to by mail is accepted without so many of its dates, and refused with more.
ROOM_MAIL_MAX_CONFLICTS = env.int("ROOM_MAIL_MAX_CONFLICTS", 3)
ROOM_MAIL_MAX_CONFLICT_PERCENT = env.int("ROOM_MAIL_MAX_CONFLICT_PERCENT", 25)
DRAFT_MINUTES = env.int("DRAFT_MINUTES", 10)
DRAFTS_PER_USER = env.int("DRAFTS_PER_USER", 3)
OFFER_MINUTES = env.int("OFFER_MINUTES", 120)
OFFER_ENDS_BEFORE_MINUTES = env.int("OFFER_ENDS_BEFORE_MINUTES", 15)
FREE_SEAT_AFTER_MINUTES = env.int("FREE_SEAT_AFTER_MINUTES", 5)
FREE_ROOM_AFTER_MINUTES = env.int("FREE_ROOM_AFTER_MINUTES", 10)
NO_SHOW_MINUTES = env.int("NO_SHOW_MINUTES", 20)
APPROVAL_ESCALATES_DAYS = env.int("APPROVAL_ESCALATES_DAYS", 1)
APPROVAL_EXPIRES_DAYS = env.int("APPROVAL_EXPIRES_DAYS", 3)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "filters": {
        "join_tokens": {"()": "integrations.jitsi.logs.HideJoinTokens"},
        "feed_tokens": {"()": "integrations.feeds.logs.HideFeedTokens"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["join_tokens", "feed_tokens"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "INFO")},
    "loggers": {
        # Beat's tasks come every few seconds; the tasks say themselves what they did when there is something to say.
        **{name: {"level": "WARNING"} for name in ("celery.app.trace", "celery.worker.strategy", "celery.beat")},
        # The LMTP server's library tells every command, with the addresses in it.
        "mail.log": {"level": "WARNING"},
        # Tells every step of the few that it takes to make our fonts.
        "fontTools": {"level": "WARNING"},
    },
}
