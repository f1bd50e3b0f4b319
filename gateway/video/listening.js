// The events of all pictures, in one stream: over HTTP/1.1 a browser opens no more than six connections to one gateway, and nine
// pictures with a stream each would leave none to ask anything with.

import { chosen } from "./asking.js";

const parts = new Set();
let current = null;
let soon = 0;

/** Hears the events of one address until the function that is returned is called. `token`, `told`: functions. */
export function listen(url, token, told) {
  const part = { url, token, told };
  parts.add(part);
  again(20);
  return () => {
    parts.delete(part);
    if (!parts.size) again(20);
  };
}

/** The states anew, in the language that is chosen now. */
export const anew = () => { if (parts.size) again(0); };

function again(after) {
  clearTimeout(soon);
  soon = setTimeout(open, after);
}

/** The stream anew, for those who listen now. The one before goes on until this one tells something: nothing is missed between. */
async function open() {
  const before = current;
  const mine = current = new AbortController();
  const asked = [...parts];
  try {
    if (asked.length) await hear(asked, mine.signal, () => before?.abort());
  } catch {
    // it is tried again
  }
  before?.abort();
  if (current === mine && parts.size) again(1000);
}

async function hear(asked, signal, began) {
  const response = await fetch("/video/events", {
    method: "POST",
    headers: { "content-type": "application/json", "accept-language": chosen() },
    body: JSON.stringify(asked.map(({ url, token }) => ({ events: url, token: token() }))),
    signal,
  }).catch((problem) => {
    if (!signal.aborted) for (const part of asked) part.told("silent", {});
    throw problem;
  });
  if (response.status === 401 || response.status === 404) for (const part of asked) parts.delete(part);
  if (!response.ok) return;
  for await (const [event, said] of events(response.body)) {
    began();
    const part = asked[said.of];
    if (!parts.has(part)) continue;
    if (event === "ended" || event === "refused") parts.delete(part);
    if (event !== "refused") part.told(event, said);
  }
}

/** Server-sent events out of a body. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const parts = text.split("\n\n");
    text = parts.pop();
    for (const one of parts) {
      const event = /^event: (.*)$/m.exec(one)?.[1];
      const data = /^data: (.*)$/m.exec(one)?.[1];
      if (event && data) yield [event, JSON.parse(data)];
    }
  }
}
