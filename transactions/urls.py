"""URLs below /api/v1."""

from django.urls import path

from transactions.views import access_rules, authorization, export, remote_control, sessions, settling

urlpatterns = [
    path("authorize", authorization.AuthorizeView.as_view()),
    path("access-rules", access_rules.AccessRulesView.as_view()),
    path("access-rules/<str:rule_id>", access_rules.AccessRuleView.as_view()),
    path("transactions", sessions.TransactionsView.as_view()),
    path("transactions/export", export.ExportView.as_view()),
    path("transactions/remote-start", remote_control.RemoteStartView.as_view()),
    path("transactions/remote-stop", remote_control.RemoteStopView.as_view()),
    path("transactions/settle", settling.SettleManyView.as_view()),
    path("transactions/<str:transaction_id>", sessions.TransactionView.as_view()),
    path("transactions/<str:transaction_id>/end", settling.EndView.as_view()),
    path("transactions/<str:transaction_id>/settle", settling.SettleView.as_view()),
    path("transactions/<str:transaction_id>/meter-values", sessions.MeterValuesView.as_view()),
]
