-- reserve_turn: the law. Under the member's lock it decides every limit at once and either writes the hold, or leaves
-- nothing but a count of the refusal. The context window comes back in the same call.

create function private.invalid_turn_field(
  p_turn_id uuid, p_conversation_id uuid, p_agent text, p_trigger text, p_content text, p_files int, p_answer_id uuid,
  p_system_bytes int, p_fingerprint text
) returns jsonb
language sql stable set search_path = ''
as $$
  select jsonb_build_object('field', e.field, 'message', e.message)
  from (values
    (1, 'id', 'A turn needs an id.', p_turn_id is null),
    (2, 'conversationId', 'A conversation id is missing.', p_conversation_id is null),
    (3, 'trigger', 'Use submit-message or regenerate-message.',
      coalesce(p_trigger, '') not in ('submit-message', 'regenerate-message')),
    (4, 'agent', 'There is no such agent.', not exists (select from public.agents a where a.id = p_agent)),
    (5, 'content', 'A message needs text.', p_trigger = 'submit-message' and coalesce(btrim(p_content, E' \t\r\n'), '') = ''),
    (6, 'content', 'A message has at most 16000 bytes.', octet_length(p_content) > 16000),
    (7, 'content', 'A regenerated answer takes no text.', p_trigger = 'regenerate-message' and coalesce(p_content, '') <> ''),
    (8, 'files', 'The number of files is not negative.', p_files < 0),
    (9, 'answerId', 'The answer needs an id of its own.', p_answer_id is null or p_answer_id = p_turn_id),
    (10, 'systemBytes', 'The size of the system prompt is not negative.', coalesce(p_system_bytes, -1) < 0),
    (11, 'fingerprint', 'The request has no fingerprint.', coalesce(p_fingerprint, '') = '')
  ) e (place, field, message, is_wrong)
  where e.is_wrong
  order by e.place
  limit 1
$$;
comment on function private.invalid_turn_field(uuid, uuid, text, text, text, int, uuid, int, text) is
  'The first field that is wrong and what is wrong with it, else null.';

create function private.context_window(
  p_org_id uuid, p_conversation_id uuid, p_user_id uuid, p_before_seq bigint, p_budget int,
  out messages jsonb, out bytes bigint
)
language plpgsql stable set search_path = ''
as $$
declare
  v_message record;
  v_newest_first jsonb[] := '{}';
begin
  bytes := 0;
  -- Eight bytes a message at least, so the budget bounds the read; the loop ends as soon as it is spent.
  for v_message in
    select role, content, content_bytes from public.chat_messages
    where org_id = p_org_id and conversation_id = p_conversation_id and user_id = p_user_id
      and superseded_at is null and seq < p_before_seq
    order by seq desc
    limit p_budget / 8
  loop
    continue when v_message.content_bytes = 0; -- an answer that failed before its first word
    exit when bytes + v_message.content_bytes + 8 > p_budget;
    bytes := bytes + v_message.content_bytes + 8;
    v_newest_first := v_newest_first || jsonb_build_object('role', v_message.role, 'content', v_message.content);
  end loop;
  select coalesce(jsonb_agg(m order by n desc), '[]') into messages from unnest(v_newest_first) with ordinality as e (m, n);
end
$$;
comment on function private.context_window(uuid, uuid, uuid, bigint, int) is
  'The newest messages before a sequence number that fit the budget (UTF-8 bytes, 8 more for each), oldest first.';

create function private.first_words(p_content text) returns text
language sql immutable set search_path = ''
as $$
  -- Cut between words where there are any; a language without spaces is cut between characters.
  select case when char_length(line) <= 60 then line
    else regexp_replace(left(line, 60), ' \S*$', '') || '…' end
  from (select btrim(regexp_replace(left(p_content, 1000), '\s+', ' ', 'g')) as line) e
$$;
comment on function private.first_words(text) is 'What an unnamed conversation is called: how its first message begins.';

create function private.note_limit(
  p_org_id uuid, p_user_id uuid, p_day date, p_reason text, p_denials int, p_now timestamptz
) returns void
language sql set search_path = ''
as $$
  insert into public.chat_quota_violations as v (org_id, user_id, date, reason, denials, limit_reached_at)
  values (p_org_id, p_user_id, p_day, p_reason, p_denials, p_now)
  on conflict (org_id, user_id, date, reason) do update set
    denials = v.denials + excluded.denials, limit_reached_at = coalesce(v.limit_reached_at, excluded.limit_reached_at)
$$;
comment on function private.note_limit(uuid, uuid, date, text, int, timestamptz) is
  'Counts refusals and stamps when the limit was first reached that day.';

create function private.note_limits_reached(
  p_org_id uuid, p_user_id uuid, p_day date, p_usage jsonb, p_now timestamptz
) returns void
language plpgsql set search_path = ''
as $$
declare
  v_limit record;
begin
  for v_limit in
    select e.name from (values
      ('messages_per_hour', p_usage -> 'messagesThisHour', p_usage #>> '{quotas,max_messages_per_hour}'),
      ('messages_per_day', p_usage -> 'messagesToday', p_usage #>> '{quotas,max_messages_per_day}'),
      ('cost_per_day', p_usage -> 'costTodayMicroUsd', p_usage #>> '{quotas,max_cost_per_day_micro_usd}'),
      ('org_messages_per_day', p_usage -> 'organizationMessagesToday', p_usage #>> '{organizationMessagesToday,max}'),
      ('org_budget', p_usage -> 'organizationCostThisMonthMicroUsd', p_usage #>> '{organizationCostThisMonthMicroUsd,max}')
    ) e (name, counter, maximum)
    where (e.counter ->> 'used')::bigint + (e.counter ->> 'held')::bigint >= e.maximum::bigint
    order by e.name
  loop
    perform private.note_limit(p_org_id, p_user_id, p_day, v_limit.name, 0, p_now);
  end loop;
end
$$;
comment on function private.note_limits_reached(uuid, uuid, date, jsonb, timestamptz) is
  'Stamps the limits that a message has reached: a good client asks no more and is never refused.';

create function private.reserve_reply(
  p_turn public.chat_turns, p_changed boolean, p_usage jsonb, p_system_bytes int, p_context jsonb default null
) returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  v_conversation public.conversations;
  v_prompt public.chat_messages;
  v_context jsonb := p_context;
begin
  select * into v_conversation from public.conversations where org_id = p_turn.org_id and id = p_turn.conversation_id;
  if p_turn.state = 'held' then
    select * into v_prompt from public.chat_messages
    where org_id = p_turn.org_id and conversation_id = p_turn.conversation_id and user_id = p_turn.user_id
      and superseded_at is null and seq = p_turn.prompt_seq;
    -- What was held for, whatever the plan has become since: a longer context would cost more than the hold.
    v_context := coalesce(v_context, (private.context_window(p_turn.org_id, p_turn.conversation_id, p_turn.user_id,
      p_turn.prompt_seq, greatest(p_turn.input_bytes - v_prompt.content_bytes - 8 - p_system_bytes
        - case when p_system_bytes > 0 then 8 else 0 end, 0)::int)).messages);
    v_context := v_context || jsonb_build_object('role', 'user', 'content', v_prompt.content);
  end if;
  return jsonb_build_object(
    'outcome', p_turn.state, 'turn', private.turn_json(p_turn), 'usage', p_usage, 'changed', p_changed,
    'conversation', case when v_conversation.id is not null then private.conversation_json(v_conversation) end,
    'userMessage', case when p_turn.trigger = 'submit-message' then private.stored_message(p_turn.org_id, p_turn.id) end,
    'context', v_context,
    'message', private.stored_message(p_turn.org_id, p_turn.answer_id));
end
$$;

create function public.reserve_turn(
  p_org_id uuid, p_turn_id uuid, p_user_id uuid, p_conversation_id uuid, p_new_conversation boolean, p_agent text,
  p_trigger text, p_content text, p_files int, p_model text, p_answer_id uuid, p_system_bytes int, p_fingerprint text
) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_has_seat boolean;
  v_stale_before timestamptz;
  v_now timestamptz;
  v_invalid jsonb;
  v_turn public.chat_turns;
  v_stale public.chat_turns[];
  v_expired public.chat_turns;
  v_conversation public.conversations;
  v_org public.organizations;
  v_day date;
  v_days date[];
  v_live_turn_id uuid;
  v_price public.model_prices;
  v_prompt public.chat_messages;
  v_replaced public.chat_messages;
  v_usage jsonb;
  v_quotas jsonb;
  v_is_new boolean := false;
  v_is_submit boolean := p_trigger = 'submit-message';
  v_message_bytes bigint;
  v_input_bytes bigint;
  v_output_tokens bigint;
  v_min_cost bigint;
  v_hold bigint;
  v_context record;
  v_verdict jsonb;
begin
  perform private.assert_service();
  perform private.assert_read_committed();
  v_invalid := private.invalid_turn_field(p_turn_id, p_conversation_id, p_agent, p_trigger, p_content, p_files, p_answer_id,
    p_system_bytes, p_fingerprint);
  if v_invalid is not null then
    return v_invalid || jsonb_build_object('outcome', 'invalid', 'turn', null, 'usage', null);
  end if;

  -- Locks, in the order all turn functions keep. The licence row makes one member's reserves wait for each other.
  if not private.keep_membership(p_org_id, p_user_id) then
    return jsonb_build_object('outcome', 'not_found', 'turn', null, 'usage', null);
  end if;
  perform from public.user_licenses where org_id = p_org_id and user_id = p_user_id for no key update;
  v_has_seat := found;

  v_stale_before := clock_timestamp() - interval '15 minutes';
  select coalesce(array_agg(s.t), '{}') into v_stale
  from (
    select t from public.chat_turns t
    where t.org_id = p_org_id and t.user_id = p_user_id and t.state in ('held', 'dispatched') and t.created_at < v_stale_before
    order by t.id for no key update
  ) s;
  -- The key contains the organization: the same id in another organization is another turn, of which nothing is read.
  select * into v_turn from public.chat_turns where org_id = p_org_id and id = p_turn_id for no key update;
  if (v_turn.id is not null and (v_turn.user_id <> p_user_id or v_turn.fingerprint <> p_fingerprint))
    or (v_turn.id is null and exists (select from public.chat_messages where org_id = p_org_id and id = p_turn_id))
  then
    return jsonb_build_object('outcome', 'id_reused', 'turn', null, 'usage', null);
  end if;

  perform private.lock_conversations(p_org_id,
    array(select s.conversation_id from unnest(v_stale) s) || array[p_conversation_id]);
  v_now := date_trunc('milliseconds', clock_timestamp());

  select * into v_org from public.organizations where id = p_org_id;
  v_day := (private.organization_calendar(v_org, v_now)).day;
  v_days := array(select s.usage_date from unnest(v_stale) s) || array[v_day]
    || case when v_turn.id is not null then array[v_turn.usage_date] end;
  perform private.lock_counters(p_org_id, p_user_id, v_days,
    case when v_org.max_messages_per_day is not null or v_org.monthly_budget_micro_usd is not null then v_day end);

  -- The caller's own turns that nobody works on any more give back what they hold, so no background job is needed.
  foreach v_expired in array v_stale loop
    v_expired := private.expire_locked(v_expired, v_now);
    if v_expired.id = v_turn.id then
      v_turn := v_expired;
    end if;
  end loop;
  if private.is_silent(v_turn, v_now) then
    v_turn := private.expire_locked(v_turn, v_now);
    v_stale := v_stale || v_turn;
  end if;
  if cardinality(v_stale) > 0 then
    perform private.bump_usage_version(p_org_id, p_user_id);
  end if;

  -- A replay gets the turn as it stands; a released one is attempted anew, every limit checked again.
  if v_turn.state <> 'released' then
    return private.reserve_reply(v_turn, false, private.usage_snapshot(p_org_id, p_user_id, v_now), p_system_bytes);
  end if;

  select * into v_conversation from public.conversations where org_id = p_org_id and id = p_conversation_id;
  v_is_new := v_conversation.id is null and coalesce(p_new_conversation, false) and v_is_submit;
  if not v_is_new and (v_conversation.user_id is distinct from p_user_id or v_conversation.deleted_at is not null) then
    return jsonb_build_object('outcome', 'not_found', 'turn', null, 'usage', null);
  end if;
  select id into v_live_turn_id from public.chat_turns
  where org_id = p_org_id and conversation_id = p_conversation_id and state in ('held', 'dispatched');
  if found then
    return jsonb_build_object('outcome', 'conversation_busy', 'turn', null, 'liveTurnId', v_live_turn_id,
      'usage', private.usage_snapshot(p_org_id, p_user_id, v_now));
  end if;

  select * into v_price from public.model_prices
  where model = coalesce(p_model, (select default_model from public.chat_settings))
  order by version desc limit 1;
  if not found then -- never free
    return jsonb_build_object('outcome', 'invalid', 'turn', null, 'usage', null,
      'field', 'model', 'message', 'No price is known for this model.');
  end if;

  v_usage := private.usage_snapshot(p_org_id, p_user_id, v_now);
  if not v_has_seat then -- one given since then is not locked: others may be spending it at this moment
    v_usage := jsonb_set(v_usage, '{license,status}', '"expired"');
  end if;
  v_quotas := v_usage -> 'quotas';

  if v_is_submit then
    v_message_bytes := octet_length(p_content);
    v_prompt.seq := coalesce(v_conversation.last_seq, 0) + 1;
  else
    select * into v_replaced from public.chat_messages
    where org_id = p_org_id and conversation_id = p_conversation_id and user_id = p_user_id and superseded_at is null
    order by seq desc limit 1;
    select * into v_prompt from public.chat_messages
    where org_id = p_org_id and conversation_id = p_conversation_id and user_id = p_user_id and superseded_at is null
      and seq < v_replaced.seq and role = 'user'
    order by seq desc limit 1;
    if v_replaced.role is distinct from 'assistant' or v_prompt.id is null then
      return jsonb_build_object('outcome', 'invalid', 'turn', null, 'usage', null,
        'field', 'trigger', 'message', 'There is no answer to regenerate.');
    end if;
    v_message_bytes := v_prompt.content_bytes;
  end if;

  v_context := private.context_window(p_org_id, p_conversation_id, p_user_id, v_prompt.seq,
    (v_quotas ->> 'context_token_budget')::int);
  -- Context messages carry their 8 bytes for the wire format already; the prompt and the system prompt add theirs.
  v_input_bytes := v_context.bytes + v_message_bytes + 8 + p_system_bytes + case when p_system_bytes > 0 then 8 else 0 end;
  v_output_tokens := (v_quotas ->> 'max_output_tokens')::bigint;
  v_hold := private.turn_cost(v_price.model, v_price.version, v_input_bytes, 0, v_output_tokens);
  v_min_cost := private.turn_cost(v_price.model, v_price.version, (v_message_bytes + 3) / 4, 0, 1);

  v_verdict := private.evaluate_quota(v_usage, jsonb_build_object(
      'agent', p_agent, 'files', coalesce(p_files, 0), 'newConversation', v_is_new,
      'conversationMessages', coalesce(v_conversation.message_count, 0), 'addsMessages', case when v_is_submit then 2 else 0 end,
      'estimate', jsonb_build_object('minMicroUsd', v_min_cost, 'maxMicroUsd', v_hold)),
    private.tiers_json(), private.epoch_ms(v_now), 'server');
  if not (v_verdict ->> 'allowed')::boolean then
    perform private.note_limit(p_org_id, p_user_id, v_day, v_verdict ->> 'reason', 1, v_now);
    return jsonb_build_object('outcome', 'denied', 'turn', null, 'usage', v_usage, 'verdict', v_verdict);
  end if;

  -- Admitted.
  if v_is_new then
    insert into public.conversations (org_id, id, user_id, title, agent, message_count, last_seq, created_at, updated_at)
    values (p_org_id, p_conversation_id, p_user_id, private.first_words(p_content), p_agent, 2, 2, v_now, v_now)
    returning * into v_conversation;
    update public.user_licenses set conversation_count = conversation_count + 1
    where org_id = p_org_id and user_id = p_user_id;
  else
    update public.conversations set
      title = case when title = '' and last_seq = 0 then private.first_words(p_content) else title end,
      last_seq = last_seq + case when v_is_submit then 2 else 1 end,
      message_count = message_count + case when v_is_submit then 2 else 0 end,
      updated_at = private.after(updated_at, v_now)
    where org_id = p_org_id and id = p_conversation_id
    returning * into v_conversation;
  end if;
  insert into public.chat_turns as t (
    org_id, id, user_id, conversation_id, fingerprint, agent, model, price_version, trigger, state, attempt, answer_id,
    answer_seq, prompt_seq, replaces_message_id, replaces_seq, files, streaming, max_output_tokens, input_bytes,
    hold_micro_usd, usage_date, created_at
  ) values (
    p_org_id, p_turn_id, p_user_id, p_conversation_id, p_fingerprint, p_agent, v_price.model, v_price.version, p_trigger,
    'held', 1, p_answer_id, v_conversation.last_seq, v_prompt.seq, v_replaced.id, v_replaced.seq,
    coalesce(p_files, 0), (v_quotas ->> 'streaming')::boolean, v_output_tokens, v_input_bytes, v_hold, v_day, v_now
  )
  on conflict (org_id, id) do update set -- a released turn, attempted anew
    agent = excluded.agent, model = excluded.model, price_version = excluded.price_version, state = 'held',
    attempt = t.attempt + 1, answer_id = excluded.answer_id, answer_seq = excluded.answer_seq,
    prompt_seq = excluded.prompt_seq, replaces_message_id = excluded.replaces_message_id,
    replaces_seq = excluded.replaces_seq, streaming = excluded.streaming,
    max_output_tokens = excluded.max_output_tokens, input_bytes = excluded.input_bytes,
    hold_micro_usd = excluded.hold_micro_usd, usage_date = excluded.usage_date, created_at = excluded.created_at,
    stop_requested = false, release_reason = null, dispatched_at = null, heartbeat_at = null, ended_at = null
  where t.state = 'released' and t.user_id = excluded.user_id and t.fingerprint = excluded.fingerprint
  returning * into v_turn;
  if not found then -- another member took the id since it was looked up: nothing of this call stays, and asked again it is told
    raise exception 'The id was taken at the same moment.' using errcode = 'serialization_failure';
  end if;
  if v_is_submit then
    insert into public.chat_messages (org_id, id, conversation_id, user_id, turn_id, seq, role, content, status, created_at)
    values (p_org_id, p_turn_id, p_conversation_id, p_user_id, p_turn_id, v_prompt.seq, 'user', p_content, 'complete',
      v_conversation.updated_at);
  end if;
  perform private.count_usage(p_org_id, p_user_id, v_day, 1, 1, 0, 0, 0, 0, 0, v_hold);
  perform private.bump_usage_version(p_org_id, p_user_id);

  v_usage := private.usage_snapshot(p_org_id, p_user_id, v_now);
  perform private.note_limits_reached(p_org_id, p_user_id, v_day, v_usage, v_now);
  return private.reserve_reply(v_turn, true, v_usage, p_system_bytes, v_context.messages) || jsonb_build_object('verdict', v_verdict);
end
$$;
comment on function public.reserve_turn(uuid, uuid, uuid, uuid, boolean, text, text, text, int, text, uuid, int, text) is
  'Decides whether the message may be sent and holds its price (docs/protocol.md). For the edge function alone.';

revoke all on function
  private.invalid_turn_field(uuid, uuid, text, text, text, int, uuid, int, text),
  private.context_window(uuid, uuid, uuid, bigint, int), private.first_words(text), private.note_limit(uuid, uuid, date, text, int, timestamptz),
  private.note_limits_reached(uuid, uuid, date, jsonb, timestamptz),
  private.reserve_reply(public.chat_turns, boolean, jsonb, int, jsonb),
  public.reserve_turn(uuid, uuid, uuid, uuid, boolean, text, text, text, int, text, uuid, int, text)
  from public, anon, authenticated, service_role;
grant execute on function public.reserve_turn(uuid, uuid, uuid, uuid, boolean, text, text, text, int, text, uuid, int, text)
  to service_role;
