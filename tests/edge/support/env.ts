// Where tools/test-edge.mjs has started the parts.

const need = (name: string) => {
  const value = Deno.env.get(name);
  if (!value) throw new Error(`${name} is not set. Run these tests with: node tools/test-edge.mjs`);
  return value;
};

export const env = {
  supabaseUrl: need("EDGE_SUPABASE_URL"),
  functionsUrl: need("EDGE_FUNCTIONS_URL"),
  databaseUrl: need("EDGE_DATABASE_URL"),
  publishableKey: need("EDGE_PUBLISHABLE_KEY"),
  secretKey: need("EDGE_SECRET_KEY"),
  jwtSecret: need("EDGE_JWT_SECRET"),
  providerUrl: need("EDGE_PROVIDER_URL"),
  providerKey: need("EDGE_PROVIDER_KEY"),
};
