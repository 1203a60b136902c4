"""/webhook: GitHub tells of a push, and the app's newest commit is installed."""

from __future__ import annotations

from api.api_error import NotFound
from api.errors import NotAllowed
from api.install_refusals import InstallForbidden
from api.ocpu_request import OcpuRequest
from api.push_event import PushEvent, check_signature, delivered, payload_of
from api.reply import Reply, text
from api.services import Services

EXPLANATION = """\
This address installs an app anew whenever it is pushed to GitHub.

In the repository's settings on GitHub, add a webhook:

  Payload URL   {url}
  Content type  application/json
  Secret        the one of this server, if it has one (LARDER_INSTALL__WEBHOOK_SECRET)
  Events        just the push event

The server's larder.yaml has to allow the repository:

  install: {{allow: ["github::owner/repository"]}}

The default branch is installed, and served below {apps}.
"""


def webhook(request: OcpuRequest, parts: list[str], services: Services) -> Reply:
    """Answers /webhook; nothing is below it."""
    if parts:
        raise NotFound("There is nothing below /webhook")
    if request.reads:
        urls = {"url": request.url("/webhook"), "apps": request.url("/apps/")}
        return text(200, EXPLANATION.format(**urls))
    if request.method != "POST":
        raise NotAllowed(request.method, request.path)
    content = delivered(request.body)
    secret = services.ocpu.install.webhook_secret
    if secret is not None:
        check_signature(content, request.headers.get("x-hub-signature-256"), secret)
    event = request.headers.get("x-github-event", "push")
    if event == "ping":
        return text(200, "pong\n")
    if event != "push":
        return text(200, f"Ignored: nothing is done at the event '{event}', only at 'push'\n")
    return _pushed(request, PushEvent.read(payload_of(content, request.body.media_type)), services)


def _pushed(request: OcpuRequest, event: PushEvent, services: Services) -> Reply:
    name = event.repository
    if not services.ocpu.install.allows("github", name):
        raise InstallForbidden("github", name)
    if event.commit is None or not event.is_news:
        return text(200, f"Ignored: {event.ref} is not the default branch, or is gone\n")
    deployment = services.deployments.begin(name, event.commit)
    url = request.url(f"/apps/{name}/")
    try:
        installed = deployment.result(services.deployments.answer_within_s)
    except TimeoutError:
        return text(
            202,
            f"{name} is being installed. Look at {url}info in a while; the server's log has the"
            " outcome.\n",
            ("Location", f"{url}info"),
        )
    newer = "" if installed.commit == event.commit else f", newer than {event.commit}"
    return text(200, f"Installed {name} at commit {installed.commit}{newer}: {url}\n")
