"""The web application, for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

from notifications.alarms import watching  # noqa: E402  needs the application to be set up

watching.start()
