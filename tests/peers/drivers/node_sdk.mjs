// Speaks for @infobip-api/sdk: plain objects in, replies of axios out; failures are returned, not thrown.
//
//     OPERATION as the argument, {"query": {...}, "body": {...}} on standard input, names as on the wire
//     {"result": {...}} or {"raised": "KindOfError", "text": "..."} on standard output
//     INFOBIP_BASE_URL and INFOBIP_API_KEY in the environment; run in the folder with node_modules
//
// Lives here: calls as the client's own documentation shows them.
// Never here: any way around what it does.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json"));
const { AuthType, Infobip } = require("@infobip-api/sdk");

const infobip = new Infobip({
  baseUrl: process.env.INFOBIP_BASE_URL,
  apiKey: process.env.INFOBIP_API_KEY,
  authType: AuthType.ApiKey,
});
const sms = infobip.channels.sms;
const { query = {}, body } = JSON.parse(readFileSync(0, "utf8"));

const operations = {
  send: () => sms.send(body),
  reports: () => sms.reports.get(query),
  logs: () => sms.logs.get(query),
  preview: () => sms.preview(body),
  get_scheduled: () => sms.scheduled.get(query.bulkId),
  reschedule: () => sms.scheduled.reschedule(query.bulkId, body.sendAt),
  get_scheduled_status: () => sms.status.get(query.bulkId),
  set_scheduled_status: () => sms.status.update(query.bulkId, body.status),
};

const answer = await operations[process.argv[2]]();
const told =
  answer instanceof Error
    ? { raised: answer.name, text: answer.message }
    : { result: answer.data };
process.stdout.write(JSON.stringify(told));
