"""Loads templates with what never changes written out: words, icons, addresses without arguments, static files.

A page has hundreds of them, and each costs as much as a value of the page. What stands side by side is put together
once for each language and kept as one piece of text. What a tag stores under a name (`as`) or takes from the page stays
as Django has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.template import Context, Origin, Template
from django.template.base import FilterExpression, Node, NodeList, TextNode
from django.template.defaulttags import CommentNode, LoadNode, URLNode
from django.template.library import SimpleNode
from django.template.loaders import cached
from django.templatetags.i18n import TranslateNode
from django.templatetags.static import StaticNode
from django.urls import get_script_prefix
from django.utils.translation import get_language

from accounts.templatetags.icons import icon


class Loader(cached.Loader):
    """Django's loader that keeps templates, with their constants written out."""

    def get_template(self, template_name: str, skip: list[Origin] | None = None) -> Template:
        template = super().get_template(template_name, skip)
        if not getattr(template, "is_folded", False):
            _fold(template.nodelist)
            template.is_folded = True  # type: ignore[attr-defined]  # remembers that it was folded
        return template


class _Constant(Node):
    """Nodes that give the same text in the same language: escaped in HTML, and as it is in the text of a mail."""

    child_nodelists = ()

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        # Which place of the template errors name.
        self.token, self.origin = nodes[0].token, nodes[0].origin
        self._texts: dict[tuple[str | None, bool, str], str] = {}

    def render(self, context: Context) -> str:
        key = (get_language(), context.autoescape, get_script_prefix())
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = "".join([str(node.render_annotated(context)) for node in self._nodes])
        return text


def _fold(nodes: NodeList) -> None:
    for nodelist in _nodelists(nodes):
        _fold(nodelist)
    nodes[:] = list(_folded(nodes))


def _nodelists(nodes: Iterable[Node]) -> Iterator[NodeList]:
    for node in nodes:
        if hasattr(node, "conditions_nodelists"):
            yield from (nodelist for _condition, nodelist in node.conditions_nodelists)
            continue
        for name in node.child_nodelists:
            nodelist = getattr(node, name, None)
            if isinstance(nodelist, NodeList):
                yield nodelist


def _folded(nodes: Iterable[Node]) -> Iterator[Node]:
    run: list[Node] = []
    for node in [*nodes, None]:
        if node is not None and _is_constant(node):
            run.append(node)
            continue
        # Text alone is as quick as it can be.
        if len(run) > 1 or not all(isinstance(each, TextNode) for each in run):
            yield _Constant(run)
        else:
            yield from run
        run = []
        if node is not None:
            yield node


def _is_constant(node: Node) -> bool:
    if isinstance(node, TextNode | LoadNode | CommentNode):
        return True
    if isinstance(node, TranslateNode):
        asked = [node.filter_expression, *filter(None, [node.message_context])]
        return node.asvar is None and all(map(_is_literal, asked))
    if isinstance(node, URLNode):
        # The address of a name within a namespace depends on where the page is.
        takes = node.args or node.kwargs or node.asvar is not None
        return not takes and _is_literal(node.view_name) and ":" not in node.view_name.token
    if isinstance(node, StaticNode):
        return node.varname is None and _is_literal(node.path)
    if isinstance(node, SimpleNode):
        given = [*node.args, *node.kwargs.values()]
        return node.func is icon and node.target_var is None and all(map(_is_literal, given))
    return False


def _is_literal(expression: FilterExpression | Any) -> bool:
    """Say whether it stands there as it is, or as words to translate, with no filter."""
    if expression.filters:
        return False
    return not expression.is_var or expression.var.literal is not None
