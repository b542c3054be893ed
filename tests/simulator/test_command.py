"""The simulator as a process."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import requests


def test_the_command_says_where_it_is_and_ends_when_asked(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lumaboard.simulator", "--bind", "127.0.0.1:0", "--data-dir", str(tmp_path)]
    command += ["--short-side", "64", "--max-seconds", "1", "--render-ahead"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.fullmatch(r"simulator ready on (http://127\.0\.0\.1:\d+)\n", process.stdout.readline())
        assert found
        answer = requests.get(f"{found[1]}/dream-machine/v1/ping", headers={"Authorization": "Bearer k"}, timeout=10)
        assert answer.json() == {"message": "pong"}
        taken = [*command[:4], found[1].removeprefix("http://"), *command[5:]]
        second = subprocess.run(taken, capture_output=True, text=True, timeout=20, check=False)
        assert second.returncode == 1
        assert "cannot listen" in second.stderr
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
