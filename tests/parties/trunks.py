"""The trunks of the run's Asterisk: behind each is a phone on a loopback address of its own (see world.Outside)."""

TRUNKS = {
    "police": "127.0.0.81", "police-2": "127.0.0.82", "fire": "127.0.0.83", "medical": "127.0.0.84",
    "expert": "127.0.0.85", "linked": "127.0.0.86",
}  # fmt: skip
"""Trunk of the directory → the only address whose calls come in by it; its phone's port is the plan's."""
