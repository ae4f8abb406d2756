"""`python -m kilopush_bridge`."""

from kilopush_bridge.cli import main

main()
