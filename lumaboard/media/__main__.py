"""`python -m lumaboard.media <verb> <file> …`: the process in which media bytes are decoded.

Prints one JSON object and exits with 0: an inspection. Exits with `REFUSED` or `UNREADABLE` after printing why.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Final

from lumaboard.media import limits
from lumaboard.media.errors import MediaError, MediaRefused, MediaUnreadable
from lumaboard.media.facts import Inspection

_EXIT_CODES: Final[dict[type[MediaError], int]] = {MediaRefused: 3, MediaUnreadable: 4}
_NICENESS: Final = 10
_RENDITION_THREADS: Final = 4  # two that decode and two that encode


def main(arguments: list[str]) -> int:
    wanted = _parser().parse_args(arguments)
    if wanted.verb == "preview":
        os.nice(_NICENESS)  # it may take minutes, and pages are served from the same machine
        limits.confine(seconds=wanted.timeout, threads=_RENDITION_THREADS, file_bytes=limits.RENDITION_BYTES)
    else:
        limits.confine(seconds=wanted.timeout)
    try:
        answer = _run(wanted).as_json()
    except (MediaRefused, MediaUnreadable) as error:
        json.dump({"reason": error.reason, "detail": error.detail}, sys.stdout)
        return _EXIT_CODES[type(error)]
    json.dump(answer, sys.stdout, allow_nan=False)
    return 0


def _run(wanted: argparse.Namespace) -> Inspection:
    from lumaboard.media import logo, preview, stills  # the decoders are loaded under the limits, not before them

    match wanted.verb:
        case "probe":
            return Inspection(facts=stills.probe(wanted.file))
        case "logo":
            return logo.draw_logo(wanted.file, wanted.out_dir)
        case "preview":
            return preview.make_preview(wanted.file, wanted.out_dir, mark=wanted.mark)
        case "social":
            return stills.make_social(wanted.file, wanted.out_dir, mark=wanted.mark, is_film=wanted.film)
        case _:
            return stills.inspect(
                wanted.file, wanted.out_dir, want_sprite=wanted.sprite, poster_at=wanted.poster_at, mark=wanted.mark
            )


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("file", type=Path)
    shared.add_argument("--timeout", type=float, default=60.0, help="seconds after which this process is ended")
    drawing = argparse.ArgumentParser(add_help=False, parents=[shared])
    drawing.add_argument("--out-dir", type=Path, required=True)
    making = argparse.ArgumentParser(add_help=False, parents=[drawing])
    making.add_argument("--mark", default="", help="the name to put into pictures for outsiders")
    parser = argparse.ArgumentParser(prog="python -m lumaboard.media", description="Look at one media file.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("probe", parents=[shared], help="print what the file holds")
    inspect = verbs.add_parser("inspect", parents=[making], help="print what the file holds, and write its stills")
    inspect.add_argument("--sprite", action=argparse.BooleanOptionalAction, default=True)
    inspect.add_argument("--poster-at", type=float, default=None, metavar="SECOND")
    verbs.add_parser("logo", parents=[drawing], help="draw a small picture anew, keeping what is transparent")
    verbs.add_parser("preview", parents=[making], help="write a smaller, marked rendition")
    social = verbs.add_parser("social", parents=[making], help="write the stills for outsiders, of a poster")
    social.add_argument("--film", action=argparse.BooleanOptionalAction, default=True)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
