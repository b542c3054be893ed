"""Starts the simulator: `python -m lumaboard.simulator --bind 127.0.0.1:8787 --data-dir DIR`."""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from .clips import ClipStyle
from .server import DEFAULT_LINK_SECONDS, Simulator


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m lumaboard.simulator", description="A fake video provider.")
    parser.add_argument("--bind", default="127.0.0.1:8787", type=_address, metavar="HOST:PORT", help="0: any free port")
    parser.add_argument("--data-dir", required=True, type=Path, help="keeps first sightings, clips and the link secret")
    parser.add_argument("--pace", default=1.0, type=float, help="0.1 makes generations settle ten times faster")
    parser.add_argument("--link-seconds", default=DEFAULT_LINK_SECONDS, type=int, help="how long a media link lives")
    parser.add_argument("--slow-seconds", default=5.0, type=float, help="what slow answers take")
    parser.add_argument("--short-side", default=ClipStyle().short_side, type=int, help="size of the clips in pixels")
    parser.add_argument("--fps", default=ClipStyle().fps, type=int)
    parser.add_argument(
        "--max-seconds", default=ClipStyle().max_seconds, type=float, help="cut every clip to this length"
    )
    parser.add_argument("--render-ahead", action="store_true", help="render the common clips in the background")
    parser.add_argument(
        "--wait-for-renders",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="keep a generation running until its clip is there, however fast its pace",
    )
    options = parser.parse_args()
    try:
        simulator = _simulator(options)
    except OSError as error:
        parser.exit(1, f"cannot listen on {options.bind[0]}:{options.bind[1]}, or write {options.data_dir}: {error}\n")

    asked_to_end = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: asked_to_end.set())
    simulator.start()
    sys.stdout.write(f"simulator ready on {simulator.url}\n")
    sys.stdout.flush()
    asked_to_end.wait()
    simulator.library.close()
    os._exit(0)  # at once: nobody waits for slow answers under way, and the files are whole at every moment


def _simulator(options: argparse.Namespace) -> Simulator:
    return Simulator(
        bind=options.bind,
        data_dir=options.data_dir,
        pace=options.pace,
        link_seconds=options.link_seconds,
        slow_seconds=options.slow_seconds,
        style=ClipStyle(options.short_side, options.fps, options.max_seconds),
        render_ahead=options.render_ahead,
        waits_for_renders=options.wait_for_renders,
    )


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise argparse.ArgumentTypeError("expected HOST:PORT")
    return host, int(port)


if __name__ == "__main__":
    main()
