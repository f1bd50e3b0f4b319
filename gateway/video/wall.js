// One picture: opened with a reason, offered once, its states heard as events, come back by itself.

import { MISSING, ask, asked, refusal } from "./asking.js";
import { Marking } from "./evidence.js";
import { listen } from "./listening.js";

export const STATES = {
  IDLE: "未连接 Idle", CONNECTING: "正在连接摄像机 Connecting", WAITING_KEY: "等待首个画面 Waiting for a whole picture", LIVE: "实时 Live",
  STALLED: "画面停顿 Stalled", LOST: "连接中断 Lost", BACKOFF: "稍后重试 Trying again soon", UNSUPPORTED_CODEC: "编码不支持 Codec not supported",
  UNSUPPORTED_BFRAMES: "含 B 帧，不支持 B-frames", UNAUTHORISED: "摄像机用户名或密码错误 Camera refuses its password",
};
const OPEN = `mutation Open($camera: ID!, $reason: String!, $purpose: ViewingPurpose!) {
  openCamera(camera: $camera, reason: $reason, purpose: $purpose) { whepUrl eventsUrl token expiresAt endsAt viewer cameraName }
}`;
const AGAIN = ["CAMERA_CHANGED", "GATEWAY_ENDED"]; // ends after which the camera is opened anew, with the same reason
const PAUSES = [0.3, 1, 2, 5, 10, 15];

const wait = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

export class Picture {
  constructor(camera, asked) {
    Object.assign(this, { camera, asked, over: false, tries: 0, token: "", opening: null, peer: null, location: "" });
    this.figure = document.createElement("figure");
    this.video = Object.assign(document.createElement("video"), { autoplay: true, muted: true, playsInline: true });
    const over = part("over", "");
    this.mark = part("mark", "");
    this.state = part("state", "");
    this.state.role = "status";
    const name = [camera.tenant?.name, camera.hall?.name, camera.window?.name, camera.name].filter(Boolean).join(" · ");
    over.append(part("name", name), this.state, this.mark);
    this.figure.ariaLabel = name;
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "关闭 Close" });
    button.addEventListener("click", () => this.asked.closed());
    this.marking = new Marking(this);
    this.figure.append(this.video, over, button, this.marking.form);
    this.clock = setInterval(() => this.overlay(), 500);
  }

  overlay() {
    if (this.opening) this.mark.textContent = `${this.opening.viewer} ${new Date().toLocaleString("zh-CN", { hour12: false, timeZone: "Asia/Shanghai" })}`;
  }

  say(text, bad = false) {
    this.state.textContent = text;
    this.state.classList.toggle("bad", bad);
  }

  /** Opens the camera on record, then keeps a picture up until it is over. */
  async open() {
    try {
      const { reason, purpose } = this.asked;
      this.opening = (await ask(this.asked.token(), OPEN, { camera: this.camera.id, reason, purpose })).openCamera;
    } catch (problem) {
      if (problem.code || this.over) return this.end(problem.message);
      this.say(problem.message, true); // nobody answers: it is asked again until somebody does
      return this.reopen();
    }
    this.token = this.opening.token;
    this.overlay();
    this.listen(this.opening.eventsUrl);
    await this.show();
  }

  async show() {
    while (!this.over) {
      try {
        await this.offer();
        this.tries = 0;
        await this.gone;
      } catch (problem) {
        if (problem.code?.startsWith("VIDEO_TOKEN")) return this.reopen();
        if (problem.code !== "INTERNAL") this.say(problem.message, true);
      }
      this.drop();
      if (!this.over) await wait(PAUSES[Math.min(this.tries++, PAUSES.length - 1)]);
    }
  }

  /** The token is spent or too old: the camera is opened anew, with the same reason, on record again. */
  async reopen() {
    this.drop();
    this.unlisten?.();
    await wait(PAUSES[Math.min(this.tries++, PAUSES.length - 1)]);
    if (!this.over) await this.open();
  }

  async offer() {
    const token = this.token;
    const peer = this.peer = new RTCPeerConnection({ iceServers: await this.iceServers() });
    for (const kind of ["video", "audio"]) peer.addTransceiver(kind, { direction: "recvonly" });
    peer.addEventListener("track", (event) => {
      if (event.track.kind === "video") this.video.srcObject = event.streams[0] ?? new MediaStream([event.track]);
    });
    this.gone = new Promise((done) => {
      peer.addEventListener("connectionstatechange", () => ["failed", "closed"].includes(peer.connectionState) && done());
      this.ended = done;
    });
    await peer.setLocalDescription(await peer.createOffer());
    await gathered(peer);
    const headers = { "content-type": "application/sdp" };
    const response = await asked(this.opening.whepUrl, token, { method: "POST", headers, body: peer.localDescription.sdp });
    if (response.status !== 201) throw await refusal(response);
    this.location = response.headers.get("location");
    this.listen(`${this.location}/events`);
    await peer.setRemoteDescription({ type: "answer", sdp: await response.text() });
    // connectionState learns of the other side's going after seconds, the DTLS transport at once
    const transport = peer.getTransceivers()[0].receiver.transport;
    transport?.addEventListener("statechange", () => ["closed", "failed"].includes(transport.state) && this.ended());
  }

  /** The way around a firewall, where there is one: it must be known before the offer, which brings its candidates along. */
  async iceServers() {
    const response = await asked(this.opening.whepUrl, this.token, { method: "OPTIONS" });
    return response.ok ? servers(response.headers.get("link") ?? "") : [];
  }

  /** States and the end, as they come; of the picture that was got also renewed tokens. */
  listen(url) {
    this.unlisten?.();
    this.unlisten = listen(url, () => this.token, (event, said) => this.told(event, said));
  }

  told(event, said) {
    if (event === "token") this.token = said.token;
    if (event === "state") this.say(said.reason ? `${STATES[said.state]} — ${said.reason}` : STATES[said.state], Boolean(said.reason));
    if (event === "silent") this.say(MISSING, true); // what it was, it need not be any more
    if (event === "gone") this.ended?.(); // the process that showed it: nothing on the network says so
    if (event === "ended" && AGAIN.includes(said.how)) {
      this.say(said.message, true);
      return this.reopen();
    }
    if (event === "ended") this.end(said.message);
  }

  drop() {
    this.peer?.close();
    this.peer = null;
    this.video.srcObject = null;
  }

  end(text) {
    this.over = true;
    this.unlisten?.();
    this.ended?.();
    this.drop();
    this.say(text, true);
  }

  close() {
    const { location, token } = this;
    this.over = true;
    clearInterval(this.clock);
    this.marking.close();
    this.unlisten?.();
    this.ended?.();
    if (this.peer && location) fetch(location, { method: "DELETE", keepalive: true, headers: { authorization: `Bearer ${token}` } }).catch(() => {});
    this.drop();
    this.figure.remove();
  }
}

function part(name, text) {
  return Object.assign(document.createElement("div"), { className: name, textContent: text });
}

/**
 * Candidates go with the offer: there is no trickle. A second is enough for those of this machine; where there is a TURN server,
 * its relayed one is waited for up to three.
 */
function gathered(peer) {
  const relays = peer.getConfiguration().iceServers.some(({ urls }) => [urls].flat().some((url) => url.startsWith("turn")));
  const relayed = () => !relays || peer.localDescription.sdp.includes(" typ relay ");
  const until = (event, there) => new Promise((done) => {
    const look = () => there() && done();
    peer.addEventListener(event, look);
    look();
  });
  const complete = until("icegatheringstatechange", () => peer.iceGatheringState === "complete");
  return Promise.race([complete, Promise.all([wait(1), until("icecandidate", relayed)]), wait(3)]);
}

/** The ICE servers of a Link header, with their credentials. */
export function servers(link) {
  return [...link.matchAll(/<([^>]*)>((?:\s*;\s*[\w-]+="[^"]*")*)/g)].map(([, urls, rest]) => {
    const said = Object.fromEntries([...rest.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
    const { rel, username, credential } = said;
    return rel === "ice-server" ? { urls, ...(username && { username, credential }) } : null;
  }).filter(Boolean);
}
