"""Run the self-test on a board that is made up: run_selftest.py API [CA]."""

import sys

import board_fakes

API = sys.argv[1]
HERE = __file__.split("/tests/")[0] + "/micropython"

board_fakes.install()
board_fakes.mount_flash()
sys.path += ["/pc" + HERE, "/pc" + HERE + "/examples"]
arguments = {"ca": "/pc" + sys.argv[2]} if sys.argv[2:] else {"insecure": True}
arguments["api"] = API
board_fakes.install_secrets(arguments)
import selftest  # noqa: E402, F401 - it runs
