"""URLs below /api/v1."""

from django.urls import path

from accounts.views import (
    api_keys,
    audit_log,
    contracts,
    token_files,
    token_groups,
    tokens,
    unknown_tokens,
    users,
)
from ocpp_server.api.resources import Router

router = Router()
router.register("api-keys", api_keys.ApiKeyViewSet)
router.register("api-keys/<str:key_id>/requests", api_keys.ApiKeyRequestViewSet)
router.register("audit-log", audit_log.AuditEntryViewSet)
router.register("users", users.UserViewSet)
router.register("users/<str:user_id>/contracts", users.UserContractViewSet)
router.register("users/<str:user_id>/tokens", users.UserTokenViewSet)
router.register("contracts", contracts.ContractViewSet)
router.register("contracts/<str:contract_id>/members", contracts.MemberViewSet)
# Above /tokens, whose /{token_id}/block would match the uid "block".
router.register("tokens/by-uid", tokens.TokenByUidViewSet)
router.register("tokens", tokens.TokenViewSet)
router.register("token-groups", token_groups.TokenGroupViewSet)
router.register("unknown-tokens", unknown_tokens.UnknownTokenViewSet)

urlpatterns = [
    # Files, above the router: /tokens/{token_id} would match them.
    path("tokens/import", token_files.TokenImportView.as_view()),
    path("tokens/imports/<str:import_id>", token_files.TokenImportProgressView.as_view()),
    path("tokens/export", token_files.TokenExportView.as_view()),
    *router.urls,
]
