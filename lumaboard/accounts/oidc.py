"""Single sign-on with OpenID Connect: allauth's flow, with one issuer of the operator's choosing and rules of our own.

Nobody gets an account who was not invited, the address has to be one that the issuer vouches for, the token is checked
against the issuer's keys, and everything goes through our own door to the network.
"""

from __future__ import annotations

import logging
from hashlib import sha256
from typing import Any, Final

import jwt
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.base.constants import AuthError
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from lumaboard.accounts import invitations, issuer, operations, proof
from lumaboard.accounts.issuer import MALFORMED, Door, SignInFailed, untrusted
from lumaboard.accounts.models import User
from lumaboard.audit.operations import record

logger = logging.getLogger(__name__)

PROVIDER_ID: Final = "sso"
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
"""Those with a key pair. With the shared secrets of HS256, a public key could be passed off as one."""

_CLOCK_SLACK_SECONDS: Final = 60


def is_configured() -> bool:
    return bool(settings.OIDC_ISSUER)


class Provider(OpenIDConnectProvider):  # type: ignore[misc]
    """The one issuer. Of what it tells about people, only who they are is kept, and that it was this issuer who said so."""

    pkce_enabled_default = True

    def get_oauth2_adapter(self, request: HttpRequest) -> Adapter:
        return Adapter(request)

    def extract_uid(self, data: dict[str, Any]) -> str:
        """Bind the person to the issuer: another one's person of the same name is somebody else."""
        return sha256(f"{settings.OIDC_ISSUER}\n{data['sub']}".encode()).hexdigest()

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"issuer": settings.OIDC_ISSUER}

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"email": data.get("email"), "name": data.get("name")}

    def extract_email_addresses(self, data: dict[str, Any]) -> list[EmailAddress]:
        email = data.get("email")
        verified = data.get("email_verified")
        is_verified = verified is True or verified == "true"  # some issuers write it as text
        if isinstance(email, str) and email.lower().isascii() and not email.isascii():
            # The Kelvin sign, in lower case, is a k: that would be somebody else's address.
            raise SignInFailed(
                _("The address %(address)s has a letter that only looks like another.") % {"address": email},
                "a look-alike",
            )
        return [EmailAddress(email=email, verified=is_verified, primary=True)] if isinstance(email, str) else []


class Adapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """One sign-in: discovery, code for token, and the token's claims."""

    def __init__(self, request: HttpRequest, nonce: str = "") -> None:
        super().__init__(request, PROVIDER_ID)
        self._nonce = nonce

    def get_provider(self) -> Provider:
        return Provider(self.request, app=configured_app())

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return str(settings.PUBLIC_URL + reverse("single_sign_on_callback"))

    @cached_property
    def openid_config(self) -> dict[str, Any]:
        return issuer.discovery(self.get_provider().server_url)

    def parse_token(self, data: dict[str, Any]) -> SocialToken:
        return SocialToken(token=str(data["access_token"]))

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **answer: Any) -> SocialLogin:
        claims = self._claims(str(answer["response"].get("id_token", "")))
        if "email" not in claims and isinstance(self.openid_config.get("userinfo_endpoint"), str):
            told = self._fetch_user_info(token.token)
            if told.get("sub") != claims["sub"]:
                raise untrusted("the user info is about somebody else")
            claims = {**told, **claims}
        return self.get_provider().sociallogin_from_response(request, claims)

    def _fetch_user_info(self, access_token: str) -> dict[str, Any]:
        answer = Door().get(self.profile_url, headers={"Authorization": f"Bearer {access_token}"})
        answer.raise_for_status()
        return answer.json()

    def _claims(self, id_token: str) -> dict[str, Any]:
        """Check the token against the issuer's keys, our name, the clock and the nonce of this very sign-in."""
        try:
            claims: dict[str, Any] = jwt.decode(
                id_token,
                key=issuer.key_for(id_token, self.openid_config["jwks_uri"]),
                algorithms=list(ALGORITHMS),
                audience=settings.OIDC_CLIENT_ID,
                issuer=self.openid_config["issuer"],
                leeway=_CLOCK_SLACK_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, *MALFORMED) as error:
            raise untrusted(f"the token does not hold: {type(error).__name__}") from None
        if not self._nonce or claims.get("nonce") != self._nonce:
            raise untrusted("the token was made for another sign-in")
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != settings.OIDC_CLIENT_ID:
            raise untrusted("the token was given to another program")
        return claims


def configured_app() -> SocialApp:
    """The issuer as the settings name it."""
    return SocialApp(
        provider="openid_connect",
        provider_id=PROVIDER_ID,
        name=settings.OIDC_NAME,
        client_id=settings.OIDC_CLIENT_ID,
        secret=settings.OIDC_CLIENT_SECRET,
        settings={"server_url": settings.OIDC_ISSUER},
    )


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Who may come in through single sign-on."""

    def get_requests_session(self) -> Door:
        return Door()

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Provider:
        return Provider(request, app=configured_app())

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False  # accounts are made below, and for those who were invited alone

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Let in whom the issuer named before; else whose verified address has an account, or is invited to have one."""
        if not sociallogin.is_existing:
            try:
                self._connect(sociallogin)
            except SignInFailed as failure:
                raise ImmediateHttpResponse(refusal(request, failure)) from None

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Provider,
        error: str | None = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        raise ImmediateHttpResponse(refusal(request, _failure_of(error, exception, extra_context or {})))

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        """Fill in what a newcomer is called; allauth looks for a first and a last name."""
        user: User = sociallogin.user
        user.name = str(data.get("name") or "")
        return user

    def _connect(self, sociallogin: SocialLogin) -> None:
        address = _vouched_address(sociallogin)
        try:
            with transaction.atomic():
                user = User.objects.select_for_update().filter(email=address).first()
                user = user or self._newcomer(address, sociallogin)
                is_theirs = _join(sociallogin, user)
        except (IntegrityError, operations.PersonExists):  # the database decides: of two at once, one comes second
            raise SignInFailed(
                _("You came in through single sign-on twice at once. Try again."), "two at once", status=409
            ) from None
        if not is_theirs:
            raise SignInFailed(
                _(
                    "Somebody else came in through single sign-on as %(address)s before. Ask whoever runs this"
                    " installation."
                )
                % {"address": address},
                "the address was somebody else's",
            )

    def _newcomer(self, address: str, sociallogin: SocialLogin) -> User:
        now = timezone.now()
        if not invitations.is_invited(address, now):
            raise SignInFailed(
                _("Nobody here has the address %(address)s, and nobody has invited it.") % {"address": address},
                "a stranger",
            )
        name = sociallogin.user.name.strip() or address.partition("@")[0]
        return operations.create_person_without_password(address, name[:100], now)


def _vouched_address(sociallogin: SocialLogin) -> str:
    """The address that the issuer says is theirs; raises `SignInFailed` where there is none."""
    told = next(iter(sociallogin.email_addresses), None)
    if told is None:
        raise SignInFailed(_("Single sign-on does not tell your e-mail address."), "no address")
    address: str = told.email.lower()
    if not told.verified:
        raise SignInFailed(
            _("Single sign-on has not verified that %(address)s is yours.") % {"address": address}, "unverified"
        )
    return address


def _join(sociallogin: SocialLogin, user: User) -> bool:
    """Join the account, whose row is locked, to whom the issuer named, and say whether it is theirs.

    An address may have been given to somebody new: once this issuer has named somebody, nobody else is joined.
    """
    account = sociallogin.account
    named = {one.uid: one for one in _named_by_this_issuer(user)}
    if named and account.uid not in named:
        record("single_sign_on.refused", workspace_id=None, actor_id=None, target=user)
        return False
    sociallogin.account = named.get(account.uid, account)
    sociallogin.user = sociallogin.account.user = user
    if not named:
        proof.prove_address(user, keeps_password=False, now=timezone.now())
        account.save()
        record("single_sign_on.connected", workspace_id=None, actor_id=user.pk, target=user)
    return True


def _named_by_this_issuer(user: User) -> list[SocialAccount]:
    """Rows of an issuer that was set before count for nothing: its names for people are of no use any more."""
    rows = SocialAccount.objects.filter(user=user, provider=PROVIDER_ID)
    return [row for row in rows if row.extra_data.get("issuer", settings.OIDC_ISSUER) == settings.OIDC_ISSUER]


def disconnect(user: User) -> None:
    """Forget whom the issuer named, so that whoever it vouches for next by this address gets in."""
    with transaction.atomic():
        SocialAccount.objects.filter(user=user).delete()
        record("single_sign_on.disconnected", workspace_id=None, actor_id=None, target=user)


def _failure_of(error: str | None, exception: Exception | None, context: dict[str, Any]) -> SignInFailed:
    if isinstance(exception, SignInFailed):
        return exception
    if error == AuthError.CANCELLED:
        return SignInFailed(_("You were not signed in, because it was cancelled."), "cancelled")
    if exception is None and "state_id" in context:
        return SignInFailed(
            _("This sign-in took too long, was used already, or was begun in another browser. Begin again."), "state"
        )
    return SignInFailed(_("Single sign-on refused to sign you in."), f"{error} {type(exception).__name__}")


def refusal(request: HttpRequest, failure: SignInFailed) -> HttpResponse:
    """Say why nobody was signed in; the cause goes to the log."""
    logger.warning("Single sign-on: %s", failure)
    return render(request, "accounts/single_sign_on_failed.html", {"sentence": failure.sentence}, status=failure.status)
