"""Addresses of calendars, which stand in programs for years, and the page of their owner."""

from django.urls import path

from integrations.feeds.views import pages, served

urlpatterns = [
    path("k/<str:token>/narada.ics", served.feed_calendar, name="feed_calendar"),
    path("k/<str:token>/wolne-zajete.ifb", served.feed_free_busy, name="feed_free_busy"),
    path("konto/kalendarze/", pages.feed_list, name="feed_list"),
    path("konto/kalendarze/<int:pk>/cofniecie/", pages.feed_revoke, name="feed_revoke"),
]
