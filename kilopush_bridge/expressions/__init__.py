"""Conditions and templates: Jinja2's syntax, three truth values, nothing else within reach."""

from kilopush_bridge.expressions.expression import Expression
from kilopush_bridge.expressions.scope import Scope
from kilopush_bridge.expressions.syntax import ExpressionError
from kilopush_bridge.expressions.template import RenderFailure, Template
from kilopush_bridge.expressions.values import UNKNOWN, Unknown, text_of

__all__ = [
    "UNKNOWN",
    "Expression",
    "ExpressionError",
    "RenderFailure",
    "Scope",
    "Template",
    "Unknown",
    "text_of",
]
