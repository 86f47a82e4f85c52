"""URLs below /api/v1."""

from django.urls import path

from accounts.views import contracts, token_files, token_groups, tokens, users

urlpatterns = [
    path("users", users.UsersView.as_view()),
    path("users/<str:user_id>", users.UserView.as_view()),
    path("users/<str:user_id>/contracts", users.UserContractsView.as_view()),
    path("users/<str:user_id>/tokens", users.UserTokensView.as_view()),
    path("contracts", contracts.ContractsView.as_view()),
    path("contracts/<str:contract_id>", contracts.ContractView.as_view()),
    path("contracts/<str:contract_id>/transfer", contracts.TransferView.as_view()),
    path("contracts/<str:contract_id>/members", contracts.MembersView.as_view()),
    path("contracts/<str:contract_id>/members/<str:user_id>", contracts.MemberView.as_view()),
    path("tokens", tokens.TokensView.as_view()),
    path("tokens/import", token_files.TokenImportView.as_view()),
    path("tokens/imports/<str:import_id>", token_files.TokenImportProgressView.as_view()),
    path("tokens/export", token_files.TokenExportView.as_view()),
    path("tokens/by-uid/<str:uid>", tokens.TokenByUidView.as_view()),
    path("tokens/by-uid/<str:uid>/block", tokens.BlockByUidView.as_view()),
    path("tokens/by-uid/<str:uid>/unblock", tokens.UnblockByUidView.as_view()),
    path("tokens/<str:token_id>", tokens.TokenView.as_view()),
    path("tokens/<str:token_id>/block", tokens.BlockView.as_view()),
    path("tokens/<str:token_id>/unblock", tokens.UnblockView.as_view()),
    path("token-groups", token_groups.TokenGroupsView.as_view()),
    path("token-groups/<str:group_id>", token_groups.TokenGroupView.as_view()),
]
