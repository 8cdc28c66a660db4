// Speaks for openapi-fetch with the types that openapi-typescript makes of schema/openapi.yaml.
//
//     OPERATION as the argument, {"query": {...}, "body": {...}} on standard input, names as on the wire
//     {"result": {...}} or {"raised": "KindOfError", "text": "..."} on standard output
//     INFOBIP_BASE_URL and INFOBIP_API_KEY in the environment
//
// tsc --strict compiles it, so each line below also says that the types allow what the documentation shows.

import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, operations, paths } from "./api.js";

type Schemas = components["schemas"];
type Query<Name extends keyof operations> = NonNullable<operations[Name]["parameters"]["query"]>;

const client = createClient<paths>({
  baseUrl: process.env.INFOBIP_BASE_URL ?? "",
  headers: { Authorization: `App ${process.env.INFOBIP_API_KEY}` },
});

// A typed literal, so that the compiler holds the documented request against the schema.
const documented: Schemas["SmsRequest"] = {
  bulkId: "BULK-ID-123-xyz",
  messages: [
    {
      from: "InfoSMS",
      destinations: [{ to: "41793026727", messageId: "MESSAGE-ID-123-xyz" }, { to: "41793026731" }],
      text: "Artık Ulusal Dil Tanımlayıcısı ile Türkçe karakterli smslerinizi rahatlıkla iletebilirsiniz.",
      flash: false,
      language: { languageCode: "TR" },
      transliteration: "TURKISH",
      intermediateReport: true,
      notifyUrl: "https://www.example.com/sms/advanced",
      notifyContentType: "application/json",
      callbackData: "DLR callback data",
      validityPeriod: 720,
      deliveryTimeWindow: { from: { hour: 6, minute: 0 }, to: { hour: 15, minute: 30 }, days: ["MONDAY"] },
    },
  ],
  tracking: { track: "SMS", type: "MY_CAMPAIGN" },
};

const { query = {}, body = documented } = JSON.parse(readFileSync(0, "utf8"));

const calls = {
  send: () => client.POST("/sms/2/text/advanced", { body: body as Schemas["SmsRequest"] }),
  reports: () => client.GET("/sms/1/reports", { params: { query: query as Query<"fetchDeliveryReports"> } }),
  logs: () => client.GET("/sms/1/logs", { params: { query: query as Query<"getLogs"> } }),
  preview: () => client.POST("/sms/1/preview", { body: body as Schemas["PreviewRequest"] }),
  get_scheduled: () => client.GET("/sms/1/bulks", { params: { query: query as Query<"getScheduled"> } }),
  reschedule: () =>
    client.PUT("/sms/1/bulks", {
      params: { query: query as Query<"reschedule"> },
      body: body as Schemas["BulkRequest"],
    }),
  get_scheduled_status: () =>
    client.GET("/sms/1/bulks/status", { params: { query: query as Query<"getScheduledStatus"> } }),
  set_scheduled_status: () =>
    client.PUT("/sms/1/bulks/status", {
      params: { query: query as Query<"setScheduledStatus"> },
      body: body as Schemas["BulkStatusRequest"],
    }),
};

// What a program reads of a response, typed.
function readStatuses(reports: Schemas["DeliveryReports"]): (string | undefined)[] {
  return reports.results.map((report) => report.status?.groupName);
}

let told: object;
try {
  const { data, error, response } = await calls[process.argv[2] as keyof typeof calls]();
  if (data && "results" in data) readStatuses(data);
  told = data
    ? { result: data }
    : { raised: `HTTP ${response.status}`, text: error?.requestError.serviceException.text };
} catch (problem) {
  told = { raised: problem instanceof Error ? problem.name : "unknown", text: String(problem) };
}
process.stdout.write(JSON.stringify(told));
