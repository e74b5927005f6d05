/** The API reference: Swagger UI over the service's OpenAPI document. */

SwaggerUIBundle({
  url: "/openapi.json",
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
