"""Administration of people. Only IT admins get here (`User.is_staff`), through the ordinary sign-in page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import ReadOnlyPasswordHashField
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext

from accounts import services
from accounts.models import Contact, ContactGroup, Institution, User
from accounts.ordering import polish_order
from accounts.search import containing, words_of

admin.site.site_title = admin.site.site_header = _("Narada: administration")
admin.site.index_title = _("What would you like to change?")
# Django's Polish puts names of models into sentences that need another case („Zmień pula licencji”). Our catalogue says
# these sentences so that any noun fits; here they are only marked, for makemessages to keep them.
_SENTENCES_OF_DJANGO = (
    gettext_noop("Add %s"),
    gettext_noop("Change %s"),
    gettext_noop("View %s"),
    gettext_noop("Select %s to change"),
    gettext_noop("Select %s to view"),
    gettext_noop("Add another %(verbose_name)s"),
    gettext_noop("The {name} “{obj}” was added successfully."),
    gettext_noop("The {name} “{obj}” was added successfully. You may add another {name} below."),
    gettext_noop("The {name} “{obj}” was changed successfully."),
    gettext_noop("The {name} “{obj}” was changed successfully. You may edit it again below."),
    gettext_noop("The {name} “{obj}” was changed successfully. You may add another {name} below."),
    gettext_noop("The %(name)s “%(obj)s” was deleted successfully."),
)
# One sign-in page with one set of rate limits; django-allauth's own answer for the admin site.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # as allauth documents it
# Roles are rows of SiteRole and addresses live with the user: these two would only mislead.
admin.site.unregister([Group, EmailAddress])


class AccentlessSearch:
    """Searches a list as the booking page searches people: „lodzki” finds „Łódzki”."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        fields: Sequence[str] = getattr(self, "search_fields", ())
        words = words_of(search_term)
        return (containing(queryset, fields, words) if words else queryset), False


class UserAddForm(forms.ModelForm):
    """A new user: no password here, they choose one themselves."""

    send_link = forms.BooleanField(
        label=_("mail a link for choosing a password"),
        initial=True,
        required=False,
        help_text=_("Without it, the person asks for the link on the sign-in page."),
    )

    class Meta:
        model = User
        fields = ("email", "name", "unit", "phone", "language", "time_zone", "is_it_admin")

    def save(self, commit: bool = True) -> User:
        user: User = super().save(commit=False)
        user.set_unusable_password()
        if commit:
            user.save()
        return user


class UserChangeForm(forms.ModelForm):
    """`admin` is set by the page: who sits in front of it."""

    admin: User

    password = ReadOnlyPasswordHashField(
        label=_("password"),
        help_text=_("Nobody can read it. Set another one, or choose the person in the list and mail them a link."),
    )

    class Meta:
        model = User
        fields = ("email", "name", "unit", "phone", "language", "time_zone", "is_active", "is_it_admin")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        is_self = self.instance.pk == self.admin.pk
        # Whoever does this stays an IT admin: so there is always one left.
        if is_self and not (data.get("is_active") and data.get("is_it_admin")):
            raise ValidationError(_("You can't take your own rights away. Ask another IT admin to do it."))
        return data


@admin.register(User)
class UserAdmin(AccentlessSearch, DjangoUserAdmin):
    """Passwords are set as hashes only, or by the person through a mailed link."""

    form = UserChangeForm
    add_form = UserAddForm
    ordering = ("email",)
    list_display = ["email", "person", "unit", "is_it_admin", "is_active", "last_login"]
    list_filter = ["is_active", "is_it_admin", "language"]
    search_fields = ("name", "email", "unit")
    filter_horizontal = ()
    readonly_fields = ("last_login", "joined_at")
    actions = ("mail_password_link",)
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        (_("Person"), {"fields": ("name", "unit", "phone", "language", "time_zone")}),
        (_("Rights"), {"fields": ("is_active", "is_it_admin")}),
        (_("Dates"), {"fields": ("last_login", "joined_at")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "send_link")}),
        (_("Person"), {"fields": ("name", "unit", "phone", "language", "time_zone")}),
        (_("Rights"), {"fields": ("is_it_admin",)}),
    )

    @admin.display(description=_("name"), ordering=polish_order("name"))
    def person(self, user: User) -> str:
        return user.name

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.admin = request.user
        return form

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.pk != request.user.pk)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        services.forget_other_addresses(obj)

    def response_add(self, request: HttpRequest, obj: User, post_url_continue: str | None = None) -> Any:
        if request.POST.get("send_link"):
            self._mail_links(request, [obj])
        return super().response_add(request, obj, post_url_continue)

    @admin.action(description=_("Mail a link for choosing a password"), permissions=["change"])
    def mail_password_link(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._mail_links(request, list(queryset))

    def _mail_links(self, request: HttpRequest, users: list[User]) -> None:
        sent = sum(services.send_password_link(user, request=request) for user in users)
        if sent:
            text = ngettext("%(count)d link is on its way.", "%(count)d links are on their way.", sent)
            self.message_user(request, text % {"count": sent}, messages.SUCCESS)
        if missed := len(users) - sent:
            text = ngettext(
                "%(count)d link was not mailed: this person may not sign in. Allow it first.",
                "%(count)d links were not mailed: these people may not sign in. Allow it first.",
                missed,
            )
            self.message_user(request, text % {"count": missed}, messages.WARNING)


class ContactInline(admin.TabularInline):
    model = Contact
    extra = 0
    fields = ("name", "email", "language", "time_zone", "is_active")


class InstitutionForm(forms.ModelForm):
    class Meta:
        model = Institution
        fields = ("code", "name", "kind", "city", "country", "language")

    def clean_country(self) -> str:
        country = self.cleaned_data["country"].upper()
        if not re.fullmatch(r"[A-Z]{2}", country):
            raise ValidationError(_("Write two letters, as in ISO 3166, such as PL."))
        return country


@admin.register(Institution)
class InstitutionAdmin(AccentlessSearch, admin.ModelAdmin):
    form = InstitutionForm
    ordering = (polish_order("name"),)
    list_display = ("institution", "code", "kind", "city", "country", "language", "contacts_total")
    list_filter = ("kind", "country", "language")
    search_fields = ("name", "code", "city")
    inlines = (ContactInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Institution]:
        return super().get_queryset(request).annotate(contacts_total=Count("contacts"))

    @admin.display(description=_("institution"), ordering=polish_order("name"))
    def institution(self, institution: Institution) -> str:
        return institution.name

    @admin.display(description=_("contacts"), ordering="contacts_total")
    def contacts_total(self, institution: Any) -> int:
        return int(institution.contacts_total)


@admin.register(Contact)
class ContactAdmin(AccentlessSearch, admin.ModelAdmin):
    ordering = (polish_order("name"),)
    list_display = ("contact", "email", "institution", "language", "time_zone", "is_active")
    list_filter = ("is_active", "language", "groups")
    list_select_related = ("institution",)
    search_fields = ("name", "email", "institution__name")
    autocomplete_fields = ("institution",)

    @admin.display(description=_("contact"), ordering=polish_order("name"))
    def contact(self, contact: Contact) -> str:
        return contact.name


@admin.register(ContactGroup)
class ContactGroupAdmin(AccentlessSearch, admin.ModelAdmin):
    ordering = (polish_order("name"),)
    list_display = ("group", "contacts_total")
    search_fields = ("name",)
    filter_horizontal = ("contacts",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ContactGroup]:
        return super().get_queryset(request).annotate(contacts_total=Count("contacts"))

    @admin.display(description=_("contact group"), ordering=polish_order("name"))
    def group(self, group: ContactGroup) -> str:
        return group.name

    @admin.display(description=_("contacts"), ordering="contacts_total")
    def contacts_total(self, group: Any) -> int:
        return int(group.contacts_total)
