-- The tables of production chat: tenants, plans, conversations, turns and what they cost.
--
-- The tenant key is `org_id`. It leads every primary key, unique index and foreign key of a tenant table, so the same
-- schema runs on one Postgres or sharded by tenant. Every user has a personal organization whose id is the user's id.
-- No tenant table refers to auth.users: accounts may live on another node, and usage outlives them.
-- Reference tables (the same rows for everyone): license_tiers, agents, model_prices, chat_settings.
--
-- Money is an integer: micro-USD in bigint. Prices are micro-USD per 1,000,000 tokens.

-- An app that has a chat already moves its tables aside first: nothing is overwritten, and nothing half done.
do $$
declare
  v_taken text;
begin
  select string_agg(name, ', ' order by name) into v_taken
  from unnest(array[
    'license_tiers', 'agents', 'model_prices', 'chat_settings', 'organizations', 'organization_members', 'user_licenses',
    'conversations', 'chat_messages', 'chat_turns', 'chat_usage_tracking', 'organization_usage', 'chat_quota_violations',
    'billing_prices', 'license_changes',
    'audit_usage', 'check_conversation_length', 'claim_subscription', 'cleanup_old_usage_data', 'create_conversation',
    'delete_conversation', 'dispatch_turn', 'flush_turn', 'get_messages_paginated', 'list_conversations', 'quota_status',
    'read_turn', 'record_subscription', 'release_turn', 'rename_conversation', 'reserve_turn', 'settle_turn', 'stop_turn',
    'sweep_stale_turns', 'usage_history'
  ]) name
  where to_regclass('public.' || name) is not null
    or exists (select from pg_catalog.pg_proc p where p.proname = name and p.pronamespace = 'public'::regnamespace);
  if v_taken is not null then
    raise exception 'The schema "public" has what production-chat makes: %', v_taken
      using errcode = 'duplicate_table',
        hint = 'Move them to a schema of their own first: see "Into an app that exists" (docs/adopting.md).';
  end if;
end
$$;

-- Supabase has these roles. A bare Postgres or PGlite may make them only later.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'anon') then
    create role anon nologin noinherit;
  end if;
  if not exists (select from pg_catalog.pg_roles where rolname = 'authenticated') then
    create role authenticated nologin noinherit;
  end if;
  if not exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    create role service_role nologin noinherit bypassrls;
  end if;
end
$$;

-- Internals. The API does not expose this schema.
create schema if not exists private;

-- Reference tables ---------------------------------------------------------------------------------------------------

create table public.license_tiers (
  tier text primary key check (tier in ('free', 'pro', 'enterprise')),
  price_usd_per_month integer not null check (price_usd_per_month >= 0),
  max_messages_per_day integer not null check (max_messages_per_day >= 0),
  max_messages_per_hour integer not null check (max_messages_per_hour >= 0),
  max_messages_per_conversation integer not null check (max_messages_per_conversation >= 0),
  max_conversations integer not null check (max_conversations >= 0),
  max_cost_per_day_micro_usd bigint not null check (max_cost_per_day_micro_usd >= 0),
  max_output_tokens integer not null check (max_output_tokens > 0),
  context_token_budget integer not null check (context_token_budget >= 0),
  agents text[], -- null: every agent
  file_uploads boolean not null,
  streaming boolean not null,
  priority integer not null, -- higher is served first
  custom_integrations boolean not null
);
comment on table public.license_tiers is 'Reference table: what each plan allows.';
comment on column public.license_tiers.context_token_budget is
  'History sent along with a message, bounded in UTF-8 bytes: a byte is at most a token.';

create table public.agents (
  id text primary key,
  name text not null,
  description text not null
);
comment on table public.agents is 'Reference table: whom one can write to.';

create table public.model_prices (
  model text not null,
  version integer not null check (version > 0),
  input_micro_usd_per_million bigint not null check (input_micro_usd_per_million >= 0),
  cached_input_micro_usd_per_million bigint not null check (cached_input_micro_usd_per_million >= 0),
  output_micro_usd_per_million bigint not null check (output_micro_usd_per_million >= 0),
  created_at timestamptz not null default date_trunc('milliseconds', now()),
  primary key (model, version),
  -- A hold counts no cached tokens, so they must not cost more: else it would be no upper bound.
  constraint cached_input_costs_no_more check (cached_input_micro_usd_per_million <= input_micro_usd_per_million)
);
comment on table public.model_prices is
  'Reference table: prices by version. The highest version is the current one; a turn keeps the version it was reserved at.';

create table public.chat_settings (
  singleton boolean primary key default true check (singleton),
  default_model text not null,
  -- Retention in whole days; null keeps everything.
  usage_retention_days integer check (usage_retention_days >= 62),
  deleted_conversation_retention_days integer check (deleted_conversation_retention_days >= 0)
);
comment on table public.chat_settings is 'Reference table: one row of settings for the whole deployment.';
comment on column public.chat_settings.usage_retention_days is
  'Days of usage kept. At least 62, so that the current and the last month are always whole.';

-- Tenants ------------------------------------------------------------------------------------------------------------

create table public.organizations (
  id uuid primary key,
  name text not null default '',
  time_zone text not null default 'UTC',
  -- A changed zone counts after the end of the day that was running: until then the previous zone rules.
  previous_time_zone text,
  time_zone_counts_from timestamptz,
  -- The day that was running at the change. No later day may carry an earlier date, or a full day could be reopened.
  earliest_day date,
  -- Pools shared by all members; null: no pool limit.
  max_messages_per_day bigint check (max_messages_per_day >= 0),
  monthly_budget_micro_usd bigint check (monthly_budget_micro_usd >= 0),
  created_at timestamptz not null default date_trunc('milliseconds', now())
);
comment on table public.organizations is 'Tenants. A personal organization has its user''s id.';

create table public.organization_members (
  org_id uuid not null references public.organizations (id) on delete cascade,
  user_id uuid not null,
  role text not null default 'member' check (role in ('owner', 'admin', 'member')),
  -- Grows with every change of this member's usage. Locked after everything that it counts. It begins with the time, so
  -- that it grows also when a member leaves and joins again.
  usage_version bigint not null default floor(extract(epoch from clock_timestamp()) * 1000),
  created_at timestamptz not null default date_trunc('milliseconds', now()),
  primary key (org_id, user_id)
) with (fillfactor = 80);
create index organization_members_user on public.organization_members (user_id);

create table public.user_licenses (
  org_id uuid not null,
  user_id uuid not null,
  tier text not null references public.license_tiers (tier) check (tier in ('free', 'pro', 'enterprise')),
  status text not null default 'active' check (status in ('active', 'suspended', 'expired')),
  expires_at timestamptz,
  -- Conversations kept: counted here because reserving a turn locks this row first.
  conversation_count integer not null default 0 check (conversation_count >= 0),
  created_at timestamptz not null default date_trunc('milliseconds', now()),
  primary key (org_id, user_id),
  foreign key (org_id, user_id) references public.organization_members (org_id, user_id) on delete cascade,
  -- More organizations are not more free quota: free licences exist only in personal organizations.
  constraint free_only_in_personal_organization check (tier <> 'free' or org_id = user_id)
) with (fillfactor = 80);
create index user_licenses_tier on public.user_licenses (tier);

-- Conversations and messages -----------------------------------------------------------------------------------------

create table public.conversations (
  org_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  user_id uuid not null,
  title text not null default '',
  agent text not null references public.agents (id),
  -- Messages in it now, the answer of a live turn included.
  message_count integer not null default 0 check (message_count >= 0),
  last_seq bigint not null default 0,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  primary key (org_id, id)
) with (fillfactor = 80);
create index idx_conversations_user_updated on public.conversations (org_id, user_id, updated_at desc, id desc)
  where deleted_at is null;
create index conversations_deleted on public.conversations (deleted_at) where deleted_at is not null;

create table public.chat_messages (
  org_id uuid not null,
  id uuid not null, -- of a user message: its turn's id
  conversation_id uuid not null,
  user_id uuid not null,
  turn_id uuid not null,
  seq bigint not null check (seq > 0),
  role text not null check (role in ('user', 'assistant')),
  content text not null,
  content_bytes integer not null generated always as (octet_length(content)) stored,
  status text not null check (status in ('complete', 'stopped', 'failed')),
  cost_micro_usd bigint check (cost_micro_usd >= 0),
  created_at timestamptz not null,
  -- An answer that was regenerated leaves pages, context and the length count.
  superseded_at timestamptz,
  primary key (org_id, id),
  foreign key (org_id, conversation_id) references public.conversations (org_id, id) on delete cascade
);
-- One ordered read serves a page and the context window.
create unique index idx_chat_messages_conversation_user on public.chat_messages
  (org_id, conversation_id, user_id, seq desc) where superseded_at is null;
create index idx_chat_messages_created_at on public.chat_messages (org_id, created_at);

-- Turns and counters -------------------------------------------------------------------------------------------------

-- A turn outlives the conversation and the messages it belongs to, so deleting them gives nothing back.
create table public.chat_turns (
  org_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  user_id uuid not null,
  conversation_id uuid not null,
  fingerprint text not null, -- of the request: a replay must match it
  agent text not null,
  model text not null,
  price_version integer not null,
  trigger text not null check (trigger in ('submit-message', 'regenerate-message')),
  state text not null check (state in ('held', 'dispatched', 'settled', 'released', 'expired_charged')),
  attempt integer not null default 1,
  answer_id uuid not null,
  answer_seq bigint not null,
  prompt_seq bigint not null, -- the user message it answers
  replaces_message_id uuid,   -- the answer it regenerates
  replaces_seq bigint,
  files integer not null check (files >= 0),
  streaming boolean not null,
  max_output_tokens integer not null,
  input_bytes bigint not null,
  hold_micro_usd bigint not null check (hold_micro_usd >= 0),
  cost_micro_usd bigint check (cost_micro_usd >= 0),
  prompt_tokens bigint check (prompt_tokens >= 0),
  cached_tokens bigint check (cached_tokens >= 0),
  completion_tokens bigint check (completion_tokens >= 0),
  is_estimated boolean not null default false, -- charged without the provider's figures
  is_over_hold boolean not null default false, -- charged more than was held
  is_partial boolean not null default false, -- charged for an answer that is not whole: stopped, broken off, failed
  stop_requested boolean not null default false,
  partial_answer text not null default '',
  release_reason text,
  usage_date date not null, -- the day it counts in, in the organization's time zone
  created_at timestamptz not null,
  dispatched_at timestamptz,
  heartbeat_at timestamptz,
  ended_at timestamptz,
  primary key (org_id, id),
  foreign key (model, price_version) references public.model_prices (model, version)
) with (fillfactor = 80);
create unique index chat_turns_one_live_per_conversation on public.chat_turns (org_id, conversation_id)
  where state in ('held', 'dispatched');
create index chat_turns_live on public.chat_turns (org_id, user_id, created_at) where state in ('held', 'dispatched');
-- The sliding hour.
create index chat_turns_recent on public.chat_turns (org_id, user_id, created_at desc) where state <> 'released';
create index chat_turns_usage_date on public.chat_turns (org_id, user_id, usage_date); -- retention

create table public.chat_usage_tracking (
  org_id uuid not null references public.organizations (id) on delete cascade,
  user_id uuid not null,
  date date not null,
  messages_sent integer not null default 0 check (messages_sent >= 0), -- turns not released, held ones included
  messages_held integer not null default 0 check (messages_held >= 0), -- of these, turns that have not ended
  ai_requests_made integer not null default 0 check (ai_requests_made >= 0), -- turns that were charged
  prompt_tokens bigint not null default 0,
  cached_tokens bigint not null default 0,
  completion_tokens bigint not null default 0,
  cost_micro_usd bigint not null default 0 check (cost_micro_usd >= 0),
  cost_held_micro_usd bigint not null default 0 check (cost_held_micro_usd >= 0),
  estimated_cost_usd numeric(14, 6) not null generated always as (cost_micro_usd::numeric / 1000000) stored,
  -- The primary key's index carries the name by which usage queries know it.
  constraint idx_usage_tracking_user_date primary key (org_id, user_id, date)
) with (fillfactor = 70);
create index chat_usage_tracking_date on public.chat_usage_tracking (date);

create table public.organization_usage (
  org_id uuid not null references public.organizations (id) on delete cascade,
  period text not null check (period in ('day', 'month')),
  starts_on date not null,
  messages_sent bigint not null default 0 check (messages_sent >= 0),
  messages_held bigint not null default 0 check (messages_held >= 0),
  cost_micro_usd bigint not null default 0 check (cost_micro_usd >= 0),
  cost_held_micro_usd bigint not null default 0 check (cost_held_micro_usd >= 0),
  primary key (org_id, period, starts_on)
) with (fillfactor = 70);
comment on table public.organization_usage is 'The pools: what all members together spent in a day and in a month.';

create table public.chat_quota_violations (
  org_id uuid not null references public.organizations (id) on delete cascade,
  user_id uuid not null,
  date date not null,
  reason text not null,
  denials integer not null default 0 check (denials >= 0),
  -- When the limit was first reached that day, even if nobody was refused: a good client then stops asking.
  limit_reached_at timestamptz,
  primary key (org_id, user_id, date, reason)
) with (fillfactor = 70);
comment on table public.chat_quota_violations is 'Refusals per day and reason: a counter, not a row per refusal.';
