"""Addresses of the reports. Those of licences stand under management."""

from django.urls import path

from reports.views import licence_changes, licence_exports, licences

urlpatterns = [
    path("licencje/", licences.licence_desk, name="licence_desk"),
    path("licencje/odmowy/", licences.licence_refusals, name="licence_refusals"),
    path("licencje/csv/", licence_exports.licence_csv, name="licence_csv"),
    path("licencje/xlsx/", licence_exports.licence_xlsx, name="licence_xlsx"),
    path("licencje/zmiana/<slug:kind>/", licence_changes.licence_change, name="licence_change"),
    path("licencje/zmiana/<slug:kind>/<int:pk>/", licence_changes.licence_change, name="licence_change_row"),
]
