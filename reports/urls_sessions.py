"""Addresses of reports about one session, which stand below its own."""

from django.urls import path

from reports.views import roll_call

urlpatterns = [
    path("sesje/<slug:number>/lista/", roll_call.roll_call, name="roll_call"),
    path("sesje/<slug:number>/lista/teraz/", roll_call.roll_call_now, name="roll_call_now"),
    path("sesje/<slug:number>/lista/csv/", roll_call.roll_call_csv, name="roll_call_csv"),
    path("sesje/<slug:number>/lista/xlsx/", roll_call.roll_call_xlsx, name="roll_call_xlsx"),
]
