/** The API reference: Swagger UI over the service's OpenAPI document. */

const reference = await (await fetch("openapi.json")).json();

// Behind a proxy that serves it under a path, the service may not know that path.
const root = new URL(".", location.href);
if (!reference.servers && root.pathname !== "/") {
  reference.servers = [{ url: root.href.replace(/\/$/, "") }];
}

SwaggerUIBundle({
  spec: reference,
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "list",
  defaultModelRendering: "model", // every field with its description and example
  defaultModelExpandDepth: 9,
  defaultModelsExpandDepth: 9,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null, // nothing leaves this machine
});
