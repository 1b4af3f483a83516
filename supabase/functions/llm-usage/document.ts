export { default } from "./openapi.json" with { type: "json" };
