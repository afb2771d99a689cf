-- A turn after its reservation: dispatch, flush, settle, release, stop, read, sweep. For the edge function alone.
-- Every guarded update has one winner; the others get the turn as it stands.

create function private.lock_turn(p_org_id uuid, p_turn_id uuid, p_user_id uuid) returns public.chat_turns
language plpgsql set search_path = ''
as $$
declare
  v_turn public.chat_turns;
begin
  perform private.assert_service();
  perform private.assert_read_committed();
  select * into v_turn from public.chat_turns
  where org_id = p_org_id and id = p_turn_id and user_id = p_user_id for no key update;
  return v_turn;
end
$$;
comment on function private.lock_turn(uuid, uuid, uuid) is
  'The user''s turn, locked; null when unknown or somebody else''s. A turn was made by a member in their own conversation, '
  'and it ends in the books even when they have left the organization since.';

create function private.lock_turn_books(p_turn public.chat_turns) returns timestamptz
language plpgsql set search_path = ''
as $$
begin
  perform private.lock_conversations(p_turn.org_id, array[p_turn.conversation_id]);
  perform private.lock_counters(p_turn.org_id, p_turn.user_id, array[p_turn.usage_date]);
  return date_trunc('milliseconds', clock_timestamp());
end
$$;
comment on function private.lock_turn_books(public.chat_turns) is
  'Locks what a turn that ends will change, after the turn itself. Returns the time, read once all locks are held.';

create function private.turn_reply(p_turn public.chat_turns, p_with_usage boolean) returns jsonb
language sql stable set search_path = ''
as $$
  select jsonb_build_object(
    'outcome', p_turn.state, 'turn', private.turn_json(p_turn),
    'usage', case when p_with_usage then
      private.usage_snapshot(p_turn.org_id, p_turn.user_id, date_trunc('milliseconds', clock_timestamp())) end)
$$;

create function private.no_such_turn() returns jsonb
language sql immutable set search_path = ''
as $$ select jsonb_build_object('outcome', 'not_found', 'turn', null, 'usage', null) $$;

create function public.dispatch_turn(p_org_id uuid, p_turn_id uuid, p_user_id uuid) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_turn public.chat_turns := private.lock_turn(p_org_id, p_turn_id, p_user_id);
  v_now timestamptz := date_trunc('milliseconds', clock_timestamp());
  v_place record;
begin
  if v_turn.id is null then
    return private.no_such_turn();
  end if;
  if v_turn.state <> 'held' then
    return private.turn_reply(v_turn, false) || jsonb_build_object('won', false);
  end if;
  v_place := private.enter_provider(v_turn, v_now);
  if v_place."position" = 0 then
    update public.chat_turns set state = 'dispatched', dispatched_at = v_now, heartbeat_at = v_now, queued_at = null,
      provider_slot = v_place.slot
    where org_id = p_org_id and id = p_turn_id
    returning * into v_turn;
    return private.turn_reply(v_turn, false) || jsonb_build_object('won', true);
  end if;
  if v_turn.queued_at <= v_now - interval '60 seconds' then
    v_turn := private.release_locked(v_turn, 'no place at the provider', private.lock_turn_books(v_turn));
    perform private.bump_usage_version(p_org_id, p_user_id);
    return private.turn_reply(v_turn, true) || jsonb_build_object('won', false);
  end if;
  update public.chat_turns set queued_at = coalesce(queued_at, v_now), heartbeat_at = v_now
  where org_id = p_org_id and id = p_turn_id
  returning * into v_turn;
  return private.turn_reply(v_turn, false) || jsonb_build_object('won', false, 'position', v_place."position");
end
$$;
comment on function public.dispatch_turn(uuid, uuid, uuid) is
  'held -> dispatched. One caller wins and calls the provider. Where its calls are capped the turn may have to wait: it stays '
  'held, with its position, and who waits calls again at least every 5 seconds. After 60 seconds the hold goes back.';

create function public.flush_turn(p_org_id uuid, p_turn_id uuid, p_user_id uuid, p_content text) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_turn public.chat_turns := private.lock_turn(p_org_id, p_turn_id, p_user_id);
  v_now timestamptz := date_trunc('milliseconds', clock_timestamp());
begin
  if v_turn.id is null then
    return private.no_such_turn();
  end if;
  if v_turn.state = 'dispatched' then
    update public.chat_turns set partial_answer = coalesce(p_content, ''), heartbeat_at = v_now
    where org_id = p_org_id and id = p_turn_id
    returning * into v_turn;
    perform private.stay_at_provider(v_turn, v_now);
  end if;
  return private.turn_reply(v_turn, false) || jsonb_build_object('stopRequested', v_turn.stop_requested);
end
$$;
comment on function public.flush_turn(uuid, uuid, uuid, text) is
  'Stores the answer so far. Once a second, it is also the sign that the worker lives.';

create function public.settle_turn(
  p_org_id uuid, p_turn_id uuid, p_user_id uuid, p_content text, p_status text, p_prompt_tokens bigint,
  p_cached_tokens bigint, p_completion_tokens bigint
) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_turn public.chat_turns := private.lock_turn(p_org_id, p_turn_id, p_user_id);
  v_now timestamptz;
  v_is_estimated boolean := p_prompt_tokens is null or p_completion_tokens is null;
  v_cost bigint;
begin
  if v_turn.id is null then
    return private.no_such_turn();
  end if;
  if p_status is null or p_status not in ('complete', 'stopped') then
    return jsonb_build_object('outcome', 'invalid', 'turn', null, 'usage', null,
      'field', 'status', 'message', 'Use complete or stopped.');
  end if;
  if p_prompt_tokens < 0 or p_cached_tokens < 0 or p_completion_tokens < 0 then
    return jsonb_build_object('outcome', 'invalid', 'turn', null, 'usage', null,
      'field', 'tokens', 'message', 'A number of tokens is not negative.');
  end if;

  if v_turn.state in ('dispatched', 'expired_charged') then
    v_now := private.lock_turn_books(v_turn);
    if not v_is_estimated then
      v_cost := private.turn_cost(v_turn.model, v_turn.price_version, p_prompt_tokens, coalesce(p_cached_tokens, 0),
        p_completion_tokens);
    elsif p_status = 'stopped' then -- the prompt and what was generated; a byte is at most a token
      v_cost := private.turn_cost(v_turn.model, v_turn.price_version, v_turn.input_bytes, 0,
        octet_length(coalesce(p_content, '')));
    else
      v_cost := v_turn.hold_micro_usd;
    end if;
    if p_status = 'stopped' then
      v_cost := least(v_cost, v_turn.hold_micro_usd);
    end if;
    v_turn := private.charge_locked(v_turn, 'settled', coalesce(p_content, ''), p_status,
      case when not v_is_estimated then p_prompt_tokens end,
      case when not v_is_estimated then coalesce(p_cached_tokens, 0) end,
      case when not v_is_estimated then p_completion_tokens end, v_cost, v_is_estimated, v_now);
    perform private.bump_usage_version(p_org_id, p_user_id);
    if v_turn.is_over_hold then -- what was not held for may reach a limit now
      perform private.note_limits_reached(p_org_id, p_user_id, (private.organization_calendar(organizations, v_now)).day,
        private.usage_snapshot(p_org_id, p_user_id, v_now), v_now)
      from public.organizations where id = p_org_id;
    end if;
  end if;
  return private.turn_reply(v_turn, true)
    || jsonb_build_object('message', private.stored_message(p_org_id, v_turn.answer_id));
end
$$;
comment on function public.settle_turn(uuid, uuid, uuid, text, text, bigint, bigint, bigint) is
  'dispatched -> settled: the hold becomes the actual charge. A turn that expired meanwhile is corrected, once. Unknown '
  'tokens (null) are charged as estimated; a stop never costs more than the hold.';

create function public.release_turn(
  p_org_id uuid, p_turn_id uuid, p_user_id uuid, p_reason text,
  p_answer_id uuid default null -- of the attempt that failed: another one under the same id is left alone
) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_turn public.chat_turns := private.lock_turn(p_org_id, p_turn_id, p_user_id);
  v_now timestamptz;
begin
  if v_turn.id is null then
    return private.no_such_turn();
  end if;
  if p_answer_id <> v_turn.answer_id then
    null;
  elsif v_turn.state in ('held', 'dispatched') then
    v_now := private.lock_turn_books(v_turn);
    v_turn := private.release_locked(v_turn, left(coalesce(p_reason, ''), 200), v_now);
    perform private.bump_usage_version(p_org_id, p_user_id);
  elsif v_turn.state = 'expired_charged' then -- corrected; the message stays, for its client may have been told of the charge
    v_now := private.lock_turn_books(v_turn);
    v_turn := private.charge_locked(v_turn, 'settled',
      coalesce(private.stored_message(p_org_id, v_turn.answer_id) ->> 'content', ''), 'failed', 0, 0, 0, 0, false, v_now);
    perform private.bump_usage_version(p_org_id, p_user_id);
  end if;
  return private.turn_reply(v_turn, true)
    || jsonb_build_object('message', private.stored_message(p_org_id, v_turn.answer_id));
end
$$;
comment on function public.release_turn(uuid, uuid, uuid, text, uuid) is
  'held or dispatched -> released: the hold goes back. A turn that expired meanwhile is settled at no charge.';

create function private.expire_if_silent(p_turn public.chat_turns) returns public.chat_turns
language plpgsql set search_path = ''
as $$
declare
  v_turn public.chat_turns := p_turn;
  v_now timestamptz;
begin
  if private.is_silent(v_turn, clock_timestamp()) then
    v_now := private.lock_turn_books(v_turn);
    v_turn := private.expire_locked(v_turn, v_now);
    perform private.bump_usage_version(v_turn.org_id, v_turn.user_id);
  end if;
  return v_turn;
end
$$;

create function public.stop_turn(p_org_id uuid, p_turn_id uuid, p_user_id uuid) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_turn public.chat_turns := private.lock_turn(p_org_id, p_turn_id, p_user_id);
begin
  if v_turn.id is null
    or not exists (select from public.organization_members where org_id = p_org_id and user_id = p_user_id)
  then
    return private.no_such_turn();
  end if;
  if v_turn.state in ('held', 'dispatched') and not v_turn.stop_requested then
    update public.chat_turns set stop_requested = true where org_id = p_org_id and id = p_turn_id
    returning * into v_turn;
  end if;
  v_turn := private.expire_if_silent(v_turn);
  return private.turn_reply(v_turn, true)
    || jsonb_build_object('message', private.stored_message(p_org_id, v_turn.answer_id));
end
$$;
comment on function public.stop_turn(uuid, uuid, uuid) is
  'Asks the worker to stop: its next flush tells it. A turn whose worker is silent for 30 seconds expires at once.';

create function private.text_from_byte(p_text text, p_after bigint, out "from" bigint, out "text" text)
language plpgsql stable set search_path = ''
as $$
declare
  v_bytes bytea := convert_to(p_text, 'UTF8');
begin
  "from" := least(greatest(p_after, 0), length(v_bytes));
  -- Never from within a character: go back to its first byte.
  while "from" between 1 and length(v_bytes) - 1 and get_byte(v_bytes, "from"::int) & 192 = 128 loop
    "from" := "from" - 1;
  end loop;
  "text" := convert_from(substr(v_bytes, "from"::int + 1), 'UTF8');
end
$$;
comment on function private.text_from_byte(text, bigint) is
  'The text from a UTF-8 byte offset on, and the offset it really starts at.';

create function public.read_turn(p_org_id uuid, p_turn_id uuid, p_user_id uuid, p_after bigint) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_turn public.chat_turns;
  v_conversation public.conversations;
  v_message jsonb;
  v_part record;
begin
  perform private.assert_service();
  perform private.assert_read_committed();
  select t.* into v_turn from public.chat_turns t
  join public.organization_members m on m.org_id = t.org_id and m.user_id = t.user_id
  where t.org_id = p_org_id and t.id = p_turn_id and t.user_id = p_user_id;
  if not found then
    return private.no_such_turn();
  end if;
  if private.is_silent(v_turn, clock_timestamp()) then -- only then is there anything to lock
    v_turn := private.expire_if_silent(private.lock_turn(p_org_id, p_turn_id, p_user_id));
  end if;
  select * into v_conversation from public.conversations
  where org_id = p_org_id and id = v_turn.conversation_id and deleted_at is null;
  if not found then
    return private.no_such_turn();
  end if;
  v_message := private.stored_message(p_org_id, v_turn.answer_id);
  -- What a plan does not stream has no partials.
  v_part := private.text_from_byte(
    coalesce(v_message ->> 'content', case when v_turn.streaming then v_turn.partial_answer end, ''), coalesce(p_after, 0));
  return private.turn_reply(v_turn, true) || jsonb_build_object(
    'conversation', private.conversation_json(v_conversation),
    'userMessage', case when v_turn.trigger = 'submit-message' then private.stored_message(p_org_id, v_turn.id) end,
    'message', v_message, 'from', v_part."from", 'text', v_part."text")
    || case when v_turn.queued_at is not null then
      jsonb_build_object('position', private.queue_position(v_turn, clock_timestamp())) else '{}' end;
end
$$;
comment on function public.read_turn(uuid, uuid, uuid, bigint) is
  'The turn as it stands and its answer from a UTF-8 byte on. A turn whose worker is silent for 30 seconds expires.';

create function public.sweep_stale_turns(p_limit int default 1) returns int
language plpgsql security definer set search_path = ''
as $$
declare
  v_first public.chat_turns;
  v_stale public.chat_turns[];
  v_turn public.chat_turns;
  v_before timestamptz := clock_timestamp() - interval '15 minutes';
  v_now timestamptz;
begin
  perform private.assert_service();
  perform private.assert_read_committed();
  -- One member's turns per call, so that locks are taken in order; what others have locked is theirs to end.
  select * into v_first from public.chat_turns
  where state in ('held', 'dispatched') and created_at < v_before
  order by created_at limit 1 for no key update skip locked;
  if not found then
    return 0;
  end if;
  select array_agg(s.t) into v_stale from (
    select t from public.chat_turns t
    where t.org_id = v_first.org_id and t.user_id = v_first.user_id and t.state in ('held', 'dispatched')
      and t.created_at < v_before
    order by t.id = v_first.id desc, t.id limit greatest(p_limit, 1) for no key update skip locked
  ) s;
  perform private.lock_conversations(v_first.org_id, array(select s.conversation_id from unnest(v_stale) s));
  perform private.lock_counters(v_first.org_id, v_first.user_id, array(select s.usage_date from unnest(v_stale) s));
  v_now := date_trunc('milliseconds', clock_timestamp());
  foreach v_turn in array v_stale loop
    perform private.expire_locked(v_turn, v_now);
  end loop;
  perform private.bump_usage_version(v_first.org_id, v_first.user_id);
  return cardinality(v_stale);
end
$$;
comment on function public.sweep_stale_turns(int) is
  'Ends turns older than 15 minutes, at most p_limit of one member; returns how many. Call it until it returns 0.';

revoke all on function private.lock_turn(uuid, uuid, uuid), private.lock_turn_books(public.chat_turns),
  private.turn_reply(public.chat_turns, boolean), private.no_such_turn(), private.expire_if_silent(public.chat_turns),
  private.text_from_byte(text, bigint),
  public.dispatch_turn(uuid, uuid, uuid), public.flush_turn(uuid, uuid, uuid, text),
  public.settle_turn(uuid, uuid, uuid, text, text, bigint, bigint, bigint), public.release_turn(uuid, uuid, uuid, text, uuid),
  public.stop_turn(uuid, uuid, uuid), public.read_turn(uuid, uuid, uuid, bigint), public.sweep_stale_turns(int)
  from public, anon, authenticated, service_role;
grant execute on function
  public.dispatch_turn(uuid, uuid, uuid), public.flush_turn(uuid, uuid, uuid, text),
  public.settle_turn(uuid, uuid, uuid, text, text, bigint, bigint, bigint), public.release_turn(uuid, uuid, uuid, text, uuid),
  public.stop_turn(uuid, uuid, uuid), public.read_turn(uuid, uuid, uuid, bigint), public.sweep_stale_turns(int)
  to service_role;
