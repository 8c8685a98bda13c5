"""Addresses of the mail pages."""

from django.urls import path

from notifications.views import mail, nudging

app_name = "notifications"

urlpatterns = [
    path("", mail.mail_list, name="mail_list"),
    path("ponownie/", mail.mails_again, name="mails_again"),
    path("sesja/<str:number>/", mail.session_mails, name="session_mails"),
    path("sesja/<str:number>/przypomnienie/", nudging.session_nudge, name="session_nudge"),
    path("<int:pk>/", mail.mail_show, name="mail_show"),
    path("<int:pk>/podglad/", mail.mail_preview, name="mail_preview"),
    path("<int:pk>/plik/", mail.mail_download, name="mail_download"),
    path("<int:pk>/ponownie/", mail.mail_again, name="mail_again"),
    path("pliki/", mail.file_list, name="file_list"),
    path("pliki/<str:name>/", mail.file_show, name="file_show"),
    path("pliki/<str:name>/podglad/", mail.file_preview, name="file_preview"),
    path("pliki/<str:name>/plik/", mail.file_download, name="file_download"),
]
