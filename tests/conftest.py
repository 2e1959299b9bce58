import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from support.meridian import Meridian  # noqa: E402


@pytest.fixture(scope="session")
def meridian(tmp_path_factory):
    """One Meridian with the three tiny models, shared by the client scenarios."""
    with Meridian(tmp_path_factory.mktemp("shared") / "data") as running:
        running.add_tiny("answer", "tiny")
        running.add_tiny("loop", "endless", "--slots", "2")
        running.add_tiny("embedding", "vectors")
        yield running


@pytest.fixture
def fresh(tmp_path):
    """A Meridian of one's own, not started yet."""
    made = Meridian(tmp_path / "data")
    yield made
    made.stop()
