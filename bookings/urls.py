"""Addresses of the board and of sessions."""

from datetime import date

from django.urls import include, path, register_converter

from bookings.views import (
    answer_decisions,
    board,
    booking,
    door_sheets,
    form_templates,
    kept_forms,
    materials,
    session_addresses,
    session_changes,
    sessions,
    undoing,
    week,
)


class DayConverter:
    """A day as 2026-11-24; anything else, such as 2026-02-30, is no address."""

    regex = r"2[01]\d{2}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


register_converter(DayConverter, "day")

urlpatterns = [
    path("", board.board_show, name="board"),
    path("tablica/<day:day>/", board.board_show, name="board_day"),
    path("tydzien/", week.week_show, name="week"),
    path("tydzien/<day:day>/", week.week_show, name="board_week"),
    path("rezerwacja/", booking.booking_new, name="booking_new"),
    path("rezerwacja/podglad/", booking.booking_preview, name="booking_preview"),
    path("rezerwacja/zwolnienie/", booking.booking_release, name="booking_release"),
    path("rezerwacja/szkice/", kept_forms.kept_forms, name="kept_forms"),
    path("rezerwacja/szkice/zapis/", kept_forms.booking_keep, name="booking_keep"),
    path("rezerwacja/szkice/<int:pk>/usuniecie/", kept_forms.kept_form_delete, name="kept_form_delete"),
    path("rezerwacja/szkice/<int:pk>/cofniecie/", kept_forms.kept_form_restore, name="kept_form_restore"),
    path("rezerwacja/wzory/", form_templates.template_list, name="template_list"),
    path("rezerwacja/wzory/nowy/", form_templates.template_new, name="template_new"),
    path("rezerwacja/wzory/<int:pk>/nazwa/", form_templates.template_rename, name="template_rename"),
    path("rezerwacja/wzory/<int:pk>/usuniecie/", form_templates.template_delete, name="template_delete"),
    path("rezerwacja/wzory/<int:pk>/cofniecie/", form_templates.template_restore, name="template_restore"),
    path("rezerwacja/osoby/", booking.people_search, name="people_search"),
    # Before what takes any word after „sesje”.
    path("", include("bookings.urls_around")),
    path("sesje/", sessions.my_sessions, name="my_sessions"),
    path("sesje/<slug:number>/", sessions.booking_show, name="booking_show"),
    path("sesje/<slug:number>/zmiana/", booking.booking_edit, name="booking_edit"),
    path("sesje/<slug:number>/zakres/", session_changes.booking_scope, name="booking_scope"),
    path("sesje/<slug:number>/odwolanie/", session_changes.booking_cancel, name="booking_cancel"),
    path("sesje/<slug:number>/cofniecie/", undoing.booking_restore, name="booking_restore"),
    path("sesje/<slug:number>/koniec/", session_changes.booking_end, name="booking_end"),
    path("sesje/<slug:number>/odpowiedz/", answer_decisions.answer_give, name="answer_give"),
    path("sesje/<slug:number>/odpowiedzi/<int:pk>/", answer_decisions.answer_settle, name="answer_settle"),
    path("sesje/<slug:number>/propozycje/<int:pk>/", answer_decisions.proposal_decide, name="proposal_decide"),
    path("sesje/<slug:number>/materialy/plik/", materials.file_new, name="file_new"),
    path("sesje/<slug:number>/materialy/notatka/", materials.note_new, name="note_new"),
    path("sesje/<slug:number>/materialy/<int:pk>/", materials.material_file, name="material_file"),
    path("sesje/<slug:number>/materialy/<int:pk>/zmiana/", materials.note_change, name="note_change"),
    path("sesje/<slug:number>/materialy/<int:pk>/usuniecie/", materials.material_remove, name="material_remove"),
    path("sesje/<slug:number>/kartki/", door_sheets.door_sheets, name="door_sheets"),
    path("sesje/<slug:number>/uczestnicy/<int:pk>/adres/", session_addresses.attendee_address, name="attendee_address"),
    path(
        "sesje/<slug:number>/uczestnicy/<int:pk>/zaproszenie/",
        sessions.attendee_invite_again,
        name="attendee_invite_again",
    ),
]
