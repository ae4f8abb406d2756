"""Freezes the module: a board's manifest says `include("PATH/micropython/manifest.py")`."""

# ruff: noqa: F821 - whoever reads a manifest gives it these two
metadata(description="Alarms to KILO.Push, within its quota", version="0.1.0")
package("kilopush")
