"""The web application, for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

from config.turns import InTurn

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = InTurn(get_wsgi_application())

from notifications.alarms import watching  # noqa: E402  needs the application to be set up

watching.start()
