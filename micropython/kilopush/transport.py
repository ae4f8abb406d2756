"""What a way to the API looks like to the engine: ``https.Direct`` is one, ``legacy`` another.

    host, secure    the server's name; whether its certificate is checked, which needs the time
    busy            whether an exchange is under way
    post(pieces)    begin to send: ``pieces()`` yields the body in small pieces, each time anew
    head()          begin to ask for the time of the API, without a secret and free of charge
    step()          None: under way. ``READY``, once in a post: connected, and not one byte of the
                    body has left; ``go()`` goes on. Else the ``Verdict``: then it is over.
    cancel()        end it now; return whether the message may have left

None of them raises or waits for the network.
"""

READY = "ready"
