"""A picture by way of a real TURN server alone, with the credentials that the gateway tells, gone with the right to it."""

from pathlib import Path

import pytest

from tests.video.chromium import Page, chromium
from tests.video.test_page import enter, frames_grow
from tests.video.turning import turning
from tests.video.watching import served, some_in_both, withdrawn

pytestmark = [pytest.mark.chromium, pytest.mark.coturn]

RELAYED = """window.RTCPeerConnection = class extends window.RTCPeerConnection {
  constructor(settings) { super({ ...settings, iceTransportPolicy: "relay" }); }
}, true"""
"""No candidate of this machine is offered: as behind a firewall that lets nothing else out."""
USED = """(async () => {
  const found = [...(await [...wall.values()][0].peer.getStats()).values()];
  const transport = found.find((one) => one.type === "transport");
  const pair = found.find((one) => one.id === transport.selectedCandidatePairId);
  const own = found.find((one) => one.id === pair.localCandidateId);
  return [own.candidateType, own.relayProtocol].join();
})()"""
REFUSED = """(async () => {
  const [server] = [...wall.values()][0].peer.getConfiguration().iceServers;
  const peer = new RTCPeerConnection({ iceServers: [{ ...server, credential: "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" }] });
  const refused = new Promise((done) => peer.addEventListener("icecandidateerror", (event) => done(event.errorCode)));
  peer.addTransceiver("video");
  await peer.setLocalDescription(await peer.createOffer());
  return refused;
})()"""
"""The code with which the TURN server refuses the same user with another credential."""


@some_in_both("transport", ["udp", "tcp"], {"udp"})
async def test_a_picture_by_way_of_a_turn_server_alone(tmp_path: Path, film: Path, transport: str) -> None:
    async with (
        turning(tmp_path / "turn") as turn,
        served(tmp_path / "data", film, **turn.settings(transport)) as at,
        chromium(tmp_path / "chromium", f"{at.client.base_url}/video/demo") as page,
    ):
        await enter(at, page, "province", "查看窗口秩序")
        await page.run(RELAYED)
        await page.run("document.querySelector('#cameras button').click()")
        await page.until("document.querySelector('video')?.videoWidth === 320", 60)
        await frames_grow(page)
        assert await page.run(USED) == f"relay,{transport}"
        assert await page.run(REFUSED) == 401
        await page.picture(tmp_path / "page.png")
        await at.registry.grant(withdrawn("province"))
        await gone(page)
        await at.ended("RIGHT_WITHDRAWN")


async def gone(page: Page) -> None:
    await page.until("document.querySelector('video').srcObject === null")
    assert await page.until("document.querySelector('.state.bad')?.textContent") == "The right to look was withdrawn."
