"""Starts the broker as if the machine, or its administrator, granted less than it does.

Run as `python poor_host.py LACKS CONFIG`: LACKS are words of `LACKS`, with commas between them, and
`landlock=N` for a kernel with an older version. What is taken is taken by the kernel, for good.
"""

import errno
import os
import sys

from engine import broker, landlock, privileges, seccomp
from engine.refused_calls import NEWEST
from engine.seccomp import Rule, has_bits

CLONE_NEWUSER = privileges.CLONE_NEWUSER
LACKS = {
    "namespaces": (
        Rule("unshare"),
        Rule("clone3", errno.ENOSYS),
        Rule("clone", errno.EPERM, (has_bits(0, CLONE_NEWUSER),)),
    ),
    "landlock": (Rule(landlock.CREATE_RULESET, errno.ENOSYS),),
}


def main() -> None:
    lacks = [word for word in sys.argv[1].split(",") if word]
    if "capabilities" in lacks:
        privileges.limit_capabilities()
        privileges.keep_capabilities()
    rules = [rule for word in lacks for rule in LACKS.get(word, ())]
    if rules:
        seccomp.gain_no_privileges()
        seccomp.load(seccomp.compile_filter(rules, newest=NEWEST))
    for word in lacks:
        name, _, version = word.partition("=")
        if name == "landlock" and version:
            landlock.abi = lambda version=version: int(version)  # type: ignore[misc]
    assert os.geteuid() != 0 or "capabilities" not in lacks or not privileges.has_capabilities(7)
    sys.argv[1:] = sys.argv[2:]
    broker.main()


if __name__ == "__main__":
    main()
