// A service in another language is tested against the sandbox by its admin API. Node.js 20 or newer:
//
//     pip install 'infobip-sms[sandbox]'
//     node --test node_service.test.mjs

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, beforeEach, test } from "node:test";

// ---- the service

async function sendCode(baseUrl, to, code) {
  const response = await fetch(`${baseUrl}/sms/2/text/advanced`, {
    method: "POST",
    headers: { Authorization: "App test", "Content-Type": "application/json" },
    body: JSON.stringify({ messages: [{ destinations: [{ to }], text: `Your code is ${code}.` }] }),
  });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const { messages } = await response.json();
  return messages[0].messageId;
}

// ---- its tests

let sandbox, url;

before(async () => {
  const options = ["sandbox", "--port", "0", "--json", "--api-key", "test"];
  sandbox = spawn("infobip-sms", options, { stdio: ["ignore", "pipe", "ignore"] });
  const [line] = await once(createInterface(sandbox.stdout), "line");
  ({ url } = JSON.parse(line)); // it listens now
});
after(() => sandbox.kill());
beforeEach(() => fetch(`${url}/sandbox/reset`, { method: "POST" }));

const post = (path, body) => fetch(`${url}/sandbox/${path}`, { method: "POST", body: JSON.stringify(body) });

test("the code is delivered", async () => {
  const messageId = await sendCode(url, "447700900000", "482913");
  const found = await fetch(`${url}/sandbox/messages?messageId=${messageId}&status=DELIVERED&wait=5`);
  const { messages } = await found.json();
  assert.equal(messages[0].text, "Your code is 482913.");
});

test("a number that cannot be reached", async () => {
  await post("outcomes", { to: "447700900123", status: "UNDELIVERABLE", after: 0 });
  const messageId = await sendCode(url, "447700900123", "482913");
  const found = await fetch(`${url}/sandbox/messages?messageId=${messageId}&status=UNDELIVERABLE&wait=5`);
  assert.equal(found.status, 200);
});

test("an outage of the platform", async () => {
  await post("faults", { status: 503 });
  await assert.rejects(sendCode(url, "447700900000", "482913"), /HTTP 503/);
});
