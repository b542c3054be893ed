"""A simulator whose clock stands still until it is told, and which makes clips of a second."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lumaboard.simulator import Simulator
from tests.simulator.tools import TINY, Asker, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips are the same for everybody, so they are rendered once for all tests."""
    return tmp_path_factory.mktemp("clips")


@pytest.fixture
def data_dir(tmp_path: Path, rendered: Path) -> Path:
    (tmp_path / "media").symlink_to(rendered)
    return tmp_path


@pytest.fixture
def make_simulator(data_dir: Path, clock: Clock) -> Iterator[Callable[..., Simulator]]:
    running = []

    def make(**options: object) -> Simulator:
        settings = {"data_dir": data_dir, "clock": clock, "style": TINY, "slow_seconds": 0.3} | options
        simulator = Simulator(**settings)  # type: ignore[arg-type]  # a test's options are any of them
        simulator.start()
        running.append(simulator)
        return simulator

    yield make
    for simulator in running:
        simulator.stop()


@pytest.fixture
def simulator(make_simulator: Callable[..., Simulator]) -> Simulator:
    return make_simulator()


@pytest.fixture
def asker(simulator: Simulator, clock: Clock) -> Iterator[Asker]:
    with Asker(simulator.url, clock) as asker:
        yield asker
