"""Tools: what an assistant can ask of an index, each one call of the service."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any
from urllib.parse import quote

from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from search_api.mcp.inner_service import InnerService, RefusedError

__all__ = ["make_tools"]

_INSTRUCTIONS = (
    "Search a shop's products by words, by an image, or by products that are alike. Call `facets` "
    "first to learn the fields, and the values that filters can name. `confidence` is the "
    "probability that a hit is what was asked for; `no_match` says that nothing is."
)
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
# Fields with values that a shopper would choose from.
_MOST_FACETS = 8

_Id = Annotated[str, Field(description="The product's id, as a hit has it.")]
_Ids = Annotated[list[str], Field(description="Ids of products, as hits have them.")]
_Count = Annotated[int, Field(ge=1, le=100, description="How many hits at most.")]
_Base64 = Annotated[str, Field(description="An image file in base64.")]
_Filter = Annotated[
    dict[str, Any] | None,
    Field(
        description="Conditions on fields, all of which hold: a value, a list of values, or a "
        "range.",
        examples=[{"colour": "red", "price": {"gte": 10, "lt": 50}}],
    ),
]


class _Tools:
    """The tools, as methods."""

    def __init__(self, service: InnerService) -> None:
        self._service = service

    async def search(
        self,
        context: Context,
        text: Annotated[
            str | None,
            Field(description="What is looked for, in words; `-word` leaves out what shows it."),
        ] = None,
        image_base64: _Base64 | None = None,
        filter: _Filter = None,  # noqa: A002 (the name of the HTTP API)
        sort: Annotated[
            list[dict[str, str]] | None,
            Field(
                description="Order by fields instead of relevance.",
                examples=[[{"field": "price", "order": "asc"}]],
            ),
        ] = None,
        k: _Count = 10,
    ) -> dict[str, Any]:
        """Find the products that fit words, an image, or both; without either, browse."""
        body = {"text": text, "image_base64": image_base64, "filter": filter, "sort": sort, "k": k}
        return _found(await self._ask(context, "POST", "/v1/search", body=body))

    async def similar(self, context: Context, id: _Id, k: _Count = 10) -> dict[str, Any]:  # noqa: A002
        """Find the products that look like one product."""
        path = f"/v1/items/{quote(id, safe='')}/similar"
        return _found(await self._ask(context, "GET", path, parameters={"k": k}))

    async def recommend(
        self,
        context: Context,
        liked: _Ids,
        disliked: _Ids | None = None,
        k: _Count = 10,
    ) -> dict[str, Any]:
        """Find products for somebody who likes some products, and dislikes others."""
        body = {"liked": liked, "disliked": disliked, "k": k}
        return _found(await self._ask(context, "POST", "/v1/recommend", body=body))

    async def tags(
        self,
        context: Context,
        image_base64: _Base64,
        labels: Annotated[
            list[str] | None,
            Field(description="Labels to choose from; by default, the taxonomy of retail."),
        ] = None,
    ) -> dict[str, Any]:
        """Say what an image shows: type, colour, pattern and so on, with confidence."""
        choice = {"labels": labels} if labels else {"taxonomies": ["retail"]}
        body = {"image_base64": image_base64, **choice}
        answer = await self._ask(context, "POST", "/v1/tags", body=body)
        return {"tags": answer["tags"]}

    async def facets(
        self,
        context: Context,
        fields: Annotated[
            list[str] | None,
            Field(description="Fields to count; by default, those whose values repeat."),
        ] = None,
        text: Annotated[str | None, Field(description="Count only what fits these words.")] = None,
        filter: _Filter = None,  # noqa: A002
    ) -> dict[str, Any]:
        """Count the products for each value of the catalog's fields."""
        about = await self._ask(context, "GET", "/v1/index")
        counted = fields or list(about["fields"])[:_MOST_FACETS]
        body = {"text": text, "filter": filter, "facets": counted, "k": 1}
        answer = await self._ask(context, "POST", "/v1/search", body=body)
        facets = answer["facets"]
        if not fields:  # a title that each product has for itself is nothing to choose from
            facets = {name: pairs for name, pairs in facets.items() if pairs and pairs[0][1] > 1}
        told = {name: answer[name] for name in ("total", "total_relation")}
        return {**told, "facets": facets, "fields": about["fields"]}

    async def picture(self, context: Context, id: _Id) -> Image:  # noqa: A002
        """Show a product's image."""
        answer = await self._call(context, "GET", f"/v1/items/{quote(id, safe='')}/image/0")
        return Image(data=answer.content, format=answer.headers["content-type"].split("/")[1])

    async def _ask(self, context: Context, method: str, path: str, **options: Any) -> Any:
        return (await self._call(context, method, path, **options)).json()

    async def _call(self, context: Context, method: str, path: str, **options: Any) -> Any:
        request = context.request_context.request
        if request is not None:  # over HTTP
            options |= {"headers": dict(request.headers), "caller": tuple(request.client)}
        try:
            return await self._service.call(method, path, **options)
        except RefusedError as error:
            raise ToolError(str(error)) from None


def make_tools(service: InnerService) -> MCPServer:
    """Make the server of the tools.

    Args:
        service: Answers the calls.
    """
    server: MCPServer = MCPServer(
        "lookalike", version=version("lookalike"), instructions=_INSTRUCTIONS, log_level="WARNING"
    )
    tools = _Tools(service)
    for tool in (tools.search, tools.similar, tools.recommend, tools.tags, tools.facets):
        server.add_tool(tool, annotations=_READS)
    server.add_tool(tools.picture, annotations=_READS, structured_output=False)
    return server


def _found(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what an assistant needs of an answer: empty members and addresses are left out."""
    hits = [{name: hit[name] for name in ("id", "confidence", "fields")} for hit in answer["hits"]]
    told = ("total", "total_relation", "no_match", "understood", "suggestions")
    return {"hits": hits, **{name: answer[name] for name in told if answer.get(name)}}
