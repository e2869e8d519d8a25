import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { failureOf, Lost, Refused } from "../../labserver/widgets/browser_failures.mjs";

function answer(status, code, message = "No.") {
  return Response.json({ type: "ERROR", data: { code, message } }, { status });
}

before(() => {
  globalThis.location = { hostname: "lab.example.org", origin: "https://lab.example.org" };
});

after(() => {
  delete globalThis.location;
});

test("an error of the client is permanent, one of the server is not", async () => {
  for (const [status, kind] of [
    [401, Refused],
    [404, Refused],
    [408, Lost],
    [429, Lost],
    [500, Lost],
    [503, Lost],
  ]) {
    const failure = await failureOf(answer(status, "some_code"));
    assert.equal(failure.constructor, kind, String(status));
    assert.deepEqual([failure.code, failure.message], [status, "No."]);
  }
});

test("the person is told which argument lets this page in", async () => {
  const host = await failureOf(answer(421, "misdirected"));
  assert.match(host.message, /allowed_hosts=\["lab\.example\.org"\]/);
  const origin = await failureOf(answer(403, "forbidden_origin"));
  assert.match(origin.message, /allowed_origins=\["https:\/\/lab\.example\.org"\]/);
});

test("a response that is not ours may be another server's, so that trying again may help", async () => {
  for (const body of ["<html>", '{"detail": "Not found"}']) {
    const failure = await failureOf(new Response(body, { status: 404 }));
    assert.equal(failure.constructor, Lost);
    assert.match(failure.message, /answered 404, and is not our server/);
  }
});
