from accounts.models.api_key import ApiKey, IdempotentRequest
from accounts.models.token import Token, UnknownToken
from accounts.models.user import User

__all__ = ["ApiKey", "IdempotentRequest", "Token", "UnknownToken", "User"]
