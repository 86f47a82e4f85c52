"""Ending and settling sessions from their page and from their list: first what will happen, then it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_POST
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanSwitchWidget,
)

from ocpp_server.admin import access
from ocpp_server.domain import DomainError
from transactions.models import Settlement, Transaction
from transactions.services.transactions import fixes, proposing, settling, suspicion
from transactions.services.transactions.fixes import Proposal

Fix = Settlement.Fix
MAX_NUMBER = 2**31 - 1


class ReasonForm(forms.Form):
    """Every decision has a reason."""

    reason = forms.CharField(
        max_length=settling.MAX_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Kept with the session.",
    )


class EndForm(ReasonForm):
    force = forms.BooleanField(
        label="End it although the vehicle is probably charging",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )


class EnergyForm(ReasonForm):
    energy_wh = forms.FloatField(
        label="Energy (Wh)",
        min_value=0,
        max_value=settling.MOST_ENERGY_WH,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
    )


class MergeForm(ReasonForm):
    other = forms.IntegerField(
        label="Session to merge with",
        min_value=1,
        max_value=MAX_NUMBER,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Of the same token on the same EVSE. The earlier of both is kept.",
    )


@dataclass(frozen=True)
class Decision:
    """What an operator may decide about one session: the address, the words and the form."""

    name: str
    title: str
    button: str
    sentence: str
    fix: Settlement.Fix | None
    form: type[ReasonForm] = ReasonForm
    by_hand: bool = False


DECISIONS = (
    Decision("end", "End session", "End session",
             "The session ends here at its last reading and its last message. The station is not asked. Its "
             "token can charge elsewhere at once. A stop that the station sends later replaces this end.",
             Fix.END, EndForm),
    Decision("proposed", "Apply the proposed fix", "Apply", "", None),
    Decision("close", "Close at the last reading", "Close",
             "The session ends at its last reading and its last message, and is not suspect any more.",
             Fix.CLOSE),
    Decision("correct-energy", "Correct the energy", "Correct",
             "The energy is replaced, in totals, budgets and exports. The readings stay as they were sent.",
             Fix.CORRECT_ENERGY, EnergyForm, by_hand=True),
    Decision("merge", "Merge with another session", "Merge",
             "The earlier session gets the energy and the end of the later one, which keeps its readings and "
             "has no energy.",
             Fix.MERGE, MergeForm, by_hand=True),
    Decision("ignore", "Ignore", "Ignore",
             "Nothing is changed. The session is not suspect any more.", Fix.IGNORE),
)  # fmt: skip
BY_NAME = {decision.name: decision for decision in DECISIONS}
# What is done to several sessions from their list.
BULK = ("proposed", "ignore", "end")


def urls(site: admin.AdminSite) -> list[Any]:
    return [
        path("<int:pk>/settle/<slug:name>/", site.admin_view(decide), name="session-settle"),
        path("settle/<slug:name>/", site.admin_view(require_POST(decide_many)), name="sessions-settle"),
    ]


# -- the session page ----------------------------------------------------------------------------------------


def context(request: HttpRequest, session: Transaction) -> dict[str, Any]:
    """What the session page shows of it: why it is suspect, what is proposed, and what was decided."""
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
    comes_back = is_running and bool(proposing.codes(session) & fixes.FOUND_AGAIN)
    return [
        decision
        for decision in DECISIONS
        if decision.name not in ("end", "proposed")
        and not (decision.name == "ignore" and comes_back)
        and (decision.name in ("close", "ignore") or not is_running)
        and (decision.name != "close" or is_running)
        and (not decision.by_hand or access.may_provide(request.user))
    ]


def decide(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """The form of one decision; posted, it is done."""
    if not access.may_command(request.user):
        raise PermissionDenied
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
            "title": f"{decision.title}: session {pk}",
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
                by_hand=access.may_provide(request.user),
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
    """What will happen to each chosen session, and the question for the reason."""
    chosen = list(sessions.select_related("charge_point").order_by("-id")[: settling.MOST_AT_ONCE + 1])
    if len(chosen) > settling.MOST_AT_ONCE:
        messages.error(request, f"Select at most {settling.MOST_AT_ONCE} sessions at a time.")
        return None
    return _many_page(request, chosen, name, ReasonForm())


def decide_many(request: HttpRequest, name: str) -> HttpResponse:
    """Do it to each of the posted sessions; one that can't be settled does not stop the others."""
    if not access.may_command(request.user):
        raise PermissionDenied
    if name not in BULK:
        raise Http404
    texts = request.POST.getlist("session")[: settling.MOST_AT_ONCE]
    numbers = [int(text) for text in texts if text.isascii() and text.isdigit() and int(text) <= MAX_NUMBER]
    form = ReasonForm(request.POST)
    if not numbers:
        messages.error(request, "No session was selected.")
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
    done = "ended" if name == "end" else "settled"
    if len(failed) < len(outcomes):
        messages.success(request, f"{len(outcomes) - len(failed)} of {len(outcomes)} sessions are {done}.")
    for outcome in failed[:10]:
        messages.error(request, f"Session {outcome.number} is not {done}: {outcome.sentence}")
    if len(failed) > 10:
        messages.error(request, f"{len(failed) - 10} more are not {done}.")
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


def _what_happens(session: Transaction, name: str) -> tuple[str, str]:
    """The fix and a sentence; no fix when nothing will be done."""
    if name == "end":
        if session.status != Transaction.Status.ACTIVE:
            return "", "It has ended already."
        if proposing.is_evidently_charging(session):
            return "", "The vehicle is probably charging. Open the session to end it anyway."
        return Fix.END.label, "It ends at its last reading."
    if not session.suspect:
        return "", "It is not suspect."
    if name == "ignore":
        return Fix.IGNORE.label, "; ".join(suspicion.words(session.suspect_reasons))
    proposal = proposing.proposed(session)
    return (proposal.fix.label if proposal.fix else ""), proposal.words
