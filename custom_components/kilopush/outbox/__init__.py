"""What waits, what was spent, and what is to be done: without Home Assistant, network or clock.

Time is an argument everywhere. ``channel`` acts on what is decided here.
"""
