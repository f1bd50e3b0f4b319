// What every part of the page asks the gateway with: the language that is chosen, the token, and faults as its own words.

export const MISSING = "网关没有应答。 The gateway does not answer.";

export const chosen = () => document.getElementById("language").value;

export class Refused extends Error {
  constructor(error) {
    super(error.message);
    this.code = error.extensions?.code ?? "";
  }
}

/** A request in that language. What a proxy says in the gateway's place is no answer. */
export async function asked(url, token, { headers, ...more } = {}) {
  const all = { "accept-language": chosen(), authorization: `Bearer ${token}`, ...headers };
  return fetch(url, { ...more, headers: all }).catch(() => { throw new Error(MISSING); });
}

/** What an answer is refused with. */
export async function refusal(response) {
  const said = await response.json().catch(() => null);
  return said?.errors?.length ? new Refused(said.errors[0]) : new Error(MISSING);
}

export async function ask(token, query, variables) {
  const headers = { "content-type": "application/json" };
  const response = await asked("/graphql", token, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  const answer = await response.json().catch(() => { throw new Error(MISSING); });
  // tenants that could not be asked (another gateway's) are named beside what there is
  if (answer.errors?.length && Object.values(answer.data ?? { nothing: null }).includes(null)) throw new Refused(answer.errors[0]);
  return answer.data;
}
