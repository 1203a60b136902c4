"""The engine role: the broker, with its log in our form.

Run as `python -m larder.engine_role CONFIG LEVEL FORMAT`, CONFIG being the broker's own. This
process and its children never see the settings: R code could read them there.
"""

import sys

from engine import broker
from larder.log import configure_log


def main() -> None:
    """Runs the broker until SIGTERM."""
    config, level, form = sys.argv[1:4]
    configure_log(level=level, form=form, role="engine")
    sys.argv[1:] = [config]
    broker.main()


if __name__ == "__main__":
    main()
