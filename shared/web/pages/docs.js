// The try-it page: every operation of /openapi.json as a form. No library, nothing fetched from elsewhere.
"use strict";

const token = document.getElementById("token");
token.value = sessionStorage.getItem("token") || "";
token.addEventListener("input", () => sessionStorage.setItem("token", token.value));

// randomUUID is only there with TLS or on localhost.
const newKey = () => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function resolved(document, thing) {
  return thing && thing.$ref
    ? thing.$ref.slice(2).split("/").reduce((at, step) => at[step], document)
    : thing;
}

function example(document, schema, depth = 0) {
  const known = resolved(document, schema) || {};
  if (known.enum) return known.enum[0];
  if (known.type === "array") return depth > 3 ? [] : [example(document, known.items, depth + 1)];
  if (known.type === "object" || known.properties) {
    return Object.fromEntries(
      Object.entries(known.properties || {})
        .filter(([, inner]) => !resolved(document, inner).readOnly)
        .map(([name, inner]) => [name, example(document, inner, depth + 1)]));
  }
  return { integer: known.minimum || 0, number: 0, boolean: false }[known.type] ?? "";
}

function field(parameter) {
  const input = element("input", { spellcheck: false });
  if (parameter.name === "Idempotency-Key") input.value = newKey();
  const star = parameter.required ? " *" : "";
  return { parameter, input, label: element("label", {}, `${parameter.name}${star}`, input) };
}

async function send(operation, fields, content, body, output) {
  let path = operation.path;
  const query = new URLSearchParams();
  const headers = {};
  for (const { parameter, input } of fields) {
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (input.value && parameter.in === "query") query.set(parameter.name, input.value);
    else if (input.value && parameter.in === "header") headers[parameter.name] = input.value;
  }
  if (token.value) headers.Authorization = `Bearer ${token.value}`;
  if (body && content === "application/json") headers["Content-Type"] = content;
  const began = performance.now();
  try {
    const answer = await fetch(path + (query.size ? `?${query}` : ""), {
      method: operation.method.toUpperCase(), headers, body: body ? body.value : undefined });
    const text = await answer.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: as it came */ }
    const tag = answer.headers.get("ETag");
    output.textContent = `${answer.status} · ${Math.round(performance.now() - began)} ms`
      + (tag ? ` · ETag ${tag}` : "") + `\n${shown}`;
    const signed = JSON.parse(text || "{}").access_token;
    if (signed) { token.value = signed; sessionStorage.setItem("token", signed); }
  } catch (error) {
    if (!output.textContent) output.textContent = String(error);
  }
  for (const { parameter, input } of fields) {
    if (parameter.name === "Idempotency-Key") input.value = newKey();
  }
}

function form(document, operation) {
  const fields = operation.parameters.map((one) => field(resolved(document, one)));
  const [content, media] = Object.entries(operation.requestBody?.content || {})[0] || [];
  const body = content && element("textarea", { spellcheck: false });
  if (body && content === "application/json") {
    body.value = JSON.stringify(example(document, media.schema), null, 2);
  }
  const output = element("pre");
  const button = element("button", { textContent: "发送 · Send" });
  button.addEventListener("click", () => {
    output.textContent = "";
    send(operation, fields, content, body, output);
  });
  const roles = operation["x-roles"]?.join(" · ") || "公开 · everyone";
  return element("details", {},
    element("summary", {},
      element("b", { textContent: operation.method.toUpperCase() }),
      element("code", { textContent: operation.path }),
      element("span", { textContent: operation.summary || "" }),
      " ", element("span", { className: "roles", textContent: roles })),
    ...fields.map((one) => one.label), ...(body ? [body] : []), element("div", {}, button), output);
}

fetch("/openapi.json").then((answer) => answer.json()).then((document_) => {
  document.title = document.getElementById("title").textContent = document_.info.title;
  const main = document.getElementById("operations");
  const tags = new Map();
  for (const [path, methods] of Object.entries(document_.paths)) {
    for (const method of ["get", "post", "put", "patch", "delete"]) {
      if (!methods[method]) continue;
      const operation = { ...methods[method], path, method,
        parameters: [...(methods.parameters || []), ...(methods[method].parameters || [])] };
      const tag = operation.tags?.[0] || "";
      tags.set(tag, [...(tags.get(tag) || []), operation]);
    }
  }
  for (const [tag, operations] of tags) {
    main.append(element("h2", { textContent: tag }), ...operations.map((one) => form(document_, one)));
  }
});
