-- What all turn functions share: locks, counters, and the three ways a turn ends (charged, released, expired).
--
-- Locks are always taken in this order: membership (shared), licence row, turns, conversations, the member's day counters, the organization's
-- day and month counters, the provider's slot, the member's usage version, the day's counts of refusals. Whoever needs
-- several of a kind takes them in key order.

create function private.turn_json(p_turn public.chat_turns) returns jsonb
language sql stable set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_turn.id, 'organizationId', p_turn.org_id, 'conversationId', p_turn.conversation_id, 'agent', p_turn.agent,
    'model', p_turn.model, 'trigger', p_turn.trigger, 'state', p_turn.state, 'answerId', p_turn.answer_id,
    'userSeq', case when p_turn.trigger = 'submit-message' then p_turn.prompt_seq end, 'answerSeq', p_turn.answer_seq,
    'replacesSeq', p_turn.replaces_seq,
    'streaming', p_turn.streaming, 'maxOutputTokens', p_turn.max_output_tokens, 'holdMicroUsd', p_turn.hold_micro_usd,
    'costMicroUsd', p_turn.cost_micro_usd, 'promptTokens', p_turn.prompt_tokens,
    'completionTokens', p_turn.completion_tokens, 'stopRequested', p_turn.stop_requested,
    'createdAt', private.epoch_ms(p_turn.created_at))
$$;

create function private.stored_message(p_org_id uuid, p_message_id uuid) returns jsonb
language sql stable set search_path = ''
as $$
  select private.message_json(m) from public.chat_messages m where m.org_id = p_org_id and m.id = p_message_id
$$;

create function private.turn_cost(
  p_model text, p_price_version int, p_prompt_tokens bigint, p_cached_tokens bigint, p_completion_tokens bigint
) returns bigint
language sql stable set search_path = ''
as $$
  -- Cached tokens are part of the prompt and priced once; reasoning tokens are part of the completion.
  select ceil((
      (p_prompt_tokens - least(p_cached_tokens, p_prompt_tokens))::numeric * p.input_micro_usd_per_million
      + least(p_cached_tokens, p_prompt_tokens)::numeric * p.cached_input_micro_usd_per_million
      + p_completion_tokens::numeric * p.output_micro_usd_per_million
    ) / 1000000)::bigint
  from public.model_prices p
  where p.model = p_model and p.version = p_price_version
$$;
comment on function private.turn_cost(text, int, bigint, bigint, bigint) is
  'Micro-USD at a pinned price version, rounded up once.';

create function private.after(p_previous timestamptz, p_now timestamptz) returns timestamptz
language sql immutable set search_path = ''
as $$ select greatest(p_previous + interval '1 millisecond', p_now) $$;
comment on function private.after(timestamptz, timestamptz) is
  'When a conversation changed: it grows with every change, also within a millisecond, since it tells how old a page is. A '
  'message is dated by it, so that it is newer than every page it is not on.';

create function private.lock_conversations(p_org_id uuid, p_conversation_ids uuid[]) returns void
language plpgsql set search_path = ''
as $$
begin
  perform from public.conversations where org_id = p_org_id and id = any (p_conversation_ids)
  order by id for no key update;
end
$$;

create function private.lock_counters(p_org_id uuid, p_user_id uuid, p_days date[], p_pool_day date default null)
returns void
language plpgsql set search_path = ''
as $$
begin
  perform from public.chat_usage_tracking where org_id = p_org_id and user_id = p_user_id and date = any (p_days)
  order by date for no key update;

  -- A pool without a row yet could not be locked, and two members would both take its last place.
  if p_pool_day is not null then
    insert into public.organization_usage (org_id, period, starts_on)
    select p_org_id, 'day', p_pool_day
    where not exists (
      select from public.organization_usage where org_id = p_org_id and period = 'day' and starts_on = p_pool_day)
    on conflict do nothing;
    insert into public.organization_usage (org_id, period, starts_on)
    select p_org_id, 'month', date_trunc('month', p_pool_day::timestamp)::date
    where not exists (
      select from public.organization_usage where org_id = p_org_id and period = 'month'
        and starts_on = date_trunc('month', p_pool_day::timestamp)::date)
    on conflict do nothing;
  end if;

  perform from public.organization_usage where org_id = p_org_id and period = 'day' and starts_on = any (p_days)
  order by starts_on for no key update;
  perform from public.organization_usage where org_id = p_org_id and period = 'month'
    and starts_on = any (select date_trunc('month', d::timestamp)::date from unnest(p_days) d)
  order by starts_on for no key update;
end
$$;
comment on function private.lock_counters(uuid, uuid, date[], date) is
  'Locks the counters of these days, as far as they exist. p_pool_day: make that day''s pool rows first.';

create function private.count_usage(
  p_org_id uuid, p_user_id uuid, p_day date, p_sent int, p_held int, p_requests int, p_prompt_tokens bigint,
  p_cached_tokens bigint, p_completion_tokens bigint, p_cost bigint, p_cost_held bigint
) returns void
language plpgsql set search_path = ''
as $$
declare
  v_month date := date_trunc('month', p_day::timestamp)::date;
begin
  for i in 1..2 loop -- the second time only when the row had to be made
    update public.chat_usage_tracking set
      messages_sent = messages_sent + p_sent, messages_held = messages_held + p_held,
      ai_requests_made = ai_requests_made + p_requests, prompt_tokens = prompt_tokens + p_prompt_tokens,
      cached_tokens = cached_tokens + p_cached_tokens, completion_tokens = completion_tokens + p_completion_tokens,
      cost_micro_usd = cost_micro_usd + p_cost, cost_held_micro_usd = cost_held_micro_usd + p_cost_held
    where org_id = p_org_id and user_id = p_user_id and date = p_day;
    exit when found;
    insert into public.chat_usage_tracking (org_id, user_id, date) values (p_org_id, p_user_id, p_day)
    on conflict do nothing;
  end loop;
  for i in 1..2 loop
    update public.organization_usage set
      messages_sent = messages_sent + p_sent, messages_held = messages_held + p_held,
      cost_micro_usd = cost_micro_usd + p_cost, cost_held_micro_usd = cost_held_micro_usd + p_cost_held
    where org_id = p_org_id and period = 'day' and starts_on = p_day;
    exit when found;
    insert into public.organization_usage (org_id, period, starts_on) values (p_org_id, 'day', p_day)
    on conflict do nothing;
  end loop;
  for i in 1..2 loop
    update public.organization_usage set
      messages_sent = messages_sent + p_sent, messages_held = messages_held + p_held,
      cost_micro_usd = cost_micro_usd + p_cost, cost_held_micro_usd = cost_held_micro_usd + p_cost_held
    where org_id = p_org_id and period = 'month' and starts_on = v_month;
    exit when found;
    insert into public.organization_usage (org_id, period, starts_on) values (p_org_id, 'month', v_month)
    on conflict do nothing;
  end loop;
end
$$;
comment on function private.count_usage(uuid, uuid, date, int, int, int, bigint, bigint, bigint, bigint, bigint) is
  'Adds differences to the member''s day and to the organization''s day and month. Costs in micro-USD.';

-- The ways a turn ends. The caller holds the locks of the turn, its conversation and its counters. --------------------

create function private.release_locked(p_turn public.chat_turns, p_reason text, p_now timestamptz)
returns public.chat_turns
language plpgsql set search_path = ''
as $$
declare
  v_turn public.chat_turns;
begin
  update public.chat_turns set state = 'released', release_reason = p_reason, ended_at = p_now, partial_answer = '',
    queued_at = null, provider_slot = null
  where org_id = p_turn.org_id and id = p_turn.id
  returning * into v_turn;
  if p_turn.trigger = 'submit-message' then
    delete from public.chat_messages where org_id = p_turn.org_id and id = p_turn.id;
  end if;
  update public.conversations set
    message_count = message_count - case when p_turn.trigger = 'submit-message' then 2 else 0 end,
    updated_at = private.after(updated_at, p_now)
  where org_id = p_turn.org_id and id = p_turn.conversation_id;
  perform private.count_usage(p_turn.org_id, p_turn.user_id, p_turn.usage_date, -1, -1, 0, 0, 0, 0, 0, -p_turn.hold_micro_usd);
  perform private.leave_provider(p_turn);
  return v_turn;
end
$$;
comment on function private.release_locked(public.chat_turns, text, timestamptz) is
  'The hold goes back and the user''s message leaves the conversation: it lives on in the client''s outbox.';

create function private.write_answer(
  p_turn public.chat_turns, p_content text, p_status text, p_cost bigint, p_now timestamptz
) returns void
language plpgsql set search_path = ''
as $$
declare
  v_updated_at timestamptz;
  v_superseded_at timestamptz;
begin
  update public.conversations set updated_at = private.after(updated_at, p_now)
  where org_id = p_turn.org_id and id = p_turn.conversation_id
  returning updated_at into v_updated_at;
  -- A correction finds the answer the expiry wrote, wherever the conversation has gone since.
  update public.chat_messages set content = p_content, status = p_status, cost_micro_usd = p_cost
  where org_id = p_turn.org_id and id = p_turn.answer_id;
  if found then
    return;
  end if;
  if p_turn.replaces_message_id is not null then
    if p_status = 'failed' and p_content = '' then
      return; -- the old answer is better than none
    end if;
    update public.chat_messages set superseded_at = p_now
    where org_id = p_turn.org_id and id = p_turn.replaces_message_id and superseded_at is null;
    if not found then
      v_superseded_at := p_now; -- a later turn has replaced it already: this answer comes too late to be shown
    end if;
  end if;
  if v_updated_at is null then
    return; -- the conversation is gone for good; the turn alone keeps the account
  end if;
  insert into public.chat_messages (
    org_id, id, conversation_id, user_id, turn_id, seq, role, content, status, cost_micro_usd, created_at, superseded_at
  ) values (
    p_turn.org_id, p_turn.answer_id, p_turn.conversation_id, p_turn.user_id, p_turn.id, p_turn.answer_seq, 'assistant',
    p_content, p_status, p_cost, v_updated_at, v_superseded_at
  );
end
$$;

create function private.charge_locked(
  p_turn public.chat_turns, p_state text, p_content text, p_status text, p_prompt_tokens bigint, p_cached_tokens bigint,
  p_completion_tokens bigint, p_cost bigint, p_is_estimated boolean, p_now timestamptz
) returns public.chat_turns
language plpgsql set search_path = ''
as $$
declare
  v_turn public.chat_turns;
begin
  update public.chat_turns set
    state = p_state, cost_micro_usd = p_cost, prompt_tokens = p_prompt_tokens, cached_tokens = p_cached_tokens,
    completion_tokens = p_completion_tokens, is_estimated = p_is_estimated, is_over_hold = p_cost > hold_micro_usd,
    is_partial = p_status <> 'complete',
    partial_answer = '', ended_at = p_now, provider_slot = null
  where org_id = p_turn.org_id and id = p_turn.id
  returning * into v_turn;
  if p_turn.state = 'expired_charged' then -- corrected: only the differences count
    perform private.count_usage(p_turn.org_id, p_turn.user_id, p_turn.usage_date, 0, 0, 0,
      coalesce(p_prompt_tokens, 0), coalesce(p_cached_tokens, 0), coalesce(p_completion_tokens, 0),
      p_cost - p_turn.cost_micro_usd, 0);
  else
    perform private.count_usage(p_turn.org_id, p_turn.user_id, p_turn.usage_date, 0, -1, 1,
      coalesce(p_prompt_tokens, 0), coalesce(p_cached_tokens, 0), coalesce(p_completion_tokens, 0),
      p_cost, -p_turn.hold_micro_usd);
  end if;
  perform private.write_answer(p_turn, p_content, p_status, p_cost, p_now);
  perform private.leave_provider(p_turn);
  return v_turn;
end
$$;
comment on function private.charge_locked(public.chat_turns, text, text, text, bigint, bigint, bigint, bigint, boolean, timestamptz) is
  'The hold becomes a charge in the day stored on the turn, and the answer is written.';

create function private.expire_locked(p_turn public.chat_turns, p_now timestamptz) returns public.chat_turns
language plpgsql set search_path = ''
as $$
begin
  if p_turn.state = 'held' then
    return private.release_locked(p_turn, 'expired', p_now);
  end if;
  return private.charge_locked(p_turn, 'expired_charged', p_turn.partial_answer, 'failed', null, null, null,
    p_turn.hold_micro_usd, true, p_now);
end
$$;
comment on function private.expire_locked(public.chat_turns, timestamptz) is
  'Nobody works on the turn any more. Not dispatched: released. Dispatched: charged as estimated, since the provider may bill it.';

create function private.is_silent(p_turn public.chat_turns, p_now timestamptz) returns boolean
language sql immutable set search_path = ''
as $$
  select case p_turn.state
    when 'dispatched' then greatest(p_turn.dispatched_at, p_turn.heartbeat_at) < p_now - interval '30 seconds'
    -- Not dispatched: who asked for a stop waits no longer; else a worker may wait a minute for its place.
    when 'held' then greatest(p_turn.created_at, p_turn.heartbeat_at)
      < p_now - case when p_turn.stop_requested then interval '30 seconds' else interval '90 seconds' end
    else false
  end
$$;
comment on function private.is_silent(public.chat_turns, timestamptz) is
  'No worker gives a sign of life: it is gone. A worker flushes every second.';

revoke all on function private.turn_json(public.chat_turns),
  private.after(timestamptz, timestamptz), private.stored_message(uuid, uuid), private.turn_cost(text, int, bigint, bigint, bigint),
  private.lock_conversations(uuid, uuid[]), private.lock_counters(uuid, uuid, date[], date),
  private.count_usage(uuid, uuid, date, int, int, int, bigint, bigint, bigint, bigint, bigint),
  private.release_locked(public.chat_turns, text, timestamptz),
  private.write_answer(public.chat_turns, text, text, bigint, timestamptz),
  private.charge_locked(public.chat_turns, text, text, text, bigint, bigint, bigint, bigint, boolean, timestamptz),
  private.expire_locked(public.chat_turns, timestamptz), private.is_silent(public.chat_turns, timestamptz)
  from public, anon, authenticated, service_role;
