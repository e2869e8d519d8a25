// Why a connection ended, and what follows from that: try again, or leave it to the person.

/** The connection ended, or was never made; another attempt may succeed. */
export class Lost extends Error {
  constructor(reason, code = null) {
    super(reason);
    this.code = code; // a WebSocket close code or an HTTP status
  }
}

/** The server turns this client away, and would do so again. */
export class Refused extends Lost {}

/** There is no further attempt until somebody presses Connect. */
export class GaveUp extends Lost {}

/** The person pressed Disconnect. */
export class ByHand extends GaveUp {
  constructor() {
    super("disconnected by you");
  }
}

/** The browser does not trust the server's certificate yet, or the server is away: it does not say. */
export class Untrusted extends Lost {}

function remedy(code) {
  if (code === "misdirected") {
    return `Start the server with allowed_hosts=["${location.hostname}"], the name this page uses.`;
  }
  if (code === "forbidden_origin") {
    return `Start the server with allowed_origins=["${location.origin}"], this page's origin.`;
  }
  return null;
}

/** The error to throw for an HTTP response (a `Response`) whose status is an error. */
export async function failureOf(response) {
  try {
    const { code, message } = (await response.json()).data;
    const permanent = response.status < 500 && ![408, 425, 429].includes(response.status);
    return new (permanent ? Refused : Lost)(remedy(code) ?? message, response.status);
  } catch {
    return new Lost(`answered ${response.status}, and is not our server`, response.status);
  }
}
