/**
 * A copy of the project with a fifth log: its declaration, its line in the registry,
 * its migration, and its entry point with the block in config.toml. The copy differs
 * from the project in nothing else.
 *
 * @module
 */
import { cp } from "node:fs/promises";

const PROJECT = new URL("../..", import.meta.url).pathname;

/** The files of the stack and the commands. */
const PARTS = [
  "deno.json",
  "docs",
  "local",
  "package.json",
  "scripts",
  "shared",
  "supabase",
];

/** The log's declaration. */
const DECLARATION = `import * as z from "zod";
import { integer, timestamp, text, uuid } from "./fields.ts";
import { defineLog, erasable, plain } from "./log.ts";

const decision = z.enum(
  ["approved", "rejected"],
  "Expected approved or rejected",
);

const event = z.strictObject({
  id: uuid().optional(),
  firm_id: uuid(),
  tool_name: text(128),
  decision,
  comment: text(1024).optional(),
  waited_seconds: integer(0).optional(),
  created_at: timestamp().optional(),
});

/** Which actions of an agent a person approved or rejected. */
export const approvalLog = defineLog({
  description: "Which actions of an agent a person approved or rejected",
  table: "approval_log",
  slug: "approval",
  columns: Object.keys(event.shape),
  leaf: [
    plain("firm_id", "uuid"),
    plain("tool_name", "text"),
    plain("decision", "text"),
    erasable("comment", "text"),
    plain("waited_seconds", "integer"),
    plain("created_at", "timestamptz"),
  ],
  timeColumn: "created_at",
  event,
  example: {
    id: "70000000-0000-4000-8000-000000000001",
    firm_id: "10000000-0000-4000-8000-000000000001",
    tool_name: "send-invoice",
    decision: "approved",
    comment: "Checked against the contract",
    waited_seconds: 40,
    created_at: "2026-01-31T12:00:00.123456+00:00",
  },
  userWrites: null,
  filters: { firm_id: uuid(), tool_name: text(128), decision },
  minimums: {},
  groups: ["firm_id", "tool_name", "decision"],
  urlDefaults: ["firm_id"],
});
`;

const MIGRATION = `-- Which actions of an agent a person approved or rejected.

create table public.approval_log (
  id uuid primary key default gen_random_uuid(),
  firm_id uuid not null references public.firms (id),
  tool_name text not null,
  decision text not null check (decision in ('approved', 'rejected')),
  comment text,
  waited_seconds integer,
  created_at timestamptz not null default now()
);
create index idx_approval_log_firm_id_created_at on public.approval_log (firm_id, created_at);

alter table public.approval_log enable row level security;
create policy service_role_all_approvals on public.approval_log
  for all to service_role using (true) with check (true);

revoke all on public.approval_log from public, anon, authenticated, service_role;
grant select, insert on public.approval_log to service_role;

select ledger.add_log('approval_log', committed => '{comment}');
`;

const ENTRY_POINT =
  `import { readEnvironment } from "../../../shared/db/environment.ts";
import { serveLog } from "../../../shared/serve-log.ts";
import { approvalLog } from "../../../shared/logs/approval-log.ts";

const environment = readEnvironment((name) => Deno.env.get(name));

export default {
  fetch: serveLog(approvalLog, environment, {
    document: () => import("./document.ts"),
  }),
} satisfies Deno.ServeDefaultExport;
`;

const CONFIG = `
[functions.approval]
verify_jwt = false
static_files = ["./functions/deno.lock"]
`;

/** Copies the project into a new folder, adds the log there, and returns the folder. */
export async function copyWithFifthLog(): Promise<string> {
  const dir = await Deno.makeTempDir({ prefix: "fifth-log-" });
  for (const part of PARTS) {
    await cp(`${PROJECT}/${part}`, `${dir}/${part}`, { recursive: true });
  }
  await Deno.symlink(`${PROJECT}/node_modules`, `${dir}/node_modules`);
  const write = Deno.writeTextFile;
  await write(`${dir}/shared/logs/approval-log.ts`, DECLARATION);
  await write(
    `${dir}/supabase/migrations/99990101000000_approval_log.sql`,
    MIGRATION,
  );
  await addToRegistry(`${dir}/shared/logs/index.ts`);
  const functions = `${dir}/supabase/functions`;
  await Deno.mkdir(`${functions}/approval`);
  await write(`${functions}/approval/index.ts`, ENTRY_POINT);
  for (const name of ["deno.json", "document.ts"]) {
    await cp(`${functions}/audit/${name}`, `${functions}/approval/${name}`);
  }
  await write(`${dir}/supabase/config.toml`, CONFIG, { append: true });
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "scripts/openapi.ts"],
    cwd: dir,
  }).output();
  if (!success) throw new Error("The documents could not be written");
  return dir;
}

/** The log's line, and the import that it needs. */
async function addToRegistry(path: string): Promise<void> {
  const text = await Deno.readTextFile(path);
  const END = "\n] as const;";
  if (text.split(END).length !== 2) {
    throw new Error(`${path} is expected to have one list of logs`);
  }
  await Deno.writeTextFile(
    path,
    `import { approvalLog } from "./approval-log.ts";\n${
      text.replace(END, `\n  approvalLog,${END}`)
    }`,
  );
}
