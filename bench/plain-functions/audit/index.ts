import { insertInto } from "../insert-into.ts";

export default { fetch: insertInto("audit_log") };
