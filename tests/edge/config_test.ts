// The environments the function is started in: this repository's, hosted Supabase's old and new one.

import { readConfig } from "../../supabase/functions/chat/env.ts";
import { assert, assertEquals, test } from "./support/assert.ts";

const read = (env: Record<string, string>) => readConfig((name) => env[name]);
const URL_ONLY = { SUPABASE_URL: "https://project.example" };

test("keys by their single names", () => {
  const config = read({
    ...URL_ONLY,
    SUPABASE_PUBLISHABLE_KEY: "sb_publishable_a",
    SUPABASE_SECRET_KEY: "sb_secret_a",
  });
  assertEquals([config.publishableKey, config.secretKey], ["sb_publishable_a", "sb_secret_a"]);
  assertEquals([config.openAiKey, config.openAiBaseUrl, config.model], [undefined, undefined, undefined]);
});

test("keys as hosted Supabase lists them: the default one, else the first", () => {
  const config = read({
    ...URL_ONLY,
    SUPABASE_PUBLISHABLE_KEYS: '{"web":"sb_publishable_web","default":"sb_publishable_default"}',
    SUPABASE_SECRET_KEYS: '{"chat":"sb_secret_chat"}',
  });
  assertEquals([config.publishableKey, config.secretKey], ["sb_publishable_default", "sb_secret_chat"]);
});

test("keys of older projects", () => {
  const config = read({ ...URL_ONLY, SUPABASE_ANON_KEY: "anon.jwt", SUPABASE_SERVICE_ROLE_KEY: "service.jwt" });
  assertEquals([config.publishableKey, config.secretKey], ["anon.jwt", "service.jwt"]);
});

test("what is missing is named, and no value is told", () => {
  try {
    read({ ...URL_ONLY, SUPABASE_PUBLISHABLE_KEY: "sb_publishable_a" });
  } catch (error) {
    assertEquals((error as Error).message, "SUPABASE_SECRET_KEY is not set: the function cannot start.");
    return;
  }
  assert(false, "an error");
});
