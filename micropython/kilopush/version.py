"""The version of the module, in a file of its own: the parts that need it import no other part."""

VERSION = "0.1.0"
