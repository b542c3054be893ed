"""A script as people write them for CometAPI, with `requests` and nothing of ours: it knows a host, a key and two prompts.

`python comet_script.py HOST KEY` has films made, asks until they have ended, fetches what came of them and prints it as JSON.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from typing import Any

import requests

HOST, KEY = sys.argv[1:] if __name__ == "__main__" else ("", "")
HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", "Accept": "application/json"}
PROMPTS = ("[sim:legacy] A fox in the snow", "[sim:legacy,fail-moderation] Something it may not show")


def create(prompt: str) -> str:
    payload = json.dumps({"prompt": prompt, "aspect_ratio": "16:9", "loop": False})
    response = requests.request(
        "POST", f"{HOST}/dream-machine/v1/generations", headers=HEADERS, data=payload, timeout=90
    )
    response.raise_for_status()
    return str(response.json()["id"])


def wait(task_id: str) -> dict[str, Any]:
    gives_up_at = time.monotonic() + 60
    while time.monotonic() < gives_up_at:
        response = requests.request(
            "GET", f"{HOST}/dream-machine/v1/generations/{task_id}", headers=HEADERS, timeout=30
        )
        if response.status_code == 429:
            time.sleep(float(response.headers.get("Retry-After", "1")))
            continue
        response.raise_for_status()
        told: dict[str, Any] = response.json()
        if told["state"] in ("completed", "failed"):
            return told
        time.sleep(0.2)
    raise TimeoutError(task_id)


def main() -> None:
    said = []
    for task_id in [create(prompt) for prompt in PROMPTS]:
        told = wait(task_id)
        video = (told.get("video") or {}).get("download_url") or (told.get("video") or {}).get("url")
        film = requests.get(video, timeout=60).content if video else b""
        said.append(
            {"id": task_id, "told": sorted(told), "state": told["state"], "film": hashlib.sha256(film).hexdigest()}
        )
    unknown = requests.get(f"{HOST}/dream-machine/v1/generations/gone-gone", headers=HEADERS, timeout=30)
    json.dump({"films": said, "unknown": [unknown.status_code, unknown.text]}, sys.stdout)


if __name__ == "__main__":
    main()
