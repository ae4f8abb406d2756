"""What the examples need to know: copy it to the board as secrets.py, with your own values."""

WIFI_NAME = "my network"
WIFI_PASSWORD = "my password"

# Arguments of KiloPush that are not for everybody's eyes. Tokens and secret are in the app; the
# root certificate comes from tools/board_roots.py, which prints this line.
KILOPUSH = {
    "to": "u_...",  # or ("u_...", "u_...")
    "token": "c_...",
    "secret": "...",
    "ca": "/roots/root.der",
}
