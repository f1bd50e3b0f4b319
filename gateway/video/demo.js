// The page: who asks, which cameras there are, and a wall of up to nine of them. What one picture does is in wall.js.
import { ask, chosen } from "./asking.js";
import { anew } from "./listening.js";
import { Picture } from "./wall.js";

const MOST = 9;
const at = (id) => document.getElementById(id);
const wall = new Map();

const CAMERAS = `query Cameras($after: String) {
  cameras(first: 200, after: $after, where: {retired: false}) {
    nodes { id code name state sees tenant { name } hall { name } window { code name } }
    pageInfo { hasNextPage endCursor }
  }
}`;

const say = (text) => { at("said").textContent = text; };
const token = () => at("token").value.trim();

function arrange() {
  at("wall").style.setProperty("--columns", wall.size > 4 ? 3 : wall.size > 1 ? 2 : 1);
  for (const button of at("cameras").children) button.ariaPressed = String(wall.has(button.dataset.id));
}

/** The keyboard goes on at the camera's button, where it was in its picture. */
function close(id) {
  const within = wall.get(id)?.figure.contains(document.activeElement);
  wall.get(id)?.close();
  wall.delete(id);
  arrange();
  if (within) [...at("cameras").children].find((button) => button.dataset.id === id)?.focus();
}

function toggle(camera) {
  say("");
  if (wall.has(camera.id)) return close(camera.id);
  if (!at("reason").value.trim()) {
    at("reason").focus();
    return say("请先填写事由。 Say why first.");
  }
  if (wall.size >= MOST) return say(`最多同时观看 ${MOST} 路。 At most ${MOST} at once.`);
  const picture = new Picture(camera, { token, purpose: at("purpose").value, reason: at("reason").value.trim(), closed: () => close(camera.id) });
  wall.set(camera.id, picture);
  at("wall").append(picture.figure);
  arrange();
  picture.open();
}

/** Whoever comes sees nothing of who was here before. */
function leave() {
  for (const id of [...wall.keys()]) close(id);
  at("cameras").replaceChildren();
  at("cameras").hidden = at("why").hidden = true;
}

async function enter() {
  const found = [];
  let after = null;
  do {
    const page = (await ask(token(), CAMERAS, { after })).cameras;
    found.push(...page.nodes);
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
  } while (after && found.length < 2000);
  at("cameras").replaceChildren(...found.map(button));
  at("cameras").hidden = at("why").hidden = false;
  say(found.length ? "" : "没有您可以看到的摄像机。 There is no camera that you may see.");
}

function button(camera) {
  const made = document.createElement("button");
  made.dataset.id = camera.id;
  made.type = "button";
  made.ariaPressed = "false";
  made.textContent = [camera.tenant?.name, camera.hall?.name, camera.window?.name, camera.name].filter(Boolean).join(" · ");
  made.title = camera.sees ?? "";
  made.addEventListener("click", () => toggle(camera));
  return made;
}

at("who").addEventListener("submit", (event) => {
  event.preventDefault();
  say("");
  leave();
  enter().catch((problem) => say(problem.message));
});
at("why").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = at("below").value.trim();
  if (id) return toggle({ id, name: id });
  const first = at("cameras").querySelector("button");
  first?.focus();
  say(first ? "请在左侧点选摄像机。 Choose a camera from the list." : "请填写摄像机编号。 Give a camera's id.");
});
function speak() {
  document.documentElement.lang = chosen();
  anew();
}
at("language").value = navigator.language.startsWith("zh") ? "zh" : "en";
at("language").addEventListener("change", speak);
speak();
addEventListener("pagehide", () => { for (const picture of wall.values()) picture.close(); });
window.wall = wall; // for whoever looks from the console
