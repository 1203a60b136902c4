"""The engine role: the broker, with its log in our form.

Run as `python -m larder.engine_role CONFIG LEVEL FORMAT [HOST]`, CONFIG being the broker's own,
HOST the address where an insecure server listens. This process and its children never see the
settings: R code could read them there.
"""

import sys

from engine import broker
from larder.log import configure_log, warn_if_insecure


def main() -> None:
    """Runs the broker until SIGTERM."""
    config, level, form, *exposed = sys.argv[1:5]
    configure_log(level=level, form=form, role="engine")
    for host in exposed:
        warn_if_insecure(host)
    sys.argv[1:] = [config]
    broker.main()


if __name__ == "__main__":
    main()
