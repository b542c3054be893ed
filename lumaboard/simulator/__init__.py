"""A fake upstream over real HTTP, for `make run`, the tests and the bench. See docs/simulator.md.

It imports nothing else of lumaboard, so that it cannot share the mistakes of the code it stands opposite to.
"""

from .clips import ClipStyle
from .server import Simulator

__all__ = ["ClipStyle", "Simulator"]
