"""Signing in, to pages and to Django's admin; and changing one's password."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.urls import reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.http import require_http_methods

from webapp.accounts.throttle import begin_try, know_device, sign_in_counts, succeeded, wait_words

# Django's form views take PUT for POST.
_METHODS = ["get", "post", "head", "options"]


class ThrottledLoginView(LoginView):
    """The login page. Who has failed too often is told how long to wait, and no password is looked at before."""

    template_name = "accounts/login.html"
    redirect_authenticated_user = True
    http_method_names = _METHODS

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Sign in."""
        counts = sign_in_counts(request, request.POST.get("username", ""))
        seconds = begin_try(counts)
        if seconds:
            context = self.get_context_data(form=AuthenticationForm(request), wait=wait_words(seconds))
            response: HttpResponse = self.render_to_response(context, status=429)
            response["Retry-After"] = str(seconds)
            return response
        response = super().post(request, *args, **kwargs)
        if request.user.is_authenticated:
            succeeded(counts)
            know_device(response, request, request.POST.get("username", ""))
        return response


class OwnPasswordView(PasswordChangeView):
    """A new password for oneself: all other sessions end, this one goes on."""

    template_name = "accounts/password.html"
    success_url = reverse_lazy("profile")
    http_method_names = _METHODS

    def form_valid(self, form: Any) -> HttpResponse:
        """Store it, and say what ended."""
        response = super().form_valid(form)
        messages.success(self.request, "Your password is changed; you are signed out everywhere else. API tokens stay valid.")
        return response

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """The form, never kept by the browser."""
        wrong = context["form"].is_bound
        response = super().render_to_response(context, **{**kwargs, "status": 422 if wrong else 200})
        response["Cache-Control"] = "no-store"
        return response


@require_http_methods(["GET", "POST"])
def admin_login(request: HttpRequest) -> HttpResponseBase:
    """Django's admin has no login page of its own, so that there is one door; people of no staff are told so."""
    wanted = request.GET.get("next", "")
    wanted = wanted if url_has_allowed_host_and_scheme(wanted, {request.get_host()}) else "/admin/"
    if not request.user.is_authenticated:
        return redirect(f"{resolve_url('login')}?{urlencode({'next': wanted})}")
    if not (request.user.is_active and request.user.is_staff):
        raise PermissionDenied("These pages are for the staff of this site.")
    return redirect(wanted)
