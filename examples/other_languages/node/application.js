// Sends SMS with Vonage's SDK, and keeps how each message ended.
import { createServer } from "node:http";
import { Auth } from "@vonage/auth";
import { SMS } from "@vonage/sms";

const FINAL = new Set(["delivered", "failed", "rejected", "expired", "unknown", "deleted"]);

// The fields of a receipt; null for a request without one, such as the probe before Vonage saves a URL.
// url: path and query. body: text, empty for a GET.
export function readReceipt(url, body) {
  const query = url.split("?", 2)[1] ?? "";
  const fields = body.trimStart().startsWith("{")
    ? JSON.parse(body)
    : Object.fromEntries(new URLSearchParams(body || query));
  return fields.messageId && fields.status ? fields : null;
}

// A server that takes receipts. results: of each message id, by and by.
export function createApplication(results = new Map()) {
  return createServer(async (request, response) => {
    request.setEncoding("utf8"); // else a character that arrives in two pieces is lost
    let body = "";
    for await (const chunk of request) body += chunk;
    try {
      const receipt = readReceipt(request.url, body);
      // Receipts come late, twice and in the wrong order: the first final status stays.
      if (receipt && !FINAL.has(results.get(receipt.messageId)?.status)) results.set(receipt.messageId, receipt);
      response.statusCode = 200;
    } catch {
      response.statusCode = 400;
    }
    response.end();
  });
}

// The id of the message. callback: the URL for its receipts.
export async function sendSms(to, text, callback) {
  const { VONAGE_API_KEY: apiKey, VONAGE_API_SECRET: apiSecret, VONAGE_REST_HOST: host } = process.env;
  const sms = new SMS(new Auth({ apiKey, apiSecret }), host ? { restHost: `http://${host}` } : {});
  const { messages } = await sms.send({ to, from: "AcmeInc", text, callback });
  return messages[0].messageId;
}
