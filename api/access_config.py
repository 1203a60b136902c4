"""What an operator decides about access."""

from __future__ import annotations

from dataclasses import dataclass, field

from api.client_address import Proxies
from api.cross_origin import Pages
from api.hosts import Hosts
from jobs.role import Role


@dataclass(frozen=True)
class AccessConfig:
    """Who may ask.

    Attributes:
        is_open: Whether everybody may who reaches the server, as long as no key was ever made.
        is_alone: Whether only this machine can reach the server, as long as nothing passes on.
        key_in_query: Whether `?key=` counts.
        anonymous: The role of who shows no key, for what asks for none.
        hosts: The names that are answered to.
        hosts_while_open: The same as long as nobody is asked for a key.
        proxies: Who may say whom they pass on.
        pages: The web pages of elsewhere that may call.
    """

    is_open: bool = True
    is_alone: bool = False
    key_in_query: bool = False
    anonymous: Role = Role.VIEWER
    hosts: Hosts = field(default_factory=Hosts)
    hosts_while_open: Hosts = field(default_factory=Hosts)
    proxies: Proxies = field(default_factory=Proxies)
    pages: Pages = field(default_factory=Pages)
