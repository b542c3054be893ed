"""How people get into a workspace: asked in by address, once, by somebody who may."""

from __future__ import annotations

import re
import smtplib
import threading
from datetime import timedelta
from unittest import mock

import pytest
from django.core import mail
from django.db import connection as database
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from lumaboard.accounts import invitations
from lumaboard.accounts.models import Invitation, Membership, Role, User
from lumaboard.audit.models import AuditEvent
from lumaboard.audit.operations import record
from tests.accounts.pages import steady
from tests.conftest import client_of
from tests.factories import PASSWORD, make_invitation, make_member, make_user

pytestmark = pytest.mark.django_db
ROLES = tuple(Role)
GIVES = {Role.OWNER: set(Role), Role.ADMIN: set(Role) - {Role.OWNER}}
TOKEN = "t" * 43
URL = f"/invitation/{TOKEN}/"
DANA = "dana@example.com"
ENTERED = {"name": "Dana Dale", "password": PASSWORD}


def members_url(membership: Membership, path: str = "") -> str:
    return f"/w/{membership.workspace.slug}/settings/members/{path}"


def invite(inviter: Membership, email: str = DANA, role: str = Role.MEMBER) -> HttpResponse:
    return client_of(inviter).post(members_url(inviter), {"email": email, "role": role})


def link_on(page: HttpResponse) -> str:
    """The path of the link a page shows."""
    found = re.search(
        r'<code id="invitation-link"[^>]*>http://127\.0\.0\.1:8000(/invitation/[\w-]{43}/)</code>', text(page)
    )
    assert found is not None
    return found[1]


def text(page: HttpResponse) -> str:
    return page.content.decode()


def verbs() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("verb", flat=True))


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


# Asking in ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inviter_role", ROLES)
@pytest.mark.parametrize("role", ROLES)
def test_roles_are_given_by_who_may_and_by_nobody_else(alice: Membership, inviter_role: Role, role: Role) -> None:
    inviter = make_member("Ina Inviter", role=inviter_role, workspace=alice.workspace)
    answer = invite(inviter, role=role)
    if role in GIVES.get(inviter_role, set()):
        invitation = Invitation.objects.get()
        assert (invitation.email, invitation.role, invitation.invited_by) == (DANA, role, inviter.user)
        assert invitation.expires_at - invitation.created_at == timedelta(days=7)
        assert link_on(answer)
    else:
        assert answer.status_code == (200 if inviter_role == Role.ADMIN else 403)
        assert not Invitation.objects.exists()
        assert mail.outbox == []
        assert verbs() == []


@pytest.mark.parametrize("role", ROLES)
def test_only_who_may_invite_sees_the_form_and_the_open_invitations(alice: Membership, role: Role) -> None:
    make_invitation(alice)
    looker = make_member("Lou Looker", role=role, workspace=alice.workspace)
    page = text(client_of(looker).get(members_url(looker)))
    assert ('name="email"' in page) == (role in GIVES)
    assert (DANA in page) == (role in GIVES)


def test_the_link_is_mailed_and_shown_once_and_its_token_stored_nowhere(
    alice: Membership, alice_client: Client
) -> None:
    page = alice_client.post(members_url(alice), {"email": " Dana@Example.com ", "role": Role.REVIEWER})
    link = link_on(page)
    assert page.headers["Cache-Control"].find("no-store") >= 0
    (message,) = mail.outbox
    assert message.to == [DANA]
    assert message.subject == "Alice Adams invites you to Northlight on Lumaboard"
    assert f"http://127.0.0.1:8000{link}" in message.body
    assert "Your role there: Reviewer." in message.body
    assert "once, within seven days" in message.body
    assert "The link is on its way by mail" in text(page)
    token = link.split("/")[2]
    assert link not in text(alice_client.get(members_url(alice)))
    assert token not in str(list(Invitation.objects.values())) + str(list(AuditEvent.objects.values()))
    event = AuditEvent.objects.get()
    assert (event.verb, event.actor, event.workspace) == ("invitation.sent", alice.user, alice.workspace)
    assert event.detail == {"email": DANA, "role": "reviewer", "replaced": False}


def test_the_mail_names_our_own_address_and_never_the_host_somebody_sent(alice: Membership) -> None:
    entered = {"email": DANA, "role": Role.MEMBER}
    page = client_of(alice).post(members_url(alice), entered, HTTP_HOST="localhost")
    assert link_on(page) in str(mail.outbox[0].body)
    assert "localhost" not in str(mail.outbox[0].body)


def test_a_name_with_line_breaks_writes_no_header_and_no_line_of_a_mail(alice: Membership) -> None:
    User.objects.filter(pk=alice.user.pk).update(name="Alice\r\nBcc: all@example.com")
    assert invite(alice).status_code == 200
    assert mail.outbox[0].subject.startswith("Alice Bcc: all@example.com invites you")
    assert mail.outbox[0].recipients() == [DANA]


def test_where_no_mail_goes_out_the_page_says_so_and_the_link_works(alice: Membership) -> None:
    with mock.patch("lumaboard.accounts.invitations.send_mail", side_effect=smtplib.SMTPException("no")):
        page = invite(alice)
    assert "No mail went out" in text(page)
    assert Client().get(link_on(page)).status_code == 200


def test_without_a_mail_server_the_link_is_on_the_page_alone(
    alice: Membership, capsys: pytest.CaptureFixture[str]
) -> None:
    with override_settings(EMAIL_BACKEND=invitations.CONSOLE):
        page = invite(alice)
    assert "No mail went out" in text(page)
    assert link_on(page) not in capsys.readouterr().out


def test_somebody_who_is_in_already_is_said_beside_the_field(alice: Membership, bob: Membership) -> None:
    page = invite(alice, bob.user.email.upper())
    assert 'id="id_email_error"' in text(page)
    assert "in the workspace already" in text(page)
    assert not Invitation.objects.exists()
    assert mail.outbox == []


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "x" * 250 + "@example.com", "a\x00b@example.com"])
def test_what_is_no_address_is_said_beside_the_field(alice: Membership, email: str) -> None:
    page = invite(alice, email)
    assert page.status_code == 200
    assert 'id="id_email_error"' in text(page)
    assert not Invitation.objects.exists()


def test_inviting_an_address_again_replaces_the_earlier_invitation_and_says_so(alice: Membership) -> None:
    first = link_on(invite(alice, role=Role.ADMIN))
    again = invite(alice, "DANA@example.com", role=Role.VIEWER)
    assert "It replaces the earlier invitation" in text(again)
    assert Invitation.objects.get().role == Role.VIEWER
    assert Client().get(first).status_code == 404
    assert Client().get(link_on(again)).status_code == 200
    assert verbs() == ["invitation.sent", "invitation.sent"]


def test_an_admin_cannot_replace_renew_or_withdraw_what_only_an_owner_gives(alice: Membership) -> None:
    admin = make_member("Ada", role=Role.ADMIN, workspace=alice.workspace)
    owners = make_invitation(alice, token=TOKEN, role=Role.OWNER)
    assert invite(admin).status_code == 403
    for act in ("renew", "withdraw"):
        assert client_of(admin).post(members_url(admin, f"invitations/{owners.pk}/{act}/")).status_code == 403
        assert f"invitations/{owners.pk}/{act}/" not in text(client_of(admin).get(members_url(admin)))
    assert Client().get(URL).status_code == 200


def test_a_workspace_sends_a_hundred_a_day_and_others_are_not_held_back(alice: Membership, charlie: Membership) -> None:
    open_one = make_invitation(alice, email="early@example.com")
    sent = {"workspace_id": alice.workspace.pk, "actor_id": alice.user.pk}
    for _number in range(99):
        record("invitation.sent", **sent)
    assert "is invited" in text(invite(alice))
    refused = "This workspace has sent 100 invitations within a day, which is the most."
    assert refused in text(invite(alice, "one.more@example.com"))
    renewed = client_of(alice).post(members_url(alice, f"invitations/{open_one.pk}/renew/"), follow=True)
    assert refused in text(renewed)
    assert not Invitation.objects.filter(email="one.more@example.com").exists()
    assert "is invited" in text(invite(charlie))
    AuditEvent.objects.filter(workspace=alice.workspace).update(at=timezone.now() - timedelta(days=1, seconds=1))
    assert "is invited" in text(invite(alice, "one.more@example.com"))


@pytest.mark.parametrize("role", ROLES)
def test_a_new_link_and_a_withdrawal_are_for_those_who_may_invite(alice: Membership, role: Role) -> None:
    actor = make_member("Ada", role=role, workspace=alice.workspace)
    client = client_of(actor)
    pk = make_invitation(alice, token=TOKEN).pk
    renewed = client.post(members_url(actor, f"invitations/{pk}/renew/"))
    assert renewed.status_code == (200 if role in GIVES else 403)
    assert Client().get(URL).status_code == (404 if role in GIVES else 200)
    if role in GIVES:
        invitation = Invitation.objects.get()
        assert (invitation.pk, invitation.invited_by) == (pk, actor.user)
        assert Client().get(link_on(renewed)).status_code == 200
        assert mail.outbox[0].to == [DANA]
    withdrawn = client.post(members_url(actor, f"invitations/{pk}/withdraw/"))
    assert withdrawn.status_code == (302 if role in GIVES else 403)
    assert Invitation.objects.open().exists() != (role in GIVES)
    assert verbs() == (["invitation.sent", "invitation.withdrawn"] if role in GIVES else [])


def test_an_expired_invitation_stays_in_the_list_and_gets_a_new_link(alice: Membership, alice_client: Client) -> None:
    old = make_invitation(alice, token=TOKEN, expires_at=timezone.now() - timedelta(seconds=1))
    assert "Expired" in text(alice_client.get(members_url(alice)))
    path = members_url(alice, f"invitations/{old.pk}/renew/")
    assert alice_client.get(path).headers["Location"] == members_url(alice)
    assert Client().get(link_on(alice_client.post(path))).status_code == 200


def test_an_expired_invitation_of_an_owner_does_not_keep_admins_from_inviting(alice: Membership) -> None:
    make_invitation(alice, token=TOKEN, role=Role.OWNER, expires_at=timezone.now() - timedelta(seconds=1))
    assert invite(make_member("Ada", role=Role.ADMIN, workspace=alice.workspace)).status_code == 200
    assert Invitation.objects.get().role == Role.MEMBER


@pytest.mark.parametrize("domain", ["é" * 60 + ".example", "\ufffd.com"])
def test_an_address_that_mail_cannot_write_still_gets_its_link(
    alice_client: Client, alice: Membership, domain: str
) -> None:
    page = alice_client.post(members_url(alice), {"email": f"dana@{domain}", "role": Role.MEMBER})
    assert "No mail went out" in text(page)
    assert Client().get(link_on(page)).status_code == 200


@pytest.mark.parametrize("act", ["renew", "withdraw"])
@pytest.mark.parametrize("ended", ["accepted_at", "withdrawn_at"])
def test_what_is_open_no_more_is_not_found(alice: Membership, alice_client: Client, act: str, ended: str) -> None:
    over = make_invitation(alice, **{ended: timezone.now()})
    there = alice_client.post(members_url(alice, f"invitations/{over.pk}/{act}/"))
    nowhere = alice_client.post(members_url(alice, f"invitations/999999/{act}/"))
    assert there.status_code == nowhere.status_code == 404
    assert steady(there) == steady(nowhere)
    assert verbs() == []


def test_the_page_costs_the_same_with_two_invitations_and_with_twenty(alice: Membership, alice_client: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(database) as queries:
            assert alice_client.get(members_url(alice)).status_code == 200
        return len(queries)

    def fill(numbers: range) -> None:
        for number in numbers:
            inviter = make_member(f"Member {number}", role=Role.ADMIN, workspace=alice.workspace)
            make_invitation(inviter, email=f"guest{number}@example.com")

    fill(range(2))
    with_two = cost()
    fill(range(2, 20))
    assert cost() == with_two


# Coming in ------------------------------------------------------------------------------------------------------------


def test_somebody_new_makes_an_account_and_is_in(alice: Membership, client: Client) -> None:
    link = link_on(invite(alice, role=Role.REVIEWER))
    page = client.get(link)
    for said in ("Northlight", "Alice Adams", "Reviewer", DANA):
        assert said in text(page)
    assert "no-store" in page.headers["Cache-Control"]
    assert page.headers["Referrer-Policy"] == "same-origin"
    answer = client.post(link, ENTERED)
    assert answer.headers["Location"] == f"/w/{alice.workspace.slug}/"
    assert client.get(answer.headers["Location"]).status_code == 200
    membership = Membership.objects.get(user__email=DANA)
    assert (membership.role, membership.workspace, membership.user.name) == (
        Role.REVIEWER,
        alice.workspace,
        "Dana Dale",
    )
    assert membership.user.check_password(PASSWORD)
    assert client.get("/").headers["Location"] == f"/w/{alice.workspace.slug}/"
    event = AuditEvent.objects.get(verb="member.joined")
    assert (event.actor, event.detail) == (membership.user, {"role": "reviewer", "invited_by": alice.user.pk})
    assert verbs() == ["invitation.sent", "person.created", "member.joined", "signed_in"]
    assert DANA not in text(client_of(alice).get(members_url(alice))).split("Open invitations")[1]


@pytest.mark.parametrize(
    ("field", "value"), [("password", "short"), ("password", DANA), ("password", "password123"), ("name", " ")]
)
def test_what_will_not_do_is_said_beside_the_field_and_the_link_lives_on(
    alice: Membership, client: Client, field: str, value: str
) -> None:
    make_invitation(alice, token=TOKEN)
    page = client.post(URL, ENTERED | {field: value})
    assert page.status_code == 200
    assert f'id="id_{field}_error"' in text(page)
    assert not User.objects.filter(email=DANA).exists()
    assert client.post(URL, ENTERED).status_code == 302


def test_nobody_claims_another_address_or_role_than_the_invited_one(alice: Membership, client: Client) -> None:
    make_invitation(alice, token=TOKEN, role=Role.VIEWER)
    client.post(URL, ENTERED | {"email": "ceo@example.com", "role": Role.OWNER, "workspace": "1", "is_active": "1"})
    membership = Membership.objects.exclude(pk=alice.pk).get()
    assert (membership.user.email, membership.role) == (DANA, Role.VIEWER)


def test_somebody_with_an_account_signs_in_comes_back_and_joins(alice: Membership, client: Client) -> None:
    dana = make_user("Dana Dale", email=DANA)
    make_invitation(alice, token=TOKEN)
    page = text(client.get(URL))
    sign_in = f"/accounts/login/?next={URL}"
    assert f'href="{sign_in}"' in page
    assert 'name="password"' not in page
    back = client.post(sign_in, {"login": DANA, "password": PASSWORD, "next": URL})
    assert back.headers["Location"] == URL
    assert ">Join</button>" in text(client.get(URL))
    assert not Membership.objects.filter(user=dana).exists()
    assert client.post(URL).headers["Location"] == f"/w/{alice.workspace.slug}/"
    assert Membership.objects.get(user=dana).role == Role.MEMBER


def test_an_account_is_never_entered_without_its_own_password(alice: Membership, client: Client) -> None:
    dana = make_user("Dana Dale", email=DANA)
    make_invitation(alice, token=TOKEN)
    answer = client.post(URL, {"name": "Mallory", "password": "quite another passphrase"})
    assert answer.status_code == 403
    assert "There is an account with this address" in text(answer)
    assert not is_signed_in(client)
    dana.refresh_from_db()
    assert (dana.name, dana.check_password(PASSWORD)) == ("Dana Dale", True)
    assert not Membership.objects.filter(user=dana).exists()
    assert Invitation.objects.open().exists()


def test_somebody_else_is_told_and_can_sign_out_and_come_back(
    alice: Membership, charlie: Membership, charlie_client: Client
) -> None:
    make_invitation(alice, token=TOKEN)
    page = text(charlie_client.get(URL))
    assert f"You are signed in as {charlie.user.email}." in page
    assert ">Join</button>" not in page
    refused = charlie_client.post(URL, ENTERED)
    assert refused.status_code == 403
    assert "The invitation is for dana@example.com alone" in text(refused)
    assert not User.objects.filter(email=DANA).exists()
    assert Membership.objects.filter(user=charlie.user).count() == 1
    assert charlie_client.post("/accounts/logout/", {"next": URL}).headers["Location"] == URL
    assert not is_signed_in(charlie_client)
    assert "Create account and join" in text(charlie_client.get(URL))


def dead_links(alice: Membership) -> dict[str, str]:
    """One link for each way an invitation can end."""
    now = timezone.now()
    admin = make_member("Ada", role=Role.ADMIN, workspace=alice.workspace)
    lowered = make_member("Lo", role=Role.MEMBER, workspace=alice.workspace)
    gone = make_member("Gil", role=Role.ADMIN, workspace=alice.workspace)
    off = make_member("Olaf", role=Role.ADMIN, workspace=alice.workspace, is_active=False)
    ends = {
        "expired": (alice, {"expires_at": now - timedelta(seconds=1)}),
        "withdrawn": (alice, {"withdrawn_at": now}),
        "accepted": (alice, {"accepted_at": now}),
        "inviter lowered": (lowered, {}),
        "inviter may not give it": (admin, {"role": Role.OWNER}),
        "inviter removed": (gone, {}),
        "inviter switched off": (off, {}),
    }
    links = {"forged": f"/invitation/{'f' * 43}/", "short": "/invitation/x/", "odd": "/invitation/%00%ff%F0%9F%8E%AC/"}
    for number, (name, (inviter, fields)) in enumerate(ends.items()):
        token = f"{number}" * 43
        make_invitation(inviter, token=token, email=f"guest{number}@example.com", **fields)
        links[name] = f"/invitation/{token}/"
    gone.delete()
    return links


def test_every_dead_link_is_one_page_and_does_nothing(alice: Membership, charlie: Membership) -> None:
    links = dead_links(alice)
    people = User.objects.count()
    memberships = list(Membership.objects.order_by("pk").values())
    invited = list(Invitation.objects.order_by("pk").values())
    for person in (None, charlie):
        pages = []
        for link in links.values():
            client = Client() if person is None else client_of(person)
            pages += [client.get(link), client.post(link, ENTERED)]
        assert {page.status_code for page in pages} == {404}
        assert len({steady(page) for page in pages}) == 1
        assert "This invitation does not hold any more" in text(pages[0])
    assert User.objects.count() == people
    assert list(Membership.objects.order_by("pk").values()) == memberships
    assert list(Invitation.objects.order_by("pk").values()) == invited
    assert verbs() == []


def test_a_link_works_once(alice: Membership, client: Client) -> None:
    make_invitation(alice, token=TOKEN)
    client.post(URL, ENTERED)
    assert client.post(URL).status_code == 404
    assert Client().post(URL, ENTERED).status_code == 404
    assert verbs() == ["person.created", "member.joined", "signed_in"]


def test_a_removed_person_does_not_come_back_by_the_old_link(alice: Membership, client: Client) -> None:
    make_invitation(alice, token=TOKEN)
    client.post(URL, ENTERED)
    Membership.objects.exclude(pk=alice.pk).delete()
    assert client.post(URL).status_code == 404
    assert Membership.objects.count() == 1


def test_an_invitation_holds_no_more_once_its_sender_may_not_give_the_role(alice: Membership, client: Client) -> None:
    admin = make_member("Ada", role=Role.ADMIN, workspace=alice.workspace)
    link = link_on(invite(admin, role=Role.ADMIN))
    assert client.get(link).status_code == 200
    client_of(alice).post(members_url(alice, f"{admin.pk}/role/"), {"role": Role.MEMBER})
    assert client.post(link, ENTERED).status_code == 404
    assert not User.objects.filter(email=DANA).exists()
    assert "Does not hold" in text(client_of(alice).get(members_url(alice)))


def test_looking_accepts_nothing(alice: Membership) -> None:
    make_invitation(alice, token=TOKEN)
    dana = client_of(make_member("Dana", email=DANA))
    for client in (Client(), dana):
        for method in ("get", "head", "options", "put", "delete"):
            assert getattr(client, method)(URL).status_code in (200, 405)
    assert Invitation.objects.open().count() == 1
    assert not Membership.objects.filter(workspace=alice.workspace).exclude(pk=alice.pk).exists()


def test_a_form_of_another_site_accepts_nothing(alice: Membership) -> None:
    make_invitation(alice, token=TOKEN)
    dana = Client(enforce_csrf_checks=True)
    dana.force_login(make_user("Dana", email=DANA))
    assert dana.post(URL).status_code == 403
    assert Invitation.objects.open().exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_account", [True, False])
@pytest.mark.parametrize("attempt", range(3))
def test_of_two_who_use_one_link_at_once_one_comes_in(has_account: bool, attempt: int) -> None:
    alice = make_member("Alice Adams")
    make_invitation(alice, token=TOKEN)
    dana = make_user("Dana Dale", email=DANA) if has_account else None
    barrier, outcomes = threading.Barrier(2), []

    def come_in() -> None:
        barrier.wait()
        try:
            if dana is None:
                invitations.accept_as_newcomer(TOKEN, name="Dana Dale", password=PASSWORD, now=timezone.now())
            else:
                invitations.accept(TOKEN, dana, timezone.now())
            outcomes.append("in")
        except invitations.InvitationDead:
            outcomes.append("out")
        finally:
            database.close()

    threads = [threading.Thread(target=come_in) for _person in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["in", "out"]
    assert User.objects.filter(email=DANA).count() == 1
    assert verbs()[-1:] == ["member.joined"]
    assert verbs().count("member.joined") == 1


def test_an_address_is_held_to_the_rules_in_lower_case(alice: Membership, alice_client: Client) -> None:
    page = alice_client.post(members_url(alice), {"email": "İa@example.com", "role": Role.MEMBER})
    assert not Invitation.objects.exists()
    assert page.status_code == 200
