"""Personal data over REST: the export of all that is stored about a person, and its erasure."""

from __future__ import annotations

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.views.lookups import USER
from ocpp_server.api.documents import described, enveloped
from ocpp_server.api.envelope import answer
from ocpp_server.api.operations import NothingBody
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.views import body
from ocpp_server.rights import Right, role_for
from transactions.serializers.privacy import ErasedSerializer, PersonExportSerializer
from transactions.services import privacy

TAG = "Users"


class PersonalDataViewSet(ResourceViewSet):
    """Beside the other operations on users, in the app that knows their sessions."""

    tag, noun, has_etag = TAG, "user", False
    read_role = write_role = role_for(Right.PERSONAL_DATA)
    queryset = User.objects.people()
    lookup = USER
    audited = ("export",)

    @described(
        "Export a user's personal data",
        enveloped("PersonExport", PersonExportSerializer),
        tag=TAG,
        path=USER.path,
        description="All that is stored about a person: contracts, tokens, sessions, refusals, reservations, "
        "battery swaps, and where alerts are sent to them. Messages of stations are not in it; they name "
        "tokens only. It stays readable after an erasure, without the data that was erased.",
    )
    @action(detail=True, methods=["get"])
    def export(self, request: Request, **path: str) -> Response:
        person = self.find()
        data = PersonExportSerializer(privacy.export(person)).data
        return answer(f"The data of user {person.pk}.", dict(data))

    @described(
        "Erase a user's personal data",
        enveloped("ErasedUser", ErasedSerializer),
        tag=TAG,
        path=USER.path,
        body=NothingBody,
        changes=True,
        description="Can't be undone. The account is closed, names and addresses are deleted, and every uid "
        "is replaced by a random pseudonym, in sessions, events, stored messages and commands too. Sessions "
        "and their energy stay. Not reached: backups, files that were exported, what consumers of events "
        "have received, and a station's own list until it is updated. It searches the logs, which takes "
        "seconds to minutes on a large server. 409 names the step that must come first: a running session, "
        "a reservation, an active contract of theirs, or a console login.",
    )
    @action(detail=True, methods=["post"])
    def erase(self, request: Request, **path: str) -> Response:
        body(NothingBody, request)
        person = self.find()
        erased = privacy.erase(person)
        sentence = (
            f"User {person.pk} erased. {erased.tokens} tokens, {erased.sessions} sessions and "
            f"{erased.messages} logged messages no longer identify the person."
        )
        return answer(sentence, dict(ErasedSerializer(erased._asdict()).data))
