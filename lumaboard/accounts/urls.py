"""The way in, and everybody's settings.

allauth's routes are listed one by one: each has a template of ours, and what is not listed (sign-up, e-mail addresses)
does not exist here.
"""

from __future__ import annotations

from allauth.account import views as allauth_views
from allauth.mfa.base import views as mfa_views
from allauth.mfa.recovery_codes import views as code_views
from allauth.mfa.totp import views as totp_views
from allauth.mfa.webauthn import views as webauthn_views
from django.db.transaction import atomic as as_one  # the change and its audit row
from django.urls import path, re_path

from lumaboard.accounts import people_views, security_views, sso_views, token_views, views
from lumaboard.accounts.reauthentication import proven
from lumaboard.accounts.strangers import limited
from lumaboard.core.http import require_form_methods

_MEMBERS = "w/<slug:workspace>/settings/members/"
_SETTINGS = "w/<slug:workspace>/settings/"
_SIGN_INS = _SETTINGS + "sign-ins/"
_2FA = "accounts/2fa/"
urlpatterns = [
    path("", views.home, name="home"),
    path("setup/<str:token>/", views.setup, name="setup"),
    path("invitation/<str:token>/", views.invitation, name="invitation"),
    path("w/<slug:workspace>/settings/", views.general, name="general"),
    path("w/<slug:workspace>/settings/profile/", views.profile, name="profile"),
    path(_SIGN_INS, security_views.list_sign_ins, name="sign_ins"),
    path(_SIGN_INS + "<str:handle>/end/", security_views.end_sign_in, name="sign_in_end"),
    path(_SETTINGS + "sign-out-everywhere/", security_views.sign_out_everywhere, name="sign_out_everywhere"),
    path(_MEMBERS, people_views.members, name="members"),
    path(_MEMBERS + "leave/", people_views.leave, name="leave"),
    path(_MEMBERS + "<row:pk>/role/", people_views.change_role, name="member_role"),
    path(_MEMBERS + "<row:pk>/remove/", people_views.remove, name="member_remove"),
    path(_MEMBERS + "invitations/<row:pk>/renew/", people_views.renew_invitation, name="invitation_renew"),
    path(_MEMBERS + "invitations/<row:pk>/withdraw/", people_views.withdraw_invitation, name="invitation_withdraw"),
    path(_SETTINGS + "tokens/", token_views.tokens, name="tokens"),
    path(_SETTINGS + "tokens/<row:pk>/revoke/", token_views.revoke, name="token_revoke"),
    path(_SETTINGS + "security/", security_views.security, name="security"),
    path(_2FA, security_views.to_security, name="mfa_index"),
    path(_2FA + "passkeys/", security_views.to_security, name="mfa_list_webauthn"),
]
_FROM_ALLAUTH = [
    path(_2FA + "authenticate/", mfa_views.authenticate, name="mfa_authenticate"),
    path(_2FA + "reauthenticate/", mfa_views.reauthenticate, name="mfa_reauthenticate"),
    path(_2FA + "app/add/", proven(totp_views.activate_totp), name="mfa_activate_totp"),
    path(_2FA + "app/remove/", as_one(totp_views.deactivate_totp), name="mfa_deactivate_totp"),
    path(_2FA + "recovery-codes/", code_views.view_recovery_codes, name="mfa_view_recovery_codes"),
    path(_2FA + "recovery-codes/new/", code_views.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path(_2FA + "passkeys/add/", proven(as_one(webauthn_views.add_webauthn)), name="mfa_add_webauthn"),
    path(_2FA + "passkeys/login/", limited(webauthn_views.login_webauthn), name="mfa_login_webauthn"),
    path(_2FA + "passkeys/reauthenticate/", webauthn_views.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path(_2FA + "passkeys/<row:pk>/remove/", as_one(webauthn_views.remove_webauthn), name="mfa_remove_webauthn"),
    path(_2FA + "passkeys/<row:pk>/rename/", webauthn_views.edit_webauthn, name="mfa_edit_webauthn"),
    path("accounts/sso/", sso_views.begin, name="single_sign_on"),
    path("accounts/sso/callback/", sso_views.callback, name="single_sign_on_callback"),
    path("accounts/login/", allauth_views.login, name="account_login"),
    path("accounts/logout/", allauth_views.logout, name="account_logout"),
    path("accounts/inactive/", allauth_views.account_inactive, name="account_inactive"),
    path("accounts/reauthenticate/", allauth_views.reauthenticate, name="account_reauthenticate"),
    path("accounts/password/change/", allauth_views.password_change, name="account_change_password"),
    path("accounts/password/set/", proven(allauth_views.password_set), name="account_set_password"),
    path("accounts/password/reset/", allauth_views.password_reset, name="account_reset_password"),
    path("accounts/password/reset/done/", allauth_views.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        allauth_views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "accounts/password/reset/key/done/",
        allauth_views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
]
for _pattern in _FROM_ALLAUTH:  # by themselves they take PUT for POST, and answer OPTIONS
    _pattern.callback = require_form_methods(_pattern.callback)
urlpatterns += _FROM_ALLAUTH
