import { insertInto } from "../insert-into.ts";

export default { fetch: insertInto("llm_usage_log") };
