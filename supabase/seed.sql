-- Demo accounts and a conversation with history. Runs once, after the migrations, into an empty database: by
-- `make demo` on lite, or by `supabase db reset` on the Supabase CLI's stack. Never on a production database.
--
-- Password of every account: production-chat

do $$
declare
  v_user record;
begin
  for v_user in
    select * from (values
      ('00000000-0000-4000-8000-000000000001'::uuid, 'free@example.com'),
      ('00000000-0000-4000-8000-000000000002'::uuid, 'pro@example.com'),
      ('00000000-0000-4000-8000-000000000003'::uuid, 'enterprise@example.com'),
      ('00000000-0000-4000-8000-000000000004'::uuid, 'admin@example.com')
    ) as account (id, email)
  loop
    insert into auth.users (
      id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data, raw_user_meta_data,
      -- Supabase Auth reads these as text and does not accept null.
      confirmation_token, recovery_token, email_change, email_change_token_new, created_at, updated_at
    ) values (
      v_user.id, 'authenticated', 'authenticated', v_user.email,
      '$2b$10$OcaCMPupok2whlX1v4yLf.poAj7hVw7U5xDQmGwwHqMqfp5or3qqO', now(),
      '{"provider": "email", "providers": ["email"]}', '{}', '', '', '', '', now(), now()
    );
    insert into auth.identities (id, provider, provider_id, user_id, identity_data, last_sign_in_at, created_at, updated_at)
    values (
      v_user.id, 'email', v_user.id::text, v_user.id,
      jsonb_build_object('sub', v_user.id, 'email', v_user.email, 'email_verified', true), now(), now(), now()
    );
  end loop;

  -- Supabase Auth finds users by instance; lite has no such column.
  if exists (
    select from information_schema.columns
    where table_schema = 'auth' and table_name = 'users' and column_name = 'instance_id'
  ) then
    execute $sql$ update auth.users set instance_id = '00000000-0000-0000-0000-000000000000' where instance_id is null $sql$;
  end if;
end
$$;

-- Plans. A trigger has given everyone a personal organization (its id is the user's) with a free licence.
update public.user_licenses set tier = 'pro'
where org_id = user_id and user_id = '00000000-0000-4000-8000-000000000002';
update public.user_licenses set tier = 'enterprise'
where org_id = user_id and user_id = '00000000-0000-4000-8000-000000000003';

-- A team with pools: 1,000 messages a day and 20 USD a month, shared by its members.
insert into public.organizations (id, name, time_zone, max_messages_per_day, monthly_budget_micro_usd)
values ('00000000-0000-4000-9000-000000000001', 'Example Team', 'UTC', 1000, 20000000);
insert into public.organization_members (org_id, user_id, role) values
  ('00000000-0000-4000-9000-000000000001', '00000000-0000-4000-8000-000000000003', 'owner'),
  ('00000000-0000-4000-9000-000000000001', '00000000-0000-4000-8000-000000000004', 'admin');
insert into public.user_licenses (org_id, user_id, tier) values
  ('00000000-0000-4000-9000-000000000001', '00000000-0000-4000-8000-000000000003', 'enterprise'),
  ('00000000-0000-4000-9000-000000000001', '00000000-0000-4000-8000-000000000004', 'pro');

-- History of the pro user: one conversation of 60 turns, four a day, the last one five days ago.
create temporary table seed_turn as
select
  n,
  ('01890000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as id,
  ('01890000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid as answer_id,
  '00000000-0000-4000-8000-000000000002'::uuid as user_id,
  '01890000-0000-7000-a000-000000000001'::uuid as conversation_id,
  date_trunc('day', now() at time zone 'UTC') at time zone 'UTC' - interval '20 days' + n * interval '6 hours' as at,
  130 + n as prompt_tokens,
  60 + (n * 7) % 40 as completion_tokens,
  (array[
    'What should we decide this week?', 'Which risk matters most?', 'Who should own it?',
    'What would change your mind?', 'How do we know that it works?', 'What can we stop doing?'
  ])[1 + n % 6] as question,
  (array[
    'Decide **one thing**: whether the pilot goes on. Everything else can wait for its result.',
    'The largest risk is *silence*: nobody would notice for a month. Put one number on the wall.',
    'One person, by name. A group owns nothing.',
    'Two weeks of flat usage would. Until then, keep going.',
    'Compare with the team that does not have it. Ten customers are enough to see a difference.',
    'The weekly report. Nobody has opened it since spring.'
  ])[1 + n % 6] as reply
from generate_series(1, 60) n;

insert into public.conversations (org_id, id, user_id, title, agent, message_count, last_seq, created_at, updated_at)
select user_id, conversation_id, user_id, 'The pilot, week by week', 'executive', 120, 120, min(at), max(at)
from seed_turn group by user_id, conversation_id;
update public.user_licenses set conversation_count = conversation_count + 1
where org_id = user_id and user_id = '00000000-0000-4000-8000-000000000002';

insert into public.chat_turns (
  org_id, id, user_id, conversation_id, fingerprint, agent, model, price_version, trigger, state, answer_id, answer_seq,
  prompt_seq, files, streaming, max_output_tokens, input_bytes, hold_micro_usd, cost_micro_usd, prompt_tokens,
  cached_tokens, completion_tokens, usage_date, created_at, dispatched_at, ended_at
)
select
  user_id, id, user_id, conversation_id, 'seed', 'executive', 'gpt-4o-mini', 1, 'submit-message', 'settled', answer_id, 2 * n,
  2 * n - 1, 0, true, 400, 4 * prompt_tokens, 2 * (4 * prompt_tokens + 400), 2 * (prompt_tokens + completion_tokens),
  prompt_tokens, 0, completion_tokens, (at at time zone 'UTC')::date, at, at, at + interval '4 seconds'
from seed_turn;

insert into public.chat_messages (
  org_id, id, conversation_id, user_id, turn_id, seq, role, content, status, cost_micro_usd, created_at
)
select user_id, id, conversation_id, user_id, id, 2 * n - 1, 'user', format('%s. %s', n, question), 'complete', null, at
from seed_turn
union all
select
  user_id, answer_id, conversation_id, user_id, id, 2 * n, 'assistant', format('%s. %s', n, reply), 'complete',
  2 * (prompt_tokens + completion_tokens), at + interval '4 seconds'
from seed_turn;

-- The counters say what the turns say.
insert into public.chat_usage_tracking (
  org_id, user_id, date, messages_sent, ai_requests_made, prompt_tokens, completion_tokens, cost_micro_usd
)
select org_id, user_id, usage_date, count(*), count(*), sum(prompt_tokens), sum(completion_tokens), sum(cost_micro_usd)
from public.chat_turns where fingerprint = 'seed' group by org_id, user_id, usage_date;

insert into public.organization_usage (org_id, period, starts_on, messages_sent, cost_micro_usd)
select org_id, 'day', usage_date, count(*), sum(cost_micro_usd)
from public.chat_turns where fingerprint = 'seed' group by org_id, usage_date
union all
select org_id, 'month', date_trunc('month', usage_date::timestamp)::date, count(*), sum(cost_micro_usd)
from public.chat_turns where fingerprint = 'seed' group by org_id, date_trunc('month', usage_date::timestamp);
drop table seed_turn;
