// 标记取证: a moment of one picture marked with a note, and what became of it, in the words of the message catalogue.

import { ask, asked, chosen, refusal } from "./asking.js";

const MARK = `mutation Mark($camera: ID!, $note: String!) {
  markMoment(viewing: $camera, note: $note) { id until }
}`;
const BECAME = `query Became($id: ID!) {
  node(id: $id) { ... on Evidence { state beginsAt endsAt bytes sha256 short failure url } }
}`;
const LOOK = 1; // seconds between two looks at what is being recorded

const wait = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
const catalogues = new Map();

/** The catalogue of the language that is chosen, fetched once. */
async function words() {
  const language = chosen();
  if (!catalogues.has(language)) {
    catalogues.set(language, fetch("/video/demo/words", { headers: { "accept-language": language } }).then((answer) => answer.json()));
  }
  return catalogues.get(language);
}

const filled = (text, said) => text.replace(/\{(\w+)\}/g, (_, name) => said[name] ?? "");
const clock = (moment) => new Date(moment).toLocaleTimeString("zh-CN", { hour12: false, timeZone: "Asia/Shanghai" });

export class Marking {
  constructor(picture) {
    Object.assign(this, { picture, over: false, last: null });
    this.form = Object.assign(document.createElement("form"), { className: "evidence", autocomplete: "off" });
    this.note = Object.assign(document.createElement("input"), { required: true, maxLength: 500 });
    this.button = document.createElement("button");
    this.said = document.createElement("output");
    this.link = Object.assign(document.createElement("button"), { type: "button", className: "download", hidden: true });
    this.form.append(this.note, this.button, this.said, this.link);
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.mark(); });
    this.link.addEventListener("click", () => this.download().catch((problem) => { this.said.textContent = problem.message; }));
    this.spoken = () => this.speak();
    document.getElementById("language").addEventListener("change", this.spoken);
    this.speak();
  }

  /** Everything that is written, in the language that is chosen now. */
  async speak() {
    const { phrases, codes } = await words();
    this.button.textContent = phrases.EVIDENCE_MARK;
    this.link.textContent = phrases.EVIDENCE_DOWNLOAD;
    this.note.placeholder = this.note.ariaLabel = phrases.EVIDENCE_NOTE;
    if (this.last) this.said.textContent = told(this.last, phrases, codes);
    this.link.hidden = !this.last?.url;
  }

  async mark() {
    this.button.disabled = true;
    try {
      const token = this.picture.asked.token();
      const { id, until } = (await ask(token, MARK, { camera: this.picture.camera.id, note: this.note.value })).markMoment;
      this.note.value = "";
      await this.show({ state: "RECORDING", until });
      this.button.disabled = false;
      await this.follow(id, until);
    } catch (problem) {
      this.said.textContent = problem.message;
    } finally {
      this.button.disabled = false;
    }
  }

  /** Looks until it is decided, or the picture was closed. */
  async follow(id, until) {
    while (!this.over) {
      await wait(LOOK);
      const became = (await ask(this.picture.asked.token(), BECAME, { id })).node;
      if (became.state !== "RECORDING") return this.show(became);
      await this.show({ ...became, until });
    }
  }

  async show(became) {
    this.last = became;
    await this.speak();
  }

  /** With the token in a header; the browser saves what came. */
  async download() {
    const response = await asked(this.last.url, this.picture.asked.token());
    if (!response.ok) throw await refusal(response);
    const name = /filename="([^"]+)"/.exec(response.headers.get("content-disposition"))?.[1];
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(await response.blob()), download: name ?? "evidence.mp4" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  close() {
    this.over = true;
    document.getElementById("language").removeEventListener("change", this.spoken);
  }
}

/** What became of a moment, as a sentence. */
function told(became, phrases, codes) {
  const said = {
    until: became.until && clock(became.until), begins: became.beginsAt && clock(became.beginsAt), ends: became.endsAt && clock(became.endsAt),
    size: ((became.bytes ?? 0) / 1e6).toFixed(1), sha256: became.sha256 ?? "", why: codes[became.failure] ?? became.failure ?? "",
  };
  const short = became.short ? ` ${phrases[`EVIDENCE_SHORT_${became.short}`]}` : "";
  return filled(phrases[`EVIDENCE_${became.state}`], said) + short;
}
