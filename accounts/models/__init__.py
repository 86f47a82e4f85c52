from accounts.models.api_key import ApiKey, ApiKeyRequest, IdempotentRequest
from accounts.models.audit_entry import AuditEntry
from accounts.models.contract import Contract, Member
from accounts.models.person import Person
from accounts.models.token import Token, UnknownToken
from accounts.models.token_group import TokenGroup
from accounts.models.token_import import TokenImport, TokenUpload
from accounts.models.user import User

__all__ = [
    "ApiKey",
    "ApiKeyRequest",
    "AuditEntry",
    "Contract",
    "IdempotentRequest",
    "Member",
    "Person",
    "Token",
    "TokenGroup",
    "TokenImport",
    "TokenUpload",
    "UnknownToken",
    "User",
]
