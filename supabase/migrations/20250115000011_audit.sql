-- The invariant anyone can check: the sum of the turns is what the counters say.

create function public.audit_usage()
returns table (kind text, org_id uuid, user_id uuid, key text, counter text, expected bigint, actual bigint)
language plpgsql stable security definer set search_path = ''
as $$
#variable_conflict use_column
begin
  perform private.assert_service();
  return query
  with turns as (
    select t.org_id, t.user_id, t.usage_date,
      count(*) filter (where t.state <> 'released') as messages_sent,
      count(*) filter (where t.state in ('held', 'dispatched')) as messages_held,
      count(*) filter (where t.state in ('settled', 'expired_charged')) as ai_requests_made,
      coalesce(sum(t.prompt_tokens), 0) as prompt_tokens,
      coalesce(sum(t.cached_tokens), 0) as cached_tokens,
      coalesce(sum(t.completion_tokens), 0) as completion_tokens,
      coalesce(sum(t.cost_micro_usd) filter (where t.state in ('settled', 'expired_charged')), 0) as cost_micro_usd,
      coalesce(sum(t.hold_micro_usd) filter (where t.state in ('held', 'dispatched')), 0) as cost_held_micro_usd
    from public.chat_turns t
    group by t.org_id, t.user_id, t.usage_date
  ),
  pools as (
    select t.org_id, p.period, case p.period when 'day' then t.usage_date
        else date_trunc('month', t.usage_date::timestamp)::date end as starts_on,
      sum(t.messages_sent) as messages_sent, sum(t.messages_held) as messages_held,
      sum(t.cost_micro_usd) as cost_micro_usd, sum(t.cost_held_micro_usd) as cost_held_micro_usd
    from turns t cross join (values ('day'), ('month')) p (period)
    group by 1, 2, 3
  ),
  compared as (
    select 'member day' as kind, coalesce(t.org_id, u.org_id) as org_id, coalesce(t.user_id, u.user_id) as user_id,
      coalesce(t.usage_date, u.date)::text as key, c.counter, c.expected, c.actual
    from turns t
    full join public.chat_usage_tracking u on u.org_id = t.org_id and u.user_id = t.user_id and u.date = t.usage_date
    cross join lateral (values
      ('messages_sent', t.messages_sent::bigint, u.messages_sent::bigint),
      ('messages_held', t.messages_held, u.messages_held),
      ('ai_requests_made', t.ai_requests_made, u.ai_requests_made),
      ('prompt_tokens', t.prompt_tokens::bigint, u.prompt_tokens),
      ('cached_tokens', t.cached_tokens::bigint, u.cached_tokens),
      ('completion_tokens', t.completion_tokens::bigint, u.completion_tokens),
      ('cost_micro_usd', t.cost_micro_usd::bigint, u.cost_micro_usd),
      ('cost_held_micro_usd', t.cost_held_micro_usd::bigint, u.cost_held_micro_usd)
    ) c (counter, expected, actual)
    union all
    select 'organization ' || coalesce(p.period, u.period), coalesce(p.org_id, u.org_id), null,
      coalesce(p.starts_on, u.starts_on)::text, c.counter, c.expected, c.actual
    from pools p
    full join public.organization_usage u on u.org_id = p.org_id and u.period = p.period and u.starts_on = p.starts_on
    cross join lateral (values
      ('messages_sent', p.messages_sent::bigint, u.messages_sent),
      ('messages_held', p.messages_held::bigint, u.messages_held),
      ('cost_micro_usd', p.cost_micro_usd::bigint, u.cost_micro_usd),
      ('cost_held_micro_usd', p.cost_held_micro_usd::bigint, u.cost_held_micro_usd)
    ) c (counter, expected, actual)
    union all
    select 'conversation', c.org_id, c.user_id, c.id::text, 'message_count',
      (select count(*) from public.chat_messages m
        where m.org_id = c.org_id and m.conversation_id = c.id and m.superseded_at is null)
      + (select count(*) from public.chat_turns t
        where t.org_id = c.org_id and t.conversation_id = c.id and t.state in ('held', 'dispatched')
          and t.trigger = 'submit-message'),
      c.message_count
    from public.conversations c
    union all
    select 'licence', l.org_id, l.user_id, l.tier, 'conversation_count',
      (select count(*) from public.conversations c
        where c.org_id = l.org_id and c.user_id = l.user_id and c.deleted_at is null),
      l.conversation_count
    from public.user_licenses l
  )
  select c.kind, c.org_id, c.user_id, c.key, c.counter, coalesce(c.expected, 0), coalesce(c.actual, 0)
  from compared c
  where coalesce(c.expected, 0) <> coalesce(c.actual, 0);
end
$$;
comment on function public.audit_usage() is
  'Every counter that does not equal the sum of its turns. Empty: the books are sound.';

revoke all on function public.audit_usage() from public, anon, authenticated, service_role;
grant execute on function public.audit_usage() to service_role;
