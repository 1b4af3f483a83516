import { afterEach, describe, expect, test, vi } from "vitest";
import { runImport } from "../../scripts/prices-import.ts";
import { completePrices } from "../../scripts/prices/complete-prices.ts";
import { readPublishedPrices } from "../../scripts/prices/published-prices.ts";
import { useStack } from "../support/running-stack.ts";
import { run } from "../support/command.ts";
import { makeProject, startScratchStack } from "../support/scratch-project.ts";

const SCRIPT = "../scripts/prices-import.ts";
const { source, rows: published } = await readPublishedPrices();
const rows = completePrices(published);
/** A model with one price that never changed. */
const MODEL = {
  provider: "openai",
  match_kind: "equals",
  match_value: "gpt-4",
};

describe("npm run prices:import", () => {
  const running = useStack("PGlite");
  const header = () => `${source} into ${running.stack.url}\n`;
  const importPrices = (...args: string[]) =>
    run(SCRIPT, ["--url", running.stack.url, ...args]);

  /** Enters another published price, as an older list could have done. */
  async function enterOldPrice(members: Record<string, string>) {
    const known = rows.find((row) =>
      row.provider === MODEL.provider && row.match_value === MODEL.match_value
    );
    const { error } = await running.admin().rpc("import_model_prices", {
      prices: [{ ...known, ...MODEL, ...members }],
      source: "an older list",
      apply: true,
      accept_suspicious: true,
    });
    expect(error).toBe(null);
  }

  test("finds nothing to enter on a fresh stack, also when it is repeated", async () => {
    expect(await running.count("model_prices")).toBe(rows.length);
    for (let times = 0; times < 2; times++) {
      expect(await importPrices("--yes")).toEqual({
        code: 0,
        stdout: `${header()}0 new, 0 corrected, ${rows.length} unchanged, ` +
          "0 no longer listed (they stay), 0 withheld\nNothing to enter\n",
        stderr: "",
      });
    }
    expect(await running.count("model_prices")).toBe(rows.length);
  });

  test("shows the changes, and enters nothing without a terminal", async () => {
    await enterOldPrice({ input_usd_per_mtok: "31" });
    const before = await running.count("model_prices");
    const { code, stdout, stderr } = await importPrices();
    expect(stdout.split("\n").slice(1, 3)).toEqual([
      `0 new, 1 corrected, ${rows.length - 1} unchanged, ` +
      "0 no longer listed (they stay), 0 withheld",
      expect.stringMatching(
        /^openai gpt-4: input 31 → 30 USD\/M from the start$/,
      ),
    ]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        "Nothing was entered; answer y at the prompt, or pass --yes if there is no terminal\n",
    });
    expect(await running.count("model_prices")).toBe(before);
  });

  test("enters the differences once with --yes", async () => {
    await enterOldPrice({ input_usd_per_mtok: "31" });
    const { code, stdout } = await importPrices("--yes");
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/\n1 prices entered\n$/),
    ]);
    expect((await importPrices("--yes")).stdout).toContain("Nothing to enter");
  });

  test("enters suspicious prices only with --accept-suspicious", async () => {
    await enterOldPrice({ input_usd_per_mtok: "30000" });
    const withheld = await importPrices("--yes");
    expect(withheld.code).toBe(0);
    expect(withheld.stdout).toContain(
      "suspicious: openai gpt-4: input 30000 → 30 USD/M from the start: is less than a tenth of the price before\n" +
        "To enter suspicious prices as well, pass --accept-suspicious\n" +
        "Nothing to enter\n",
    );
    const entered = await importPrices("--yes", "--accept-suspicious");
    expect([entered.code, entered.stdout]).toEqual([
      0,
      expect.stringMatching(/\n1 prices entered\n$/),
    ]);
  });

  test.each([
    ["an unknown key", "sb_secret_hunter2hunter2hunter2hunter2"],
    ["a publishable key", () => running.stack.publishableKey],
    ["a malformed token", "hunter2"],
  ])("is refused with %s, which it does not print", async (_, given) => {
    const key = typeof given === "string" ? given : given();
    const result = await run(SCRIPT, ["--url", running.stack.url], {
      SUPABASE_SECRET_KEY: key,
    });
    expect(result).toEqual({
      code: 1,
      stdout: "",
      stderr: `Cannot import prices into ${running.stack.url}: ` +
        "the key is not a secret key of it; set SUPABASE_SECRET_KEY\n",
    });
  });

  describe("with a terminal", () => {
    afterEach(() => vi.restoreAllMocks());

    test("enters prices after a yes, and not after a no", async () => {
      await enterOldPrice({ output_usd_per_mtok: "61" });
      vi.spyOn(console, "log").mockReturnValue();
      vi.spyOn(console, "error").mockReturnValue();
      const before = await running.count("model_prices");
      const questions: string[] = [];
      const answer = (yes: boolean) => (question: string) => {
        questions.push(question);
        return yes;
      };
      const args = ["--url", running.stack.url];
      expect(await runImport(args, answer(false))).toBe(1);
      expect(await running.count("model_prices")).toBe(before);
      expect(await runImport(args, answer(true))).toBe(0);
      expect(await running.count("model_prices")).toBe(before + 1);
      expect(await runImport(args, answer(true))).toBe(0);
      // The third run had nothing left to enter.
      expect(questions).toEqual(["Enter these prices?", "Enter these prices?"]);
    });
  });
});

describe("npm run prices:import reports in one sentence", () => {
  test.each([
    [
      "an unreachable URL",
      ["--url", "http://127.0.0.1:1"],
      /^Cannot reach http:\/\/127\.0\.0\.1:1: start the stack with npm start, or .*--url\n$/,
    ],
    [
      "an invalid URL",
      ["--url", "localhost"],
      /^Cannot use the URL "localhost": expected one like https:.*\n$/,
    ],
    [
      "an unknown flag, and the known ones",
      ["--apply"],
      /--apply.*expected one of --url, --yes, --accept-suspicious\n$/,
    ],
  ])("%s", async (_, args, sentence) => {
    expect(await run(SCRIPT, args)).toEqual({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(sentence),
    });
  });

  test("missing migrations", async () => {
    const project = await makeProject();
    const stack = await startScratchStack(project);
    try {
      expect(await run(SCRIPT, ["--url", stack.url, "--yes"])).toEqual({
        code: 1,
        stdout: "",
        stderr: `Cannot import prices into ${stack.url}: ` +
          "it has no function import_model_prices; push the migrations first\n",
      });
    } finally {
      await stack.stop();
      await project.remove();
    }
  });
});
