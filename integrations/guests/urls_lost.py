"""What no other address of invited people fits; stands behind all of them."""

from django.urls import re_path

from integrations.guests import lost

urlpatterns = [re_path(r"^(?P<kind>[dgoDGO])(?:/(?P<rest>.*))?$", lost.lost, name="guest_lost")]
