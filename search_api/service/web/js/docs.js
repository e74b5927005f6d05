/** The API reference: Swagger UI over the service's own description. */

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "list",
  defaultModelRendering: "model", // every field with its words and example, not one made-up body
  defaultModelExpandDepth: 9,
  defaultModelsExpandDepth: 9,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null, // nothing leaves this machine
});
