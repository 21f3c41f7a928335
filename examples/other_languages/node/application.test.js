import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { createApplication, readReceipt, sendSms } from "./application.js";

// A fixture's request: what Vonage sent, to the byte.
function load(name) {
  const { request } = JSON.parse(readFileSync(`${process.env.SAMPLES}/${name}.json`, "utf8"));
  const { text, base64 } = request.body;
  return [request.target, text ?? Buffer.from(base64, "base64").toString()];
}

for (const name of ["failed-handset-busy", "failed-form", "failed-json"]) {
  test(`the sample ${name} is read`, () => {
    const receipt = readReceipt(...load(name));
    assert.equal(receipt.status, "failed");
    assert.notEqual(Number(receipt["err-code"]), 0);
  });
}

test("a probe is no receipt", () => assert.equal(readReceipt("/webhooks/dlr", ""), null));

test("a character that arrives in two pieces is read", async (context) => {
  const results = new Map();
  const server = createApplication(results).listen(0, "127.0.0.1");
  context.after(() => server.close());
  await once(server, "listening");
  const body = Buffer.from('{"messageId": "0A01", "status": "delivered", "client-ref": "é"}');
  const sent = http.request(`http://127.0.0.1:${server.address().port}/webhooks/dlr`, { method: "POST" });
  sent.write(body.subarray(0, -3)); // within the last character
  await sleep(50);
  sent.end(body.subarray(-3));
  const [response] = await once(sent, "response");
  response.resume();

  assert.equal(results.get("0A01")["client-ref"], "é");
});

test("the simulator delivers, and reports an error", async (context) => {
  const results = new Map();
  const server = createApplication(results).listen(0, "127.0.0.1");
  context.after(() => server.close());
  await once(server, "listening");
  const callback = `http://127.0.0.1:${server.address().port}/webhooks/dlr`;

  const delivered = await sendSms("447700900000", "Hello", callback);
  const busy = await sendSms("447700900003", "Hello", callback);
  const isOpen = (id) => ["accepted", "buffered", undefined].includes(results.get(id)?.status);
  while (isOpen(delivered) || isOpen(busy)) await sleep(20);

  assert.equal(results.get(delivered).status, "delivered");
  assert.deepEqual([results.get(busy).status, Number(results.get(busy)["err-code"])], ["failed", 3]);
});
