"""A first configuration: from answers to the text of the files, and what makes an answer one."""

from kilopush_bridge.setup.answers import Answers, Keep
from kilopush_bridge.setup.checks import AnswerError
from kilopush_bridge.setup.devices import FILTERS, Kind, kinds_in
from kilopush_bridge.setup.files import config_text, merged_secrets, references

__all__ = [
    "FILTERS",
    "AnswerError",
    "Answers",
    "Keep",
    "Kind",
    "config_text",
    "kinds_in",
    "merged_secrets",
    "references",
]
