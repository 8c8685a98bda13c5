"""Conference servers in the administration: bad input is answered with the way out, the settings have the last word."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.jitsi.callers import Purpose, key_for, server_with
from integrations.jitsi.models import ConferenceServer
from integrations.jitsi.servers import all_servers
from tests.factories import Office

pytestmark = pytest.mark.django_db

ADD = "admin:integrations_conferenceserver_add"
CHANGE = "admin:integrations_conferenceserver_change"
LIST = "admin:integrations_conferenceserver_changelist"


@pytest.fixture(autouse=True)
def no_server_of_settings(settings: object) -> None:
    settings.JITSI_URL = settings.JITSI_APP_SECRET = ""


def typed(**fields: object) -> dict[str, Any]:
    return {
        "name": "meet",
        "url": "https://Meet.urzad.example/",
        "xmpp_domain": "meet.jitsi",
        "muc_domain": "muc.meet.jitsi",
        "algorithm": "RS256",
        "is_enabled": "on",
        "control_url": "http://prosody:5280",
        "jicofo_url": "http://jicofo:8888/",
        "jvb_urls": "http://jvb:8080\r\nhttp://jvb2:8080/",
        "position": "0",
        **fields,
    }


def errors(client: Client, **fields: object) -> dict[str, list[str]]:
    response = client.post(reverse(ADD), typed(**fields))
    assert response.status_code == 200
    return dict(response.context["adminform"].form.errors)


def test_a_server_is_kept_with_its_addresses_in_one_form(office: Office, admin_client: Client) -> None:
    response = admin_client.post(reverse(ADD), typed(sites=[office.koszykowa.pk], max_people="75"))

    assert response.status_code == 302
    server = ConferenceServer.objects.get()
    assert (server.url, server.control_url) == ("https://meet.urzad.example", "http://prosody:5280")
    assert (server.jicofo_url, server.bridges) == ("http://jicofo:8888", ("http://jvb:8080", "http://jvb2:8080"))
    assert list(server.sites.all()) == [office.koszykowa]
    assert admin_client.get(reverse(LIST)).status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "meet.urzad.example"),
        ("url", "https://a:b@meet.urzad.example"),
        ("url", ""),
        ("control_url", "prosody:5280"),
        ("jicofo_url", "ftp://jicofo"),
        ("jvb_urls", "http://jvb:8080\nhttp://jvb:8080"),
        ("jvb_urls", "jvb"),
        ("xmpp_domain", "https://meet.jitsi"),
        ("algorithm", "HS256"),
        ("max_people", "0"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(admin_client: Client, field: str, value: str) -> None:
    assert list(errors(admin_client, **{field: value})) == [field]
    assert not ConferenceServer.objects.exists()


def test_one_address_is_one_server(admin_client: Client) -> None:
    admin_client.post(reverse(ADD), typed())

    found = errors(admin_client, name="drugi", url="https://MEET.urzad.example")

    assert "meet" in found["url"][0]


def test_what_the_settings_say_is_not_changed_here(admin_client: Client, settings: object) -> None:
    settings.JITSI_URL, settings.JITSI_SUBJECT = "https://wideo.urzad.example", "wideo.urzad.example"
    server = all_servers()[0]
    url = reverse(CHANGE, args=[server.pk])
    assert admin_client.get(url).status_code == 200

    response = admin_client.post(url, typed(name="wideo", url="https://zly.example", max_people="50"))

    assert response.status_code == 302
    server.refresh_from_db()
    assert (server.name, server.url, server.max_people) == ("wideo", "https://wideo.urzad.example", 50)
    assert server.xmpp_domain == "wideo.urzad.example"
    gone = admin_client.post(reverse("admin:integrations_conferenceserver_delete", args=[server.pk]), {"post": "yes"})
    assert gone.status_code == 403
    # Once the settings describe none, it is one like any other.
    settings.JITSI_URL = ""
    assert admin_client.post(url, typed(name="wideo")).status_code == 302
    server.refresh_from_db()
    assert server.url == "https://meet.urzad.example"


def test_new_keys_end_the_old_ones(admin_client: Client) -> None:
    admin_client.post(reverse(ADD), typed())
    server = ConferenceServer.objects.get()
    key = key_for(server, Purpose.RESERVATIONS)

    response = admin_client.post(reverse(LIST), {"action": "renew_keys", "_selected_action": [server.pk]})

    assert response.status_code == 302
    server.refresh_from_db()
    assert server_with(key, Purpose.RESERVATIONS) is None
    assert server_with(key_for(server, Purpose.RESERVATIONS), Purpose.RESERVATIONS) == server
