// A certificate that the reader has to accept is asked for once, by one pane of the page, and not by
// each of seven.

function asking() {
  globalThis.labserverAsking ??= new Map(); // server → the pane that asks; each pane is a module
  return globalThis.labserverAsking;
}

/** Whether this client's pane is the one that asks; the first to need it is. */
export function asksForCertificate(client) {
  const { url, untrusted, skipped, ended } = client;
  const needed = untrusted && !skipped && !ended;
  if (!needed && asking().get(url) === client) asking().delete(url);
  if (needed && !asking().has(url)) asking().set(url, client);
  return needed && asking().get(url) === client;
}

/** The name of the user whose pane asks for a server's certificate; undefined if none does. */
export function whoAsks(url) {
  return asking().get(url)?.user;
}
