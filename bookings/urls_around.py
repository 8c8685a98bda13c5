"""Addresses around sessions: calendar, quick booking, searches, waiting list, requests, closures, rules of booking."""

from django.urls import path

from bookings.views import approvals, closures, finding, month, quick_booking, rules, session_search, waiting

urlpatterns = [
    path("kalendarz/<day:day>/", month.month_show, name="month"),
    path("rezerwacja/szybka/", quick_booking.quick_show, name="quick_show"),
    path("rezerwacja/szybka/zapis/", quick_booking.quick_book, name="quick_book"),
    path("rezerwacja/szybka/<slug:number>/cofniecie/", quick_booking.quick_undo, name="quick_undo"),
    # Before the addresses of single sessions, of which „szukaj” is none.
    path("sesje/szukaj/", session_search.session_search, name="session_search"),
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
