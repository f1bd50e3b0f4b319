"""Janus 1.1.2 of Debian, its streaming plugin and two event loops, as another way of serving the same film.

Installed by this set-up where it is missing. Spoken to over its HTTP interface; Janus makes the offer.
"""

import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx

from bench.video.sinks import Sink

CONFIG = {
    "janus.jcfg": """general: {{
  configs_folder = "{folder}"
  plugins_folder = "/usr/lib/x86_64-linux-gnu/janus/plugins"
  transports_folder = "/usr/lib/x86_64-linux-gnu/janus/transports"
  debug_level = 2
  event_loops = 2
}}
nat: {{ nice_debug = false }}
plugins: {{ disable = "{unused}" }}
transports: {{ disable = "libjanus_websockets.so,libjanus_pfunix.so,libjanus_mqtt.so,libjanus_nanomsg.so" }}
""",
    "janus.transport.http.jcfg": """
general: {{ json = "compact", base_path = "/janus", http = true, port = {port}, ip = "127.0.0.1" }}
admin: {{ admin_http = false }}
""",
    "janus.plugin.streaming.jcfg": """hall: {{
  type = "rtp", id = 1, audio = false, video = true, videoport = {feed}, videopt = 126, videocodec = "h264",
  videofmtp = "profile-level-id=42e01f;packetization-mode=1"
}}
""",
}
UNUSED = (
    "audiobridge",
    "duktape",
    "echotest",
    "lua",
    "nosip",
    "recordplay",
    "sip",
    "textroom",
    "videocall",
    "videoroom",
    "voicemail",
)


def installed() -> None:
    """Puts Debian's package there where it is missing; needs root."""
    if shutil.which("janus") is None:
        subprocess.run(["apt-get", "update", "-qq"], check=True, stdout=2)
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "janus"]
        subprocess.run(
            command, check=True, stdout=2, env={"DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        )


def configured(folder: Path, port: int, feed: int) -> list[str]:
    """The command that runs it; its files are written into the folder."""
    unused = ",".join(f"libjanus_{name}.so" for name in UNUSED)
    for name, text in CONFIG.items():
        (folder / name).write_text(text.format(folder=folder, port=port, feed=feed, unused=unused))
    return ["janus", "-F", str(folder)]


async def joined(client: httpx.AsyncClient, port: int) -> Sink:
    """One viewer of the film."""
    at = f"http://127.0.0.1:{port}/janus"
    at += f"/{(await _asked(client, at, {'janus': 'create'}))['data']['id']}"
    handle = (await _asked(client, at, {"janus": "attach", "plugin": "janus.plugin.streaming"}))["data"]["id"]
    await _asked(client, f"{at}/{handle}", {"janus": "message", "body": {"request": "watch", "id": 1}})
    offer = await _told(client, at)
    sink = Sink()
    answer = await sink.answer(offer["jsep"]["sdp"])
    start = {"janus": "message", "body": {"request": "start"}, "jsep": {"type": "answer", "sdp": answer}}
    await _asked(client, f"{at}/{handle}", start)
    await sink._ready()
    return sink


async def _asked(client: httpx.AsyncClient, at: str, what: dict[str, Any]) -> dict[str, Any]:
    return dict((await client.post(at, json={**what, "transaction": secrets.token_hex(6)})).json())


async def _told(client: httpx.AsyncClient, at: str) -> dict[str, Any]:
    while True:
        found = (await client.get(at, timeout=30)).json()
        if "jsep" in found:
            return dict(found)
