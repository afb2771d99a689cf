-- Conversations: list, create, rename, delete, and their messages page by page.

create function private.conversation_json(p_conversation public.conversations) returns jsonb
language sql stable set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_conversation.id, 'title', p_conversation.title, 'agent', p_conversation.agent,
    'messageCount', p_conversation.message_count, 'createdAt', private.epoch_ms(p_conversation.created_at),
    'updatedAt', private.epoch_ms(p_conversation.updated_at))
$$;

create function private.message_json(p_message public.chat_messages) returns jsonb
language sql stable set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_message.id, 'turnId', p_message.turn_id, 'conversationId', p_message.conversation_id,
    'seq', p_message.seq, 'role', p_message.role, 'content', p_message.content, 'status', p_message.status,
    'createdAt', private.epoch_ms(p_message.created_at), 'costMicroUsd', p_message.cost_micro_usd)
$$;

create function private.own_conversation(p_conversation_id uuid, p_org_id uuid) returns public.conversations
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_user_id uuid := private.caller_id();
  v_conversation public.conversations;
begin
  select c.* into v_conversation from public.conversations c
  join public.organization_members m on m.org_id = c.org_id and m.user_id = c.user_id
  where c.org_id = coalesce(p_org_id, v_user_id) and c.id = p_conversation_id and c.user_id = v_user_id
    and c.deleted_at is null;
  if not found then
    raise exception 'Unknown conversation.' using errcode = 'PT404';
  end if;
  return v_conversation;
end
$$;
comment on function private.own_conversation(uuid, uuid) is
  'The caller''s conversation; the same error whether it is unknown, deleted or somebody else''s.';

create function private.assert_read_committed() returns void
language plpgsql stable set search_path = ''
as $$
begin
  -- Each statement must see what was committed while it waited for a lock.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'Turns need the isolation level READ COMMITTED, not %.', current_setting('transaction_isolation')
      using errcode = 'PT500';
  end if;
end
$$;

create function private.keep_membership(p_org_id uuid, p_user_id uuid) returns boolean
language plpgsql set search_path = ''
as $$
begin
  -- Whoever removes a member locks the membership, and then the licence that goes with it: so both are taken in this order.
  perform from public.organization_members where org_id = p_org_id and user_id = p_user_id for key share;
  return found;
end
$$;
comment on function private.keep_membership(uuid, uuid) is
  'Whether the user is a member, who then is not removed before the end of the transaction.';

create function private.bump_usage_version(p_org_id uuid, p_user_id uuid) returns void
language sql set search_path = ''
as $$
  update public.organization_members set usage_version = usage_version + 1
  where org_id = p_org_id and user_id = p_user_id
$$;
comment on function private.bump_usage_version(uuid, uuid) is
  'Called last by whatever changes a member''s usage, so that a later snapshot has a higher version.';

create function public.get_messages_paginated(
  p_conversation_id uuid, p_before bigint default null, p_limit int default 50, p_org_id uuid default null
) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_conversation public.conversations := private.own_conversation(p_conversation_id, p_org_id);
  v_limit int := least(greatest(coalesce(p_limit, 50), 1), 100);
  v_messages jsonb[];
begin
  select array_agg(private.message_json(page.m) order by (page.m).seq desc) into v_messages
  from (
    select m from public.chat_messages m
    where m.org_id = v_conversation.org_id and m.conversation_id = v_conversation.id
      and m.user_id = v_conversation.user_id and m.superseded_at is null
      and m.seq < coalesce(p_before, 9223372036854775807)
    order by m.seq desc
    limit v_limit + 1
  ) page;
  return jsonb_build_object(
    'conversation', private.conversation_json(v_conversation),
    'messages', coalesce(to_jsonb(v_messages[1:v_limit]), '[]'),
    'hasMore', coalesce(cardinality(v_messages), 0) > v_limit,
    'liveTurnId', (
      select t.id from public.chat_turns t
      where t.org_id = v_conversation.org_id and t.conversation_id = v_conversation.id
        and t.state in ('held', 'dispatched')));
end
$$;
comment on function public.get_messages_paginated(uuid, bigint, int, uuid) is
  'A page of messages before a sequence number, newest first. At most 100 a page.';

create function public.check_conversation_length(p_conversation_id uuid, p_org_id uuid default null) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_conversation public.conversations := private.own_conversation(p_conversation_id, p_org_id);
  v_max int;
begin
  select t.max_messages_per_conversation into v_max from public.license_tiers t
  where t.tier = coalesce((
    select l.tier from public.user_licenses l
    where l.org_id = v_conversation.org_id and l.user_id = v_conversation.user_id), 'free');
  return jsonb_build_object(
    'allowed', v_conversation.message_count + 2 <= v_max, -- a message and its answer
    'used', v_conversation.message_count,
    'max', v_max);
end
$$;
comment on function public.check_conversation_length(uuid, uuid) is
  'Whether another message and its answer fit into the conversation.';

create function public.list_conversations(
  p_before_updated_at bigint default null, p_before_id uuid default null, p_limit int default 50,
  p_org_id uuid default null
) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_user_id uuid := private.caller_id();
  v_org_id uuid := coalesce(p_org_id, v_user_id);
  v_limit int := least(greatest(coalesce(p_limit, 50), 1), 100);
  v_before_at timestamptz := coalesce(private.from_epoch_ms(p_before_updated_at), 'infinity');
  v_before_id uuid := coalesce(p_before_id, '00000000-0000-0000-0000-000000000000');
  v_conversations jsonb[];
begin
  if not exists (select from public.organization_members where org_id = v_org_id and user_id = v_user_id) then
    raise exception 'Unknown organization.' using errcode = 'PT404';
  end if;
  select array_agg(private.conversation_json(page.c) order by (page.c).updated_at desc, (page.c).id desc)
  into v_conversations
  from (
    select c from public.conversations c
    where c.org_id = v_org_id and c.user_id = v_user_id and c.deleted_at is null
      and (c.updated_at, c.id) < (v_before_at, v_before_id)
    order by c.updated_at desc, c.id desc
    limit v_limit + 1
  ) page;
  return jsonb_build_object(
    'conversations', coalesce(to_jsonb(v_conversations[1:v_limit]), '[]'),
    'hasMore', coalesce(cardinality(v_conversations), 0) > v_limit);
end
$$;
comment on function public.list_conversations(bigint, uuid, int, uuid) is
  'A page of the caller''s conversations before (updatedAt, id), latest first. At most 100 a page.';

create function public.create_conversation(
  p_id uuid, p_title text default '', p_agent text default 'executive', p_org_id uuid default null
) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_user_id uuid := private.caller_id();
  v_org_id uuid := coalesce(p_org_id, v_user_id);
  v_now timestamptz;
  v_conversation public.conversations;
  v_usage jsonb;
  v_violations jsonb;
begin
  perform private.assert_read_committed();
  if p_id is null then
    raise exception 'A conversation needs an id.' using errcode = 'PT400', hint = 'Pass a UUIDv7 as p_id.';
  end if;
  if char_length(coalesce(p_title, '')) > 200 then
    raise exception 'A title has at most 200 characters.' using errcode = 'PT400';
  end if;
  if not exists (select from public.agents where id = p_agent) then
    raise exception 'Unknown agent: %', p_agent using errcode = 'PT400';
  end if;
  if not private.keep_membership(v_org_id, v_user_id) then
    raise exception 'Unknown organization.' using errcode = 'PT404';
  end if;

  perform from public.user_licenses where org_id = v_org_id and user_id = v_user_id for no key update;
  select * into v_conversation from public.conversations where org_id = v_org_id and id = p_id;
  if found then
    if v_conversation.user_id <> v_user_id or v_conversation.deleted_at is not null then
      raise exception 'Unknown conversation.' using errcode = 'PT404';
    end if;
    return private.conversation_json(v_conversation);
  end if;

  v_now := date_trunc('milliseconds', clock_timestamp());
  v_usage := private.usage_snapshot(v_org_id, v_user_id, v_now);
  -- Limits on messages do not stop an empty conversation.
  select jsonb_agg(value) into v_violations
  from jsonb_array_elements(private.quota_violations(
    v_usage, v_usage -> 'quotas',
    jsonb_build_object('agent', p_agent, 'files', 0, 'newConversation', true, 'conversationMessages', 0, 'addsMessages', 0,
      'estimate', jsonb_build_object('minMicroUsd', 0, 'maxMicroUsd', 0)),
    private.epoch_ms(v_now), 'server'))
  where value ->> 'limit' in ('license_inactive', 'agent_not_allowed', 'conversations');
  if v_violations is not null then
    raise exception 'Your plan does not allow another conversation with this agent.'
      using errcode = 'PT403', detail = v_violations::text;
  end if;

  insert into public.conversations (org_id, id, user_id, title, agent, created_at, updated_at)
  values (v_org_id, p_id, v_user_id, coalesce(p_title, ''), p_agent, v_now, v_now)
  returning * into v_conversation;
  update public.user_licenses set conversation_count = conversation_count + 1
  where org_id = v_org_id and user_id = v_user_id;
  perform private.bump_usage_version(v_org_id, v_user_id);
  return private.conversation_json(v_conversation);
end
$$;
comment on function public.create_conversation(uuid, text, text, uuid) is
  'A new conversation under an id the client made; the same id again returns the stored one.';

create function public.rename_conversation(p_id uuid, p_title text, p_org_id uuid default null) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_conversation public.conversations := private.own_conversation(p_id, p_org_id);
begin
  if p_title is null or char_length(p_title) > 200 then
    raise exception 'A title has at most 200 characters.' using errcode = 'PT400';
  end if;
  update public.conversations set title = p_title
  where org_id = v_conversation.org_id and id = v_conversation.id
  returning * into v_conversation;
  return private.conversation_json(v_conversation);
end
$$;
comment on function public.rename_conversation(uuid, text, uuid) is 'Sets the title; the place in the list stays.';

create function public.delete_conversation(p_id uuid, p_org_id uuid default null) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_user_id uuid := private.caller_id();
  v_org_id uuid := coalesce(p_org_id, v_user_id);
  v_now timestamptz;
  v_deleted boolean;
begin
  perform private.assert_read_committed();
  if not private.keep_membership(v_org_id, v_user_id) then
    raise exception 'Unknown organization.' using errcode = 'PT404';
  end if;
  perform from public.user_licenses where org_id = v_org_id and user_id = v_user_id for no key update;
  v_now := date_trunc('milliseconds', clock_timestamp());
  update public.conversations set deleted_at = v_now
  where org_id = v_org_id and id = p_id and user_id = v_user_id and deleted_at is null;
  v_deleted := found;
  if v_deleted then
    update public.user_licenses set conversation_count = conversation_count - 1
    where org_id = v_org_id and user_id = v_user_id;
    perform private.bump_usage_version(v_org_id, v_user_id);
  end if;
  return jsonb_build_object('deleted', v_deleted);
end
$$;
comment on function public.delete_conversation(uuid, uuid) is
  'Hides the conversation. What it cost stays counted; a live turn in it ends as usual.';

revoke all on function private.conversation_json(public.conversations), private.message_json(public.chat_messages),
  private.own_conversation(uuid, uuid), private.assert_read_committed(),
  private.keep_membership(uuid, uuid), private.bump_usage_version(uuid, uuid),
  public.get_messages_paginated(uuid, bigint, int, uuid), public.check_conversation_length(uuid, uuid),
  public.list_conversations(bigint, uuid, int, uuid), public.create_conversation(uuid, text, text, uuid),
  public.rename_conversation(uuid, text, uuid), public.delete_conversation(uuid, uuid)
  from public, anon, authenticated, service_role;
grant execute on function public.get_messages_paginated(uuid, bigint, int, uuid),
  public.check_conversation_length(uuid, uuid), public.list_conversations(bigint, uuid, int, uuid),
  public.create_conversation(uuid, text, text, uuid), public.rename_conversation(uuid, text, uuid),
  public.delete_conversation(uuid, uuid) to authenticated;
