"""Settings of the test suite: the product's own, with nothing that leaves the machine."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "only-for-tests-only-for-tests-only-for-tests-0123456789")
if "VAR_DIR" not in os.environ:
    os.environ["VAR_DIR"] = tempfile.mkdtemp(prefix="narada-test-")
    atexit.register(shutil.rmtree, os.environ["VAR_DIR"], ignore_errors=True)
os.environ.setdefault("BASE_URL", "http://testserver")

from config.settings import *  # noqa: F403  the environment has to be set before the settings read it
from config.settings import DATABASES, VAR_DIR

ALLOWED_HOSTS = ["*"]
DATABASES["default"]["OPTIONS"].pop("pool", None)
DATABASES["default"]["TEST"] = {"NAME": os.environ.get("NARADA_TEST_DB", "test_narada")}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Hashed names need collectstatic; the tests ask for the plain files.
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# What `make run` makes at its start.
for _folder in ("static", "broker/queue", "broker/control"):
    (Path(VAR_DIR) / _folder).mkdir(parents=True, exist_ok=True)
MAIL_FROM = DEFAULT_FROM_EMAIL = "narada@urzad.example"
MAIL_DIR = Path(VAR_DIR) / "mail"
# Tests that are about it set it.
MAIL_COALESCE_SECONDS = 0
REMINDER_QUIET, RSVP_NUDGE_LEADS, SUMMARY_AT, DIGEST_AT = None, (), None, None
MAIL_DOMAIN_LIMITS = dict[str, int]()
