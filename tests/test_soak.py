"""A minute of everything at once, with kills: right answers, and afterwards the same server.

script/soak does the same for an hour.
"""

from pathlib import Path

import pytest
from busy import busy
from soak import Soak

pytestmark = pytest.mark.server

LOAD_S = 40.0


def test_server_is_what_it_was_after_a_soak(tmp_path: Path) -> None:
    with busy(tmp_path) as server:
        soak = Soak(server, clients=3)
        wrong = soak.run(LOAD_S)
        print(soak.report())
        assert wrong == []
        assert {part for _, part in soak.story.kills} == {"child", "parent", "broker"}
