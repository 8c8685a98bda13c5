"""Addresses around sessions: the search for a room, the waiting list, requests, closures, the rules of booking."""

from django.urls import path

from bookings.views import approvals, closures, finding, rules, waiting

urlpatterns = [
    path("szukaj/", finding.room_find, name="room_find"),
    path("szukaj/osoby/", finding.colleague_search, name="colleague_search"),
    path("szukaj/teraz/", finding.room_now, name="room_now"),
    path("oczekujace/", waiting.waiting_list, name="waiting_list"),
    path("oczekujace/<int:pk>/przyjecie/", waiting.waiting_accept, name="waiting_accept"),
    path("oczekujace/<int:pk>/rezygnacja/", waiting.waiting_leave, name="waiting_leave"),
    path("wnioski/", approvals.approval_list, name="approval_list"),
    path("wnioski/<int:pk>/odpowiedz/", approvals.approval_decide, name="approval_decide"),
    path("wnioski/<int:pk>/wycofanie/", approvals.approval_withdraw, name="approval_withdraw"),
    path("zamkniecia/", closures.closure_list, name="closure_list"),
    path("zamkniecia/nowe/", closures.closure_new, name="closure_new"),
    path("zamkniecia/<int:pk>/zniesienie/", closures.closure_lift, name="closure_lift"),
    path("zasady/", rules.rules_show, name="rules_show"),
]
