import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { asksForCertificate, whoAsks } from "../../labserver/widgets/browser_certificate.mjs";

const URL_ = "https://127.0.0.1:4711";
const clients = () =>
  ["ada", "bob"].map((user) => ({
    user,
    url: URL_,
    untrusted: true,
    skipped: false,
    ended: false,
  }));

afterEach(() => {
  delete globalThis.labserverAsking;
});

test("of all panes that need it, one asks for the certificate", () => {
  const [ada, bob] = clients();
  assert.deepEqual([ada, bob, ada].map(asksForCertificate), [true, false, true]);
  assert.equal(whoAsks(URL_), "ada");
});

test("when that pane is open, closed or skipped, another one may ask", () => {
  for (const change of [{ untrusted: false }, { ended: true }, { skipped: true }]) {
    const [ada, bob] = clients();
    asksForCertificate(ada);
    Object.assign(ada, change);
    assert.deepEqual([ada, bob].map(asksForCertificate), [false, true]);
    delete globalThis.labserverAsking;
  }
});

test("a server of another address is another matter", () => {
  const [ada, bob] = clients();
  bob.url = "https://127.0.0.1:4712";
  assert.deepEqual([ada, bob].map(asksForCertificate), [true, true]);
});
