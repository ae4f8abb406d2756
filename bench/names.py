"""Topics and texts that the programs of a run agree on."""

EVERYTHING = "house/#"
END_TOPIC = "house/end"  # the last message of a run; a program that alerts turns it into a POST
END_TEXT = "end"
READY_TOPIC = "bench/ready"
RESULT_TOPIC = "bench/result"
