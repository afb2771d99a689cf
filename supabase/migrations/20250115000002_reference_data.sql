-- Plans, agents, prices and settings every deployment starts with.

-- Context and answer are bounded so that a day's messages fit the day's cost at the default price (2 micro-USD a token):
-- 1 token is about 4 bytes, so an average message costs (context + message) / 4 + answer tokens.
insert into public.license_tiers (
  tier, price_usd_per_month, max_messages_per_day, max_messages_per_hour, max_messages_per_conversation,
  max_conversations, max_cost_per_day_micro_usd, max_output_tokens, context_token_budget, agents, file_uploads,
  streaming, priority, custom_integrations
) values
  ('free', 0, 20, 10, 50, 20, 40000, 300, 1200, array['executive'], false, false, 0, false),
  ('pro', 29, 500, 100, 200, 500, 1000000, 400, 1800, null, true, true, 1, false),
  ('enterprise', 99, 2000, 500, 1000, 5000, 4000000, 400, 1800, null, true, true, 2, true);

insert into public.agents (id, name, description) values
  ('executive', 'Executive', 'Plans, decides and sums up.'),
  ('research', 'Research', 'Finds out and compares.'),
  ('writing', 'Writing', 'Drafts and edits text.'),
  ('coding', 'Coding', 'Writes and explains code.');

insert into public.model_prices (
  model, version, input_micro_usd_per_million, cached_input_micro_usd_per_million, output_micro_usd_per_million
) values ('gpt-4o-mini', 1, 2000000, 2000000, 2000000); -- 0.002 USD per 1,000 tokens

insert into public.chat_settings (default_model, usage_retention_days, deleted_conversation_retention_days)
values ('gpt-4o-mini', null, null);
