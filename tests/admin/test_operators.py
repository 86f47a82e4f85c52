"""The logins of operators: their form, their sign-in, and people who are no logins."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.admin.rows import signed_in
from tests.admin.test_forms import PASSWORD, form_of, people

__all__ = ["people"]

NEW = {"username": "desk", "role": "operator", "password1": PASSWORD, "password2": PASSWORD}


def test_a_new_operator_signs_in_with_the_chosen_role(administrator: Client) -> None:
    administrator.post(reverse("admin:accounts_user_add"), NEW)

    desk = Client()
    signed = desk.post("/admin/login/", {"username": "desk", "password": PASSWORD}, REMOTE_ADDR="10.1.1.1")

    assert signed.status_code == 302
    assert desk.get("/admin/").status_code == 200
    assert User.objects.get(username="desk").role == "operator"


@pytest.mark.parametrize("wrong", [{"password1": "", "password2": ""}, {"password2": "another-one-8"}])
def test_a_new_operator_needs_a_password(administrator: Client, wrong: dict[str, str]) -> None:
    answer = administrator.post(reverse("admin:accounts_user_add"), NEW | wrong)

    assert "password2" in form_of(answer).errors or "password1" in form_of(answer).errors
    assert not User.objects.filter(username="desk").exists()


def test_a_login_is_locked_and_unlocked_by_one_switch(administrator: Client) -> None:
    desk = User.objects.create_user("desk", password=PASSWORD)  # as the form of before made it
    change = reverse("admin:accounts_user_change", args=[desk.pk])
    shown = form_of(administrator.get(change))

    administrator.post(change, {"username": "desk", "role": "operator", "is_active": "on"})
    desk.refresh_from_db()
    unlocked = (desk.is_active, desk.is_staff)
    administrator.post(change, {"username": "desk", "role": "operator"})
    desk.refresh_from_db()

    assert shown["is_active"].value() is False and shown["is_active"].label == "May sign in"
    assert unlocked == (True, True)
    assert not desk.is_active
    assert signed_in(desk).get("/admin/").status_code == 302


def test_a_person_is_no_login(administrator: Client, people: None) -> None:
    anna = User.objects.get(username="person-1")

    answer = administrator.get(reverse("admin:accounts_user_change", args=[anna.pk]))

    assert answer.status_code == 302  # to the first page, with a message: there is no such operator
    assert not User.objects.get(pk=anna.pk).is_staff


def test_the_email_of_an_operator_is_no_one_elses(administrator: Client, people: None) -> None:
    answer = administrator.post(reverse("admin:accounts_user_add"), NEW | {"email": "ANNA@example.com"})

    assert "Another user already uses this email." in answer.content.decode()
