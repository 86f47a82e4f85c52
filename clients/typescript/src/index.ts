import createClient, { type Client } from "openapi-fetch";

import type { components, operations, paths } from "./schema.js";

export type { components, operations, paths };

/** A client of the server at `baseUrl`, such as `https://csms.example.com`, with an API key. */
export function connect(baseUrl: string, apiKey: string): Client<paths> {
  return createClient<paths>({ baseUrl, headers: { Authorization: `Api-Key ${apiKey}` } });
}
