"""Addresses of the webhooks' pages."""

from django.urls import path

from integrations.webhooks import views

urlpatterns = [
    path("", views.webhook_list, name="webhook_list"),
    path("nowy/", views.webhook_new, name="webhook_new"),
    path("<int:pk>/", views.webhook_show, name="webhook_show"),
    path("<int:pk>/zmiana/", views.webhook_edit, name="webhook_edit"),
    path("<int:pk>/sekret/", views.webhook_secret, name="webhook_secret"),
    path("<int:pk>/nowy-sekret/", views.webhook_rotate, name="webhook_rotate"),
    path("<int:pk>/proba/", views.webhook_try, name="webhook_try"),
    path("<int:pk>/stan/", views.webhook_switch, name="webhook_switch"),
    path("<int:pk>/usuniecie/", views.webhook_delete, name="webhook_delete"),
]
