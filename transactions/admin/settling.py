"""End and settle sessions from their page and from their list: GET shows the consequences, POST does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanSwitchWidget,
)

from ocpp_server.admin import access
from ocpp_server.domain import DomainError
from ocpp_server.rights import Right
from transactions.models import Settlement, Transaction
from transactions.services.transactions import fixes, proposing, settling, suspicion
from transactions.services.transactions.fixes import Proposal

Fix = Settlement.Fix
MAX_NUMBER = 2**31 - 1


class ReasonForm(forms.Form):
    """The reason, which every decision needs."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=settling.MAX_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=_("Stored with the session."),
    )


class EndForm(ReasonForm):
    force = forms.BooleanField(
        label=_("End it although the vehicle is probably charging"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )


class EnergyForm(ReasonForm):
    energy_wh = forms.FloatField(
        label=_("Energy (Wh)"),
        min_value=0,
        max_value=settling.MOST_ENERGY_WH,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
    )


class MergeForm(ReasonForm):
    other = forms.IntegerField(
        label=_("Session to merge with"),
        min_value=1,
        max_value=MAX_NUMBER,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("A session of the same token on the same EVSE. The earlier session is kept."),
    )


@dataclass(frozen=True)
class Decision:
    """A decision of an operator about one session: name in the URL, texts and form."""

    name: str
    title: Promise
    button: Promise
    sentence: Promise | str
    fix: Settlement.Fix | None
    form: type[ReasonForm] = ReasonForm
    by_hand: bool = False


DECISIONS = (
    Decision("end", _("End session"), _("End session"),
             _("The session ends here, at its last reading and its last message. The station gets no "
               "command. The token can charge elsewhere at once. A later stop of the station replaces it."),
             Fix.END, EndForm),
    Decision("proposed", _("Apply the proposed fix"), _("Apply"), "", None),
    Decision("close", _("Close at the last reading"), _("Close"),
             _("The session ends at its last reading and its last message, and is no longer suspect."),
             Fix.CLOSE),
    Decision("correct-energy", _("Correct the energy"), _("Correct"),
             _("The energy is replaced in totals, budgets and exports. The readings stay as they were sent."),
             Fix.CORRECT_ENERGY, EnergyForm, by_hand=True),
    Decision("merge", _("Merge with another session"), _("Merge"),
             _("The earlier session gets the energy and the end of the later one. The later one keeps its "
               "readings and has no energy."),
             Fix.MERGE, MergeForm, by_hand=True),
    Decision("ignore", _("Ignore"), _("Ignore"),
             _("No value is changed. The session is no longer suspect."), Fix.IGNORE),
)  # fmt: skip
BY_NAME = {decision.name: decision for decision in DECISIONS}
# The decisions that the list offers for several sessions.
BULK = ("proposed", "ignore", "end")


def urls(site: admin.AdminSite) -> list[Any]:
    return [
        path("<int:pk>/settle/<slug:name>/", site.admin_view(decide), name="session-settle"),
        path("settle/<slug:name>/", site.admin_view(require_POST(decide_many)), name="sessions-settle"),
    ]


# -- the session page ----------------------------------------------------------------------------------------


def context(request: HttpRequest, session: Transaction) -> dict[str, Any]:
    """The context of the session page: reasons of the suspicion, the proposal, and earlier decisions."""
    proposal = proposing.proposed(session) if session.suspect else None
    return {
        "suspicions": suspicion.words(session.suspect_reasons),
        "proposal": proposal,
        "proposed_fix": proposal.fix.label if proposal and proposal.fix else "",
        "decisions": _offered(request, session) if proposal else [],
        "settlements": session.settlements.select_related("merged_with")[:50],
    }


def _offered(request: HttpRequest, session: Transaction) -> list[Decision]:
    is_running = session.status == Transaction.Status.ACTIVE
    is_found_again = is_running and bool(proposing.codes(session) & fixes.FOUND_AGAIN)
    return [
        decision
        for decision in DECISIONS
        if decision.name not in ("end", "proposed")
        and not (decision.name == "ignore" and is_found_again)
        and (decision.name in ("close", "ignore") or not is_running)
        and (decision.name != "close" or is_running)
        and (not decision.by_hand or access.may(request.user, Right.CORRECTIONS))
    ]


def decide(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """GET shows the form of one decision; POST applies it."""
    access.require(request.user, Right.SESSIONS)
    decision = BY_NAME.get(name)
    if decision is None:
        raise Http404
    session = get_object_or_404(Transaction.objects.select_related("charge_point"), pk=pk)
    proposal = proposing.proposed(session) if session.suspect else None
    if request.method == "POST":
        form = decision.form(request.POST)
        if form.is_valid() and _done(request, session, decision, form):
            return redirect("admin:transactions_transaction_change", pk)
    else:
        form = decision.form(initial=_initial(decision, proposal))
    return TemplateResponse(
        request,
        "operator/settle.html",
        {
            **admin.site.each_context(request),
            "title": gettext("%(decision)s: session %(number)s") % {"decision": decision.title, "number": pk},
            "opts": Transaction._meta,
            "session": session,
            "decision": decision,
            "form": form,
            "proposal": proposal if decision.name == "proposed" else None,
            "proposed_fix": proposal.fix.label if proposal and proposal.fix else "",
            "is_charging": proposing.is_evidently_charging(session),
        },
    )


def _done(request: HttpRequest, session: Transaction, decision: Decision, form: ReasonForm) -> bool:
    values = form.cleaned_data
    how: dict[str, Any] = {"actor": request.user.get_username(), "reason": values["reason"]}
    try:
        if decision.fix == Fix.END:
            settlement = settling.end_session(session.pk, force=values["force"], **how)
        else:
            settlement = settling.settle(
                session.pk,
                fix=decision.fix,
                energy_wh=values.get("energy_wh"),
                other=values.get("other"),
                by_hand=access.may(request.user, Right.CORRECTIONS),
                **how,
            )
    except DomainError as error:
        form.add_error(None, error.sentence)
        return False
    messages.success(request, settling.summary(settlement))
    return True


def _initial(decision: Decision, proposal: Proposal | None) -> dict[str, Any]:
    if proposal is None or decision.fix != proposal.fix:
        return {}
    return {"energy_wh": proposal.energy_wh, "other": proposal.other}


# -- several sessions ----------------------------------------------------------------------------------------


def confirm_many(request: HttpRequest, sessions: QuerySet[Transaction], name: str) -> HttpResponse | None:
    """Show the consequence for each chosen session, and ask for the reason."""
    chosen = list(sessions.select_related("charge_point").order_by("-id")[: settling.MOST_AT_ONCE + 1])
    if len(chosen) > settling.MOST_AT_ONCE:
        messages.error(
            request,
            gettext("Select at most %(limit)s sessions at a time.") % {"limit": settling.MOST_AT_ONCE},
        )
        return None
    return _many_page(request, chosen, name, ReasonForm())


def decide_many(request: HttpRequest, name: str) -> HttpResponse:
    """Apply the decision to each posted session; one that can't be settled does not stop the others."""
    access.require(request.user, Right.SESSIONS)
    if name not in BULK:
        raise Http404
    texts = request.POST.getlist("session")[: settling.MOST_AT_ONCE]
    numbers = [int(text) for text in texts if text.isascii() and text.isdigit() and int(text) <= MAX_NUMBER]
    form = ReasonForm(request.POST)
    if not numbers:
        messages.error(request, gettext("No session was selected."))
        return redirect("admin:transactions_transaction_changelist")
    if not form.is_valid():
        chosen = Transaction.objects.select_related("charge_point").filter(pk__in=numbers).order_by("-id")
        return _many_page(request, list(chosen), name, form)
    how: dict[str, Any] = {"actor": request.user.get_username(), "reason": form.cleaned_data["reason"]}
    if name == "end":
        outcomes = settling.end_many(numbers, **how)
    else:
        outcomes = settling.settle_many(numbers, fix=BY_NAME[name].fix, **how)
    failed = [outcome for outcome in outcomes if outcome.settlement is None]
    done = gettext("ended") if name == "end" else gettext("settled")
    if len(failed) < len(outcomes):
        sentence = gettext("%(count)s of %(total)s sessions are %(done)s.")
        count = len(outcomes) - len(failed)
        messages.success(request, sentence % {"count": count, "total": len(outcomes), "done": done})
    for outcome in failed[:10]:
        sentence = gettext("Session %(number)s is not %(done)s: %(reason)s")
        values = {"number": outcome.number, "done": done, "reason": outcome.sentence}
        messages.error(request, sentence % values)
    if len(failed) > 10:
        sentence = gettext("%(count)s more are not %(done)s.")
        messages.error(request, sentence % {"count": len(failed) - 10, "done": done})
    return redirect("admin:transactions_transaction_changelist")


def _many_page(request: HttpRequest, chosen: list[Transaction], name: str, form: ReasonForm) -> HttpResponse:
    decision = BY_NAME[name]
    context = {
        **admin.site.each_context(request),
        "title": decision.title,
        "opts": Transaction._meta,
        "decision": decision,
        "form": form,
        "rows": [(session, *_what_happens(session, name)) for session in chosen],
        "action": reverse("admin:sessions-settle", args=[name]),
    }
    return TemplateResponse(request, "operator/settle_many.html", context)


def _what_happens(session: Transaction, name: str) -> tuple[str | Promise, str]:
    """The fix and a sentence; an empty fix when the action does nothing."""
    if name == "end":
        if session.status != Transaction.Status.ACTIVE:
            return "", gettext("It has ended already.")
        if proposing.is_evidently_charging(session):
            return "", gettext("The vehicle is probably charging. Open the session to end it anyway.")
        return Fix.END.label, gettext("It ends at its last reading.")
    if not session.suspect:
        return "", gettext("It is not suspect.")
    if name == "ignore":
        return Fix.IGNORE.label, "; ".join(suspicion.words(session.suspect_reasons))
    proposal = proposing.proposed(session)
    return (proposal.fix.label if proposal.fix else ""), proposal.words
