// Swagger UI on /openapi.json. It names every wish anew (Idempotency-Key), and what answers say (ids,
// codes, tags, a sign-in's token) stands in the next requests' forms; all in this tab's memory.
"use strict";

const MAKES_UP_A_KEY = " 留空则自动生成 · Left empty, this page makes one up.";

// randomUUID is only there with TLS or on localhost.
const newKey = () => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`;

// What an answer says that another request may want: { name: value }, of a list its first.
function worthKeeping(value, found = {}) {
  if (Array.isArray(value)) return worthKeeping(value[0], found);
  for (const [name, inner] of Object.entries(value ?? {})) {
    if (inner && typeof inner === "object") worthKeeping(inner, found);
    else if (name === "embedded_code") found.code = inner;
    else if (inner && (/^(code|refresh_token)$|_id$/.test(name))) found[name] ??= inner;
  }
  return found;
}

// Put what was found into every form that has a field of that name.
function fill(ui, paths, found, tag) {
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      for (const { name, example } of operations.parameters ?? []) {
        if (found[name] && !example) ui.specActions.changeParam([path, method], name, "path", found[name]);
      }
      if (tag && method === "patch") ui.specActions.changeParam([path, method], "If-Match", "header", tag);
      const body = operation.requestBody?.content?.["application/json"]?.example;
      const known = Object.keys(body ?? {}).filter((name) => found[name]);
      if (known.length) {
        known.forEach((name) => { body[name] = found[name]; });
        const pathMethod = [path, method];
        ui.oas3Actions.setRequestBodyValue({ value: JSON.stringify(body, null, 2), pathMethod });
        // Or a form that is opened afterwards begins with its example again.
        ui.oas3Actions.setRetainRequestBodyValueFlag({ value: true, pathMethod });
      }
    }
  }
}

async function show() {
  const spec = await (await fetch("/openapi.json")).json();
  const key = spec.components.parameters.IDEMPOTENCY_KEY;
  Object.assign(key, { required: false, description: key.description + MAKES_UP_A_KEY });
  const ui = SwaggerUIBundle({
    spec,
    dom_id: "#docs",
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    persistAuthorization: false,
    tryItOutEnabled: true,
    validatorUrl: null,
    requestInterceptor: (request) => {
      if (request.method === "POST") request.headers["Idempotency-Key"] ||= newKey();
      return request;
    },
    responseInterceptor: (response) => {
      const { access_token: token } = response.body ?? {};
      if (token) ui.preauthorizeApiKey("bearer", token);
      fill(ui, spec.paths, worthKeeping(response.body), response.headers?.etag);
      return response;
    },
  });
}

show();
