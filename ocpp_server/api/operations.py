"""The operations of a declared resource: list, get, create, change, delete, and actions on one row.

Each is an object in the `operations` of a `ResourceViewSet`. It documents itself, and runs for a request.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.decorators import action as extra_action
from rest_framework.request import Request
from rest_framework.response import Response

from ocpp_server import sites
from ocpp_server.api import deletions
from ocpp_server.api.authentication import actor
from ocpp_server.api.deprecation import Deprecation
from ocpp_server.api.documents import Method, enveloped, listed
from ocpp_server.api.envelope import answer
from ocpp_server.api.fields import StrictSerializer
from ocpp_server.api.lists import ListQuery, page, query
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import arranged
from ocpp_server.api.views import body
from ocpp_server.credentials import Role

Serializer = type[serializers.Serializer[Any]]
# A format string with `row`, or a function of the row.
Sentence = str | Callable[[Any], str]


class NothingBody(StrictSerializer):
    """An empty body."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation.

    `word` makes the summary and the sentence of the answer: `close` makes "Close a user" and
    "User Ann closed.". `summary` and `sentence` replace them. `also`: statuses of the answer beyond the usual
    ones, for the OpenAPI document. `action`: the method of the viewset. `is_detail`: the URL names one row.
    `has_etag`: the answer has the ETag of that row. `passes_actor`: the service gets who sends the request as
    the keyword `actor`. `role`: the lowest role that may use it, if it is not the resource's `read_role` or
    `write_role`. `deprecated`: it goes, and another one replaces it.
    """

    word: str = ""
    summary: str = ""
    sentence: Sentence = ""
    description: str = ""
    also: tuple[int, ...] = ()
    passes_actor: bool = False
    role: Role | None = None
    deprecated: Deprecation | None = None

    action: ClassVar[str]
    usual_word: ClassVar[str] = ""
    has_etag: ClassVar[bool] = True
    is_detail: ClassVar[bool] = True

    @property
    def method_name(self) -> str:
        return self.action

    @property
    def spoken(self) -> str:
        return self.word or self.usual_word

    def install(self, resource: type[ResourceViewSet]) -> Callable[..., Response]:
        """The method of the viewset, documented."""
        return self.document(resource)(self.method())

    def method(self) -> Callable[..., Response]:
        def run(view: ResourceViewSet, request: Request, **path: str) -> Response:
            return self.run(view, request)

        run.__name__ = run.__qualname__ = self.method_name
        return run

    def document(self, resource: type[ResourceViewSet]) -> Callable[[Method], Method]:
        raise NotImplementedError

    def run(self, view: ResourceViewSet, request: Request) -> Response:
        raise NotImplementedError

    def acting(self, request: Request) -> dict[str, str]:
        """The keywords of the service beside the body."""
        return {"actor": actor(request)} if self.passes_actor else {}

    def summarized(self, resource: type[ResourceViewSet]) -> str:
        article = "an" if resource.noun.lower().startswith(("a", "e", "i", "o")) else "a"
        return self.summary or f"{self.spoken.capitalize()} {article} {resource.noun}"

    def usual_description(self, resource: type[ResourceViewSet]) -> str:
        """The description in the OpenAPI document where the declaration has none."""
        return ""

    def answers(self, resource: type[ResourceViewSet], other: Serializer | None = None) -> Any:
        """The envelope around a row; `other` is a shape that differs from the resource's own."""
        if other is None:
            return enveloped(resource.component, resource.serializer_class)
        return enveloped(other.__name__.removesuffix("Serializer"), other)

    def worded(self, view: ResourceViewSet, row: Any) -> str:
        """The sentence of the answer."""
        if callable(self.sentence):
            return self.sentence(row)
        past = f"{self.spoken}d" if self.spoken.endswith("e") else f"{self.spoken}ed"
        return (self.sentence or f"{view.label} {past}.").format(row=row)


@dataclass(frozen=True)
class List(Operation):
    """`GET` of the collection, in pages. `query`: filters, search and ordering.

    `serializer`: the shape of a row, if it has less than the row alone.
    """

    query: type[ListQuery]
    serializer: Serializer | None = None
    action: ClassVar[str] = "list"
    is_detail: ClassVar[bool] = False

    def document(self, resource: type[ResourceViewSet]) -> Callable[[Method], Method]:
        shape = self.serializer or resource.serializer_class
        shows_deletions = resource.deletions is not None
        answers = listed(f"{resource.component}s", resource.key, shape, shows_deletions=shows_deletions)
        return resource.documented(self, answers, query=self.query, reads_row=True, paged=True)

    def summarized(self, resource: type[ResourceViewSet]) -> str:
        return self.summary or f"List {resource.nouns}"

    def usual_description(self, resource: type[ResourceViewSet]) -> str:
        return (
            "Pages of at most 200 rows. `next` of a page is the `cursor` of the next one, so that rows "
            "which are added or deleted meanwhile shift no page."
        )

    def run(self, view: ResourceViewSet, request: Request) -> Response:
        kind = view.row_query(self.query)
        if view.deletions is not None and deletions.PARAMETER in request.query_params:
            return deletions.page(
                request,
                query(kind, request),
                model=view.deletions,
                parent=view.parent_row(),
                name=view.key,
                noun=view.nouns,
            )
        return page(
            request,
            kind=kind,
            rows=view.get_queryset(),
            name=view.key,
            noun=view.nouns,
            shape=self.serializer or view.serializer_class,
            prepare=view.prepare,
            expansions=view.expansions,
        )


@dataclass(frozen=True)
class All(Operation):
    """`GET` of a small collection: all its rows, without pages. Its sentence may use `count` and `parent`."""

    action: ClassVar[str] = "list"
    is_detail: ClassVar[bool] = False

    def document(self, resource: type[ResourceViewSet]) -> Callable[[Method], Method]:
        rows = {resource.key: resource.serializer_class(many=True), "count": serializers.IntegerField()}
        return resource.documented(self, enveloped(f"{resource.component}s", rows), reads_row=True)

    def summarized(self, resource: type[ResourceViewSet]) -> str:
        return self.summary or f"List {resource.nouns}"

    def usual_description(self, resource: type[ResourceViewSet]) -> str:
        return "All of them, without pages."

    def run(self, view: ResourceViewSet, request: Request) -> Response:
        asked = view.asked()
        rows = list(view.get_queryset())
        context = {"request": request, "prepared": view.prepare(rows)}
        shown = arranged(
            request,
            asked,
            rows,
            view.serializer_class(rows, many=True, context=context).data,
            shape=view.serializer_class,
            expansions=view.expansions,
        )
        pattern = str(self.sentence or f"{{count}} {view.nouns}.")
        sentence = pattern.format(count=len(rows), parent=view.parent_row())
        return answer(sentence, {view.key: shown, "count": len(rows)})


@dataclass(frozen=True)
class Get(Operation):
    """`GET` of one row."""

    action: ClassVar[str] = "retrieve"
    usual_word: ClassVar[str] = "get"

    def document(self, resource: type[ResourceViewSet]) -> Callable[[Method], Method]:
        return resource.documented(self, self.answers(resource), reads_row=True)

    def usual_description(self, resource: type[ResourceViewSet]) -> str:
        if not resource.has_etag:
            return f"One {resource.noun}, as it is stored now."
        return (
            "The answer has an ETag. Sent as `If-None-Match`, it saves the transfer of an unchanged row "
            "(304); sent as `If-Match` with a change, it keeps the change from undoing that of "
            "another caller (412)."
        )

    def run(self, view: ResourceViewSet, request: Request) -> Response:
        row = view.find()
        sentence = self.worded(view, row) if self.sentence else f"{view.label}.".format(row=row)
        shown = view.shown(row)
        response = view.respond(sentence, shown)  # with the ETag of the whole row
        response.data["data"] = view.chosen(row, shown)
        return response


@dataclass(frozen=True)
class Part(Operation):
    """`GET .../{row}/{name}`: a part of one row, in a shape of its own. The router makes its URL."""

    name: str
    serializer: Serializer
    usual_word: ClassVar[str] = "get"
    has_etag: ClassVar[bool] = False

    @property
    def method_name(self) -> str:
        return self.name.replace("-", "_")

    def install(self, resource: type[ResourceViewSet]) -> Callable[..., Response]:
        return self.document(resource)(extra_action(detail=True, url_path=self.name)(self.method()))

    def document(self, resource: type[ResourceViewSet]) -> Callable[[Method], Method]:
        return resource.documented(self, self.answers(resource, self.serializer))

    def run(self, view: ResourceViewSet, request: Request) -> Response:
        row = view.find()
        shown = self.serializer(row, context={"request": request}).data
        return answer(self.worded(view, row), shown)


@dataclass(frozen=True)
class Create(Operation):
    """`POST` to the collection: 201 with the Location of the new row.

    `service` gets the resolved body as keywords, after the row of the parent if there is one. It returns the
    new row.
    """

    body: type[StrictSerializer]
    service: Callable[..., Any]
    action: ClassVar[str] = "create"
    usual_word: ClassVar[str] = "create"
    is_detail: ClassVar[bool] = False

    def document(self, resource: type[ResourceViewSet]) -> Callable[[Method], Method]:
        return resource.documented(self, self.answers(resource), status=201, body=self.body, changes=True)

    def usual_description(self, resource: type[ResourceViewSet]) -> str:
        return (
            "The answer has the new row and its `Location`. With an `Idempotency-Key`, a repeat after a lost "
            "answer creates no second row."
        )

    def run(self, view: ResourceViewSet, request: Request) -> Response:
        parent = view.parent_row()
        given = view.resolve(body(self.body, request)) | self.acting(request)
        with sites.kept():
            row = self.service(**given) if parent is None else self.service(parent, **given)
            sites.require(row)
        return view.respond(self.worded(view, row), view.shown(row), made=row)


@dataclass(frozen=True)
class Change(Operation):
    """`PATCH` of one row. `service` gets the locked row, then the resolved body as keywords."""

    body: type[StrictSerializer]
    service: Callable[..., Any]
    action: ClassVar[str] = "partial_update"
    usual_word: ClassVar[str] = "change"

    def document(self, resource: type[ResourceViewSet]) -> Callable[[Method], Method]:
        return _changing(self, resource)

    def usual_description(self, resource: type[ResourceViewSet]) -> str:
        return "Only the fields of the body are changed."

    def run(self, view: ResourceViewSet, request: Request) -> Response:
        return _change(self, view, request)


@dataclass(frozen=True)
class Delete(Operation):
    """`DELETE` of one row. `service` gets the locked row.

    The answer shows the row: as it was, or as `service` returns it where the row is kept and only its state
    changes. `serializer`: the shape of the answer, if it has less than the row.
    """

    service: Callable[..., Any]
    serializer: Serializer | None = None
    action: ClassVar[str] = "destroy"
    usual_word: ClassVar[str] = "delete"

    def document(self, resource: type[ResourceViewSet]) -> Callable[[Method], Method]:
        return resource.documented(self, self.answers(resource, self.serializer), changes=True)

    def usual_description(self, resource: type[ResourceViewSet]) -> str:
        return f"The answer shows the {resource.noun} for the last time."

    def run(self, view: ResourceViewSet, request: Request) -> Response:
        with view.guarded() as found:
            sentence, shown = self.worded(view, found), self.shown(view, found)
            kept = self.service(found, **self.acting(request))
        if kept is not None:
            sentence, shown = self.worded(view, kept), self.shown(view, kept)
        return view.respond(sentence, shown)

    def shown(self, view: ResourceViewSet, row: Any) -> dict[str, Any]:
        return view.shown(row) if self.serializer is None else dict(self.serializer(row).data)


@dataclass(frozen=True)
class Act(Operation):
    """`POST .../{row}/{name}`: an action on one row. The router makes its URL.

    `service` gets the locked row, then the resolved body as keywords. The usual word is the name.
    """

    name: str
    service: Callable[..., Any]
    body: type[StrictSerializer] = NothingBody

    @property
    def method_name(self) -> str:
        name = self.name.replace("-", "_")
        # Every viewset has some methods of its own: `resolve` finds the rows of a body.
        return f"{name}_row" if hasattr(ResourceViewSet, name) else name

    @property
    def spoken(self) -> str:
        return self.word or self.name

    def install(self, resource: type[ResourceViewSet]) -> Callable[..., Response]:
        method = extra_action(detail=True, methods=["post"], url_path=self.name)(self.method())
        return self.document(resource)(method)

    def document(self, resource: type[ResourceViewSet]) -> Callable[[Method], Method]:
        return _changing(self, resource)

    def run(self, view: ResourceViewSet, request: Request) -> Response:
        return _change(self, view, request)


def _changing(operation: Change | Act, resource: type[ResourceViewSet]) -> Callable[[Method], Method]:
    return resource.documented(operation, operation.answers(resource), body=operation.body, changes=True)


def _change(operation: Change | Act, view: ResourceViewSet, request: Request) -> Response:
    with sites.kept(), view.guarded() as found:
        given = view.resolve(body(operation.body, request)) | operation.acting(request)
        row = operation.service(found, **given) or found
        sites.require(row)
    return view.respond(operation.worded(view, row), view.shown(row))
