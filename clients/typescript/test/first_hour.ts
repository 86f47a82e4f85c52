// Run by tests/api/clients/test_typescript.py against a real server: BASE_URL and API_KEY in the environment.
import assert from "node:assert/strict";

import { connect } from "../src/index.js";

const { BASE_URL = "", API_KEY = "" } = process.env;
const api = connect(BASE_URL, API_KEY);

const created = await api.POST("/api/v1/sites", { body: { name: "Port" } });
assert.equal(created.response.status, 201);
assert.ok(created.data);
const site = created.data.data;
assert.equal(site.name, "Port");

const found = await api.GET("/api/v1/sites/{site_id}", { params: { path: { site_id: site.id } } });
assert.equal(found.data?.data.name, "Port");
const etag = found.response.headers.get("ETag");
assert.ok(etag);

const changed = await api.PATCH("/api/v1/sites/{site_id}", {
  params: { path: { site_id: site.id }, header: { "If-Match": etag } },
  body: { city: "Vienna" },
});
assert.equal(changed.data?.data.city, "Vienna");

const outdated = await api.PATCH("/api/v1/sites/{site_id}", {
  params: { path: { site_id: site.id }, header: { "If-Match": etag } },
  body: { city: "Graz" },
});
assert.equal(outdated.response.status, 412);
assert.ok(outdated.error);
assert.equal(outdated.error.data.code, "outdated");

const listed = await api.GET("/api/v1/sites", { params: { query: { search: "Port", limit: 10 } } });
assert.deepEqual(listed.data?.data.sites.map((one) => one.id), [site.id]);

const station = await api.POST("/api/v1/chargepoints", { body: { clientId: "TS 1", siteId: site.id } });
assert.equal(station.data?.data.clientId, "TS 1");

const offline = await api.POST("/api/v1/chargepoints/{client_id}/reset", {
  params: { path: { client_id: "TS 1" } },
  body: { type: "Soft" },
});
assert.equal(offline.response.status, 503);
assert.equal(offline.error?.data.code, "offline");

const missing = await api.GET("/api/v1/tokens/{token_id}", { params: { path: { token_id: 1_000_000 } } });
assert.equal(missing.error?.data.code, "not-found");
assert.equal(missing.error?.success, false);

console.log("ok");
