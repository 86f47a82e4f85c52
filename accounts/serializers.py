"""Serializers of the accounts API (fields in snake_case)."""

from __future__ import annotations

from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from accounts.fields import (
    PHONE,
    BudgetBody,
    BudgetShape,
    EnergyContractSerializer,
    country_code,
    currency,
    language,
    party_id,
    printable,
    user_id,
)
from accounts.models import AuditEntry, Contract, Member, Token, UnknownToken, User
from accounts.services.api_keys import LONGEST_OVERLAP
from accounts.services.tokens import INPUT_TYPES
from ocpp_server.api.fields import (
    FlagField,
    ReadSerializer,
    StrictSerializer,
    TextField,
    TimeField,
    WholeField,
)
from ocpp_server.api.scopes import ALL as ALL_SCOPES

# -- users -------------------------------------------------------------------------------------------------


class UserSerializer(ReadSerializer):
    id = serializers.IntegerField()
    name = serializers.CharField(source="__str__")
    email = serializers.CharField()
    phone = serializers.CharField()
    language = serializers.CharField()
    status = serializers.ChoiceField(choices=User.Status.values)
    created_at = TimeField()
    updated_at = TimeField()


class UserChanges(StrictSerializer):
    name = TextField(required=False, max_length=150, validators=[printable])
    email = serializers.EmailField(required=False, allow_blank=True, max_length=254)
    phone = TextField(
        required=False,
        allow_blank=True,
        max_length=31,
        validators=[RegexValidator(PHONE, "Must be a phone number.")],
    )
    language = language()
    status = serializers.ChoiceField(choices=User.Status.values, required=False)


class UserBody(UserChanges):
    name = TextField(max_length=150, validators=[printable])


# -- contracts ---------------------------------------------------------------------------------------------


class MemberSerializer(ReadSerializer):
    user_id = serializers.IntegerField()
    name = serializers.CharField(source="user.__str__")
    role = serializers.ChoiceField(choices=Member.Role.values)
    status = serializers.ChoiceField(choices=Member.Status.values)
    created_at = TimeField()
    updated_at = TimeField()


class EmaidSerializer(ReadSerializer):
    country_code = serializers.CharField(source="country")
    party_id = serializers.CharField(source="provider")
    instance = serializers.CharField()
    check_character = serializers.CharField(source="check", help_text="Also where contract_id leaves it out.")


class ContractSerializer(BudgetShape):
    id = serializers.IntegerField()
    contract_id = serializers.CharField()
    emaid = EmaidSerializer(allow_null=True, help_text="The parts of contract_id, if it is an eMAID.")
    name = serializers.CharField()
    type = serializers.ChoiceField(choices=Contract.Type.values)
    status = serializers.ChoiceField(choices=Contract.Status.values)
    country_code = serializers.CharField()
    party_id = serializers.CharField()
    issuer = serializers.CharField()
    owner = serializers.SerializerMethodField(help_text="The owner's user id.")
    valid_from = TimeField(allow_null=True)
    valid_until = TimeField(allow_null=True)
    max_members = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField()
    energy_contract = EnergyContractSerializer(allow_null=True)
    members = MemberSerializer(
        many=True, help_text="All members, including those who left (status `removed`)."
    )
    created_at = TimeField()
    updated_at = TimeField()

    def get_owner(self, contract: Contract) -> int | None:
        return next((one.user_id for one in contract.members.all() if one.role == Member.Role.OWNER), None)


class ContractChanges(BudgetBody):
    contract_id = TextField(required=False, max_length=36, validators=[printable])
    name = TextField(required=False, allow_blank=True, max_length=150)
    type = serializers.ChoiceField(choices=Contract.Type.values, required=False)
    status = serializers.ChoiceField(choices=Contract.Status.values, required=False)
    country_code = country_code()
    party_id = party_id()
    issuer = TextField(required=False, allow_blank=True, max_length=64)
    valid_from = TimeField(required=False, allow_null=True)
    valid_until = TimeField(required=False, allow_null=True)
    max_members = WholeField(required=False, allow_null=True, min_value=1, max_value=1_000_000)
    currency = currency()
    energy_contract = EnergyContractSerializer(required=False, allow_null=True)


class ContractBody(ContractChanges):
    contract_id = TextField(
        max_length=36,
        validators=[printable],
        help_text="An eMAID or any other text. An eMAID fills in an empty country_code and party_id; a wrong "
        "check character is refused.",
    )
    owner = user_id(help_text="The owner's user id.")


class MemberBody(StrictSerializer):
    user_id = user_id()
    role = serializers.ChoiceField(choices=Member.Role.values, default=Member.Role.MEMBER)
    status = serializers.ChoiceField(choices=["invited", "active"], default=Member.Status.ACTIVE)


class MemberChanges(StrictSerializer):
    role = serializers.ChoiceField(choices=Member.Role.values, required=False)
    status = serializers.ChoiceField(choices=Member.Status.values, required=False)


class TransferBody(StrictSerializer):
    user_id = user_id(help_text="User id of the new owner.")


# -- tokens ------------------------------------------------------------------------------------------------


class TokenSerializer(BudgetShape):
    id = serializers.IntegerField()
    uid = serializers.CharField()
    type = serializers.ChoiceField(choices=Token.Type.values)
    method = serializers.CharField(help_text="RFID, App, Ad hoc, Vehicle autocharge or Other.")
    user_id = serializers.IntegerField(allow_null=True)
    contract_id = serializers.SerializerMethodField()
    status = serializers.ChoiceField(choices=Token.Status.values)
    valid = serializers.BooleanField()
    group_id = serializers.CharField()
    name = serializers.CharField()
    visual_number = serializers.CharField()
    issuer = serializers.CharField()
    country_code = serializers.CharField()
    party_id = serializers.CharField()
    language = serializers.CharField()
    whitelist = serializers.ChoiceField(choices=Token.Whitelist.values)
    default_profile_type = serializers.ChoiceField(choices=["", *Token.Profile.values])
    energy_contract = EnergyContractSerializer(allow_null=True)
    is_master = serializers.BooleanField()
    valid_from = TimeField(allow_null=True)
    expires_at = TimeField(allow_null=True)
    last_used_at = TimeField(allow_null=True)
    created_at = TimeField()
    updated_at = TimeField()

    def get_contract_id(self, token: Token) -> str | None:
        return token.contract.contract_id if token.contract else None


class TokenChanges(BudgetBody):
    uid = TextField(required=False, max_length=255, help_text="For vehicles: the MAC address.")
    type = serializers.ChoiceField(choices=list(INPUT_TYPES), required=False)
    user_id = user_id(required=False, allow_null=True)
    contract_id = TextField(
        required=False, allow_null=True, max_length=36, help_text="id or contract_id of the contract."
    )
    status = serializers.ChoiceField(choices=Token.Status.values, required=False)
    valid = FlagField(required=False)
    group_id = TextField(required=False, allow_blank=True, max_length=36)
    name = TextField(required=False, allow_blank=True, max_length=100)
    visual_number = TextField(required=False, allow_blank=True, max_length=64)
    issuer = TextField(required=False, allow_blank=True, max_length=64)
    country_code = country_code()
    party_id = party_id()
    language = language()
    whitelist = serializers.ChoiceField(choices=Token.Whitelist.values, required=False)
    default_profile_type = serializers.ChoiceField(choices=["", *Token.Profile.values], required=False)
    energy_contract = EnergyContractSerializer(required=False, allow_null=True)
    is_master = FlagField(required=False)
    valid_from = TimeField(required=False, allow_null=True)
    expires_at = TimeField(required=False, allow_null=True)

    def validate_uid(self, uid: str) -> str:
        if not uid.strip():
            raise serializers.ValidationError("Must not be blank.")
        return uid


class TokenBody(TokenChanges):
    uid = TextField(max_length=255, help_text="For vehicles: the MAC address.")
    type = serializers.ChoiceField(choices=list(INPUT_TYPES), default="RFID")


class UnknownTokenSerializer(ReadSerializer):
    id = serializers.IntegerField()
    uid = serializers.CharField(help_text="As a station presented it.")
    count = serializers.IntegerField(help_text="How often stations have presented it.")
    last_seen_where = serializers.CharField(help_text="The identity of the station.")
    first_seen_at = TimeField()
    last_seen_at = TimeField()
    is_ignored = serializers.BooleanField(help_text="true: it is not shown on the dashboard.")
    reversed_token_id = serializers.SerializerMethodField(
        help_text="A token with the same bytes in reverse order, as some readers report them: only a hint."
    )

    def get_reversed_token_id(self, unknown: UnknownToken) -> int | None:
        found: dict[int, Token] = self.context["prepared"]
        return found[unknown.pk].pk if unknown.pk in found else None


class AddUnknownBody(StrictSerializer):
    type = serializers.ChoiceField(
        choices=list(INPUT_TYPES), required=False, help_text="By the form of the uid, unless given."
    )
    name = TextField(required=False, allow_blank=True, max_length=100)
    visual_number = TextField(required=False, allow_blank=True, max_length=64)
    user_id = user_id(required=False, allow_null=True)
    contract_id = TextField(
        required=False, allow_null=True, max_length=36, help_text="id or contract_id of the contract."
    )
    group_id = TextField(required=False, allow_blank=True, max_length=36)


class TokenGroupSerializer(ReadSerializer):
    id = serializers.IntegerField()
    group_id = serializers.CharField(help_text="1.6 parentIdTag, 2.x groupIdToken.")
    contract_id = serializers.CharField(source="contract.contract_id")
    name = serializers.CharField()
    tokens = serializers.SerializerMethodField(help_text="Ids of the group's tokens.")
    created_at = TimeField()
    updated_at = TimeField()

    def get_tokens(self, group: Any) -> list[int]:
        prepared: dict[str, list[int]] = self.context["prepared"]
        return prepared.get(group.group_key, [])


class TokenGroupChanges(StrictSerializer):
    group_id = TextField(required=False, max_length=20, validators=[printable])
    name = TextField(required=False, allow_blank=True, max_length=100)


class TokenGroupBody(TokenGroupChanges):
    contract_id = TextField(max_length=36, help_text="id or contract_id of the contract.")


# -- API keys ------------------------------------------------------------------------------------------------

MOST_SITES = 1000
_SCOPES = "Such as transactions:read; null for all that the role allows. write includes read."
_SITES = "The numbers of the sites that it is limited to; null for all."
_TEST = "Whether it is a test key: limited to the stations of the test site. Leave `sites` out."
_PERSONAL = "false: token ids, contract ids, names, emails and phones are hidden. For viewers only."


class ApiKeySerializer(ReadSerializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="The first characters, to recognise the key by.")
    role = serializers.ChoiceField(choices=User.Role.values)
    scopes = serializers.ListField(child=serializers.CharField(), allow_null=True, help_text=_SCOPES)
    sites = serializers.ListField(
        source="site_ids", child=serializers.IntegerField(), allow_null=True, help_text=_SITES
    )
    personal_data = serializers.BooleanField(source="shows_personal_data", help_text=_PERSONAL)
    is_test = serializers.BooleanField(help_text=_TEST)
    state = serializers.ChoiceField(choices=["usable", "expired", "revoked"])
    replaces = serializers.IntegerField(
        source="replaces_id", allow_null=True, help_text="The key that it was rolled from."
    )
    actor = serializers.CharField(help_text="Who made it; empty for keys made in the admin.")
    expires_at = TimeField(allow_null=True)
    revoked_at = TimeField(allow_null=True)
    last_used_at = TimeField(allow_null=True, help_text="To the minute.")
    created_at = TimeField()

    def get_fields(self) -> dict[str, Any]:
        plain = serializers.CharField(
            required=False,
            read_only=False,
            source="plain",
            help_text="The key itself, only in the answer that made it.",
        )
        return {**super().get_fields(), "key": plain}


class ApiKeyChanges(StrictSerializer):
    name = TextField(required=False, max_length=100, validators=[printable])
    expires_at = TimeField(required=False, allow_null=True)


class ApiKeyBody(StrictSerializer):
    name = TextField(max_length=100, validators=[printable])
    role = serializers.ChoiceField(choices=User.Role.values, default=User.Role.VIEWER)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=list(ALL_SCOPES)),
        required=False,
        allow_null=True,
        max_length=len(ALL_SCOPES),
        help_text=_SCOPES,
    )
    sites = serializers.ListField(
        source="site_ids",
        child=WholeField(min_value=1),
        required=False,
        allow_null=True,
        max_length=MOST_SITES,
        help_text=_SITES,
    )
    personal_data = FlagField(source="shows_personal_data", required=False, help_text=_PERSONAL)
    is_test = FlagField(required=False, help_text=_TEST)
    expires_at = TimeField(required=False, allow_null=True)


class RollBody(StrictSerializer):
    overlap = WholeField(
        required=False,
        min_value=0,
        max_value=int(LONGEST_OVERLAP.total_seconds()),
        help_text="The seconds for which the key before stays valid; 86400 unless given.",
    )
    expires_at = TimeField(
        required=False, help_text="Of the new key; unless given, it lives as long as the one before."
    )


class AuditEntrySerializer(ReadSerializer):
    id = serializers.IntegerField()
    at = TimeField()
    actor = serializers.CharField(help_text="The name of the login, or `key` and the name of the API key.")
    door = serializers.ChoiceField(choices=AuditEntry.Door.values, help_text="admin: the console.")
    action = serializers.CharField(help_text="The operationId, or the name of the console's page.")
    path = serializers.CharField(help_text="Without the query; uids of tokens are hidden.")
    sent_fields = serializers.ListField(
        child=serializers.CharField(), help_text="The names of the values that were sent."
    )
    status = serializers.IntegerField(help_text="The HTTP status. Of the console: 302 after a change.")
    address = serializers.CharField()
    request_id = serializers.CharField(help_text="As in the header X-Request-ID and in the server's log.")


class ApiKeyRequestSerializer(ReadSerializer):
    id = serializers.IntegerField()
    at = TimeField()
    method = serializers.CharField()
    path = serializers.CharField(help_text="Without the query.")
    status = serializers.IntegerField()
    duration_ms = serializers.FloatField()
    address = serializers.CharField()
