"""The base viewset of declared resources, and the router that makes their URLs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Protocol
from urllib.parse import quote

from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.viewsets import ViewSetMixin

from ocpp_server import sites
from ocpp_server.api import etags, extensions, rows
from ocpp_server.api.documents import Method, described
from ocpp_server.api.envelope import answer
from ocpp_server.api.fields import StrictSerializer
from ocpp_server.api.lookups import Lookup, by_number
from ocpp_server.api.rows import Expansion, RowQuery, arranged, query_of
from ocpp_server.api.views import ApiView


class Installed(Protocol):
    """An operation: it makes the method `method_name` of a viewset."""

    @property
    def method_name(self) -> str: ...
    def install(self, resource: type[ResourceViewSet]) -> Callable[..., Response]: ...


class ResourceViewSet(ViewSetMixin, ApiView):
    """A resource is declared: its rows, their shape, its operations. An example:

        class SiteViewSet(ResourceViewSet):
            tag, noun = "Sites", "site"
            write_role = role_for(Right.SITES)
            queryset = Site.objects.order_by("name_key")
            serializer_class = SiteSerializer
            lookup = Lookup("site_id", "The number of the site.")
            operations = (
                List(SiteQuery),
                Get(),
                Create(SiteBody, sites.create),
                Change(SiteChanges, sites.update),
                Delete(sites.delete, description="A site with stations is refused with 409."),
            )

        router = Router()
        router.register("sites", SiteViewSet)

    It has the operations of the tuple and no others; all else is 405. From the declaration follow roles, the
    envelope with its sentences, ETags with If-Match (412), Idempotency-Key, the Location of a new row, and
    the OpenAPI document. A caller that is limited to sites has the rows of its sites, and is refused where
    rows have no site (`ocpp_server.sites`). A resource whose ETag would change by itself sets `has_etag` to
    False.

    A row's serializer gets `context["prepared"]`, which `prepare` loads for all rows of a page at once. The
    values of row extensions are attached where the serializer is an ExtendedSerializer; `get_queryset` must
    select `extensions.joined(...)`.

    Overridable: `get_queryset` (rows below `parent_row()`), `find`, `resolve` (ids in a body to rows),
    `prepare`, `shown`. An operation beyond those of `operations` is a method with `described`, and with DRF's
    `action` below it unless it is one of `list`, `create`, `retrieve`, `update`, `partial_update`, `destroy`.
    """

    tag: ClassVar[str]
    noun: ClassVar[str]
    nouns: ClassVar[str]  # the noun and "s"
    label: ClassVar[str]  # a row in a sentence: the noun and "{row}"
    key: ClassVar[str]  # the field of a list with its rows: nouns in snake_case
    component: ClassVar[str]  # the name in the OpenAPI document: the noun in CamelCase
    queryset: ClassVar[QuerySet[Any]]
    serializer_class: ClassVar[type[serializers.Serializer[Any]]]
    lookup: ClassVar[Lookup]
    lookup_query: ClassVar[type[StrictSerializer] | None] = None  # parameters that `find` reads
    parent: ClassVar[Lookup | None] = None
    operations: ClassVar[tuple[Installed, ...]] = ()
    has_etag: ClassVar[bool] = True
    deletions: ClassVar[type[Model] | None] = None  # the model whose deleted rows the list shows
    expansions: ClassVar[Mapping[str, Expansion]] = {}  # of `expand`: name of the field -> related row
    roles: ClassVar[dict[str, str]] = {}  # of the operations that have a role of their own

    # Whether the URL names one row; the router sets it.
    detail = False
    lookup_url_kwarg: ClassVar[str]
    lookup_value_converter: ClassVar[str] = "str"
    _parent_row: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)  # equivalent: the bases do nothing there
        if not hasattr(cls, "noun"):
            return  # a base of resources
        for name, default in (
            ("nouns", f"{cls.noun}s"),
            ("label", f"{cls.noun.capitalize()} {{row}}"),
            ("key", f"{cls.noun}s".replace(" ", "_")),
            ("component", cls.noun.title().replace(" ", "")),
        ):
            if not hasattr(cls, name):
                setattr(cls, name, default)
        if hasattr(cls, "serializer_class"):
            for shape in {cls.serializer_class, cls.listed_shape()}:
                rows.announce(shape, cls.expansions)
        if hasattr(cls, "lookup"):
            cls.lookup_url_kwarg = cls.lookup.name
        if cls.is_of_sites is None:
            cls.is_of_sites = cls._belongs_to_sites()
        for operation in cls.operations:
            cls.add(operation)

    @classmethod
    def _belongs_to_sites(cls) -> bool | None:
        """By the rows that are declared; None where neither a queryset nor a parent says it."""
        if hasattr(cls, "queryset"):
            return sites.has_sites(cls.queryset.model)
        named = cls.parent or getattr(cls, "lookup", None)
        return None if named is None else named.is_of_sites

    @classmethod
    def add(cls, operation: Installed) -> None:
        """Add an operation, before a router makes the URLs. Raises TypeError if there is one of its name."""
        if operation.method_name in vars(cls):
            raise TypeError(f"{cls.__name__} has the operation {operation.method_name} twice")
        if (role := getattr(operation, "role", None)) is not None:
            cls.roles = {**cls.roles, operation.method_name: role}
        setattr(cls, operation.method_name, operation.install(cls))

    @classmethod
    def listed_shape(cls) -> type[serializers.Serializer[Any]]:
        """The shape of a row in a list."""
        shapes = [getattr(one, "serializer", None) for one in cls.operations if one.method_name == "list"]
        return next((shape for shape in shapes if shape), cls.serializer_class)

    @classmethod
    def row_query(cls, kind: type[StrictSerializer] | None = None) -> type[Any]:
        """The query string of a read: `kind` with `fields`, `expand` and `deleted_from`."""
        return query_of(kind or RowQuery, tuple(sorted(cls.expansions)), cls.deletions is not None)

    def needed_role(self) -> str:
        return self.roles.get(str(self.action)) or super().needed_role()

    # -- rows --------------------------------------------------------------------------------------------

    def get_queryset(self) -> QuerySet[Any]:
        # Declared before there was a caller.
        return sites.limited(self.queryset.all())

    def parent_row(self, *, lock: bool = False) -> Any:
        """The row that the URL names before this resource; None without a parent. Raises Missing."""
        if self.parent is None:
            return None
        if lock or self._parent_row is None:
            self._parent_row = self.parent.found(self.kwargs[self.parent.name], lock=lock)
        return self._parent_row

    def find(self, *, lock: bool = False) -> Any:
        """The row that the URL names. Raises Missing, and Invalid for a bad number."""
        text = self.kwargs[self.lookup.name]
        if self.lookup.find is not None:
            return self.lookup.found(text, lock=lock)
        return by_number(self.get_queryset(), text, noun=self.noun, field=self.lookup.name, lock=lock)

    @contextmanager
    def guarded(self) -> Iterator[Any]:
        """The row, locked until its change is stored. Raises Outdated if If-Match names another state."""
        if not self.has_etag:
            yield self.find()
            return
        with etags.guarded(self.request, self.shown, self.find) as row:
            yield row

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a service from a validated body, such as rows instead of ids. Raises Invalid."""
        return given

    # -- answers -----------------------------------------------------------------------------------------

    def prepare(self, rows: list[Any]) -> Any:
        """Load values for all rows at once, for `context["prepared"]` of their serializer."""
        if name := getattr(self.serializer_class, "extended", ""):
            extensions.attach(name, rows)

    def shown(self, row: Any) -> dict[str, Any]:
        context = {"request": self.request, "prepared": self.prepare([row])}
        return dict(self.serializer_class(row, context=context).data)

    def asked(self) -> dict[str, Any]:
        """The validated query string of a read without pages. A parameter that it does not know is ignored,
        unless `find` reads parameters too.
        """
        own = self.lookup_query if self.detail else None
        kind = self.row_query(own)
        given = self.request.query_params.dict()
        known = given if own else {name: given[name] for name in kind().fields if name in given}
        serializer = kind(data=known)
        serializer.is_valid(raise_exception=True)
        validated: dict[str, Any] = serializer.validated_data
        return validated

    def chosen(self, row: Any, shown: dict[str, Any]) -> dict[str, Any]:
        """The shown row with the fields and the related rows that the query string asks for."""
        return arranged(
            self.request,
            self.asked(),
            [row],
            [shown],
            shape=self.serializer_class,
            expansions=self.expansions,
        )[0]

    def respond(self, sentence: str, shown: dict[str, Any], *, made: Any = None) -> Response:
        """The answer with one row; `made` is a row that the request created."""
        status, headers = 200, {}
        if made is not None:
            collection = quote(self.request.path.removesuffix("/"))
            status, headers = 201, {"Location": f"{collection}/{self.lookup.segment(made)}"}
        if self.has_etag:
            headers["ETag"] = etags.tag(shown)
        return answer(sentence, shown, status=status, headers=headers)

    @classmethod
    def documented(
        cls,
        operation: Any,
        answers: Any,
        *,
        status: int = 200,
        body: Any = None,
        query: type[StrictSerializer] | None = None,
        changes: bool = False,
        reads_row: bool = False,
        paged: bool = False,
    ) -> Callable[[Method], Method]:
        """The OpenAPI description of an operation."""
        lookups = [one for one in (cls.parent, cls.lookup if operation.is_detail else None) if one]
        path = {name: what for one in lookups for name, what in one.path.items()}
        query = query or (cls.lookup_query if operation.is_detail else None)
        if reads_row:
            query = cls.row_query(query)
        return described(
            operation.summarized(cls),
            answers,
            tag=cls.tag,
            status=status,
            body=body,
            query=query,
            path=path,
            also=operation.also,
            changes=changes,
            guarded=changes and operation.is_detail and cls.has_etag,
            tagged=not changes and operation.is_detail and operation.has_etag and cls.has_etag,
            shows_etag=changes and cls.has_etag,
            located=status == 201,
            paged=paged,
            description=operation.description or operation.usual_description(cls),
            deprecated=operation.deprecated,
        )


class Router(SimpleRouter):
    """DRF's router with our URLs: no slash at the end, and parameters as in `path()`.

    The prefix may have parameters: `contracts/<str:contract_id>/members`.
    """

    def __init__(self) -> None:
        super().__init__(trailing_slash=False, use_regex_path=False)

    def register(self, prefix: str, viewset: Any, basename: str | None = None) -> None:
        super().register(prefix, viewset, basename or re.sub("[^a-z]+", "-", prefix))
