"""The demonstration: real payloads through the real bridge into an emulated phone."""
