-- The evaluator: the same rules as the crate's `quota::check`, as pure functions of their arguments (docs/protocol.md,
-- "The evaluator"). A differential test feeds both the same states.

create function private.age_snapshot(p_snapshot jsonb, p_now_ms bigint) returns jsonb
language plpgsql immutable set search_path = ''
as $$
declare
  v_snapshot jsonb := p_snapshot;
  v_in_hour bigint := (p_snapshot #>> '{messagesThisHour,used}')::bigint + (p_snapshot #>> '{messagesThisHour,held}')::bigint;
  v_held bigint := (p_snapshot #>> '{messagesThisHour,held}')::bigint;
  v_hour_max bigint := (p_snapshot #>> '{quotas,max_messages_per_hour}')::bigint;
  v_freed bigint;
  v_frees_at jsonb;
begin
  select count(*) filter (where e.at_ms <= p_now_ms),
    coalesce(jsonb_agg(e.at_ms order by e.place) filter (where e.at_ms > p_now_ms), '[]')
  into v_freed, v_frees_at
  from (
    select value::bigint as at_ms, ordinality as place
    from jsonb_array_elements_text(p_snapshot -> 'hourFreesAt') with ordinality
  ) e;
  if v_freed > 0 then
    v_in_hour := greatest(least(v_in_hour, v_hour_max) - v_freed, 0);
    v_held := least(v_held, v_in_hour);
    v_snapshot := v_snapshot || jsonb_build_object(
      'hourFreesAt', v_frees_at,
      'messagesThisHour', jsonb_build_object('used', v_in_hour - v_held, 'held', v_held));
  end if;
  if p_now_ms >= (p_snapshot ->> 'dayResetsAt')::bigint then
    v_snapshot := jsonb_set(v_snapshot, '{messagesToday,used}', '0');
    v_snapshot := jsonb_set(v_snapshot, '{costTodayMicroUsd,used}', '0');
    v_snapshot := jsonb_set(v_snapshot, '{organizationMessagesToday,used}', '0');
  end if;
  if p_now_ms >= (p_snapshot ->> 'monthResetsAt')::bigint then
    v_snapshot := jsonb_set(v_snapshot, '{organizationCostThisMonthMicroUsd,used}', '0');
  end if;
  if p_snapshot #>> '{license,status}' = 'active' and p_now_ms >= (p_snapshot #>> '{license,expiresAt}')::bigint then
    v_snapshot := jsonb_set(v_snapshot, '{license,status}', '"expired"');
  end if;
  return v_snapshot;
end
$$;
comment on function private.age_snapshot(jsonb, bigint) is
  'The snapshot as it stands at a later instant: hour departures leave, windows that ended are empty, a licence expires.';

create function private.violation(p_limit text, p_used bigint, p_held bigint, p_max bigint, p_retry_at bigint)
returns jsonb
language sql immutable set search_path = ''
as $$
  select jsonb_build_object('limit', p_limit, 'used', p_used, 'held', p_held, 'max', p_max, 'retryAt', p_retry_at)
$$;

create function private.quota_violations(
  p_snapshot jsonb, p_quotas jsonb, p_request jsonb, p_now_ms bigint, p_basis text
) returns jsonb
language plpgsql immutable set search_path = ''
as $$
declare
  v_violations jsonb := '[]';
  v_cost bigint := (p_request -> 'estimate' ->> case p_basis when 'server' then 'maxMicroUsd' else 'minMicroUsd' end)::bigint;
  v_length bigint := (p_request ->> 'conversationMessages')::bigint;
  v_adds bigint := (p_request ->> 'addsMessages')::bigint;
  v_day_ends bigint := (p_snapshot ->> 'dayResetsAt')::bigint;
  v_month_ends bigint := (p_snapshot ->> 'monthResetsAt')::bigint;
  v_used bigint;
  v_held bigint;
  v_max bigint;
begin
  if p_snapshot #>> '{license,status}' is distinct from 'active' then -- unknown is not active: in doubt nothing is allowed
    v_violations := v_violations || private.violation('license_inactive', 0, 0, 0, null);
  end if;

  if jsonb_typeof(p_quotas -> 'agents') = 'array' and not (p_quotas -> 'agents') @> (p_request -> 'agent') then
    v_violations := v_violations || private.violation('agent_not_allowed', 0, 0, 0, null);
  end if;

  if (p_request ->> 'files')::bigint > 0 and not (p_quotas ->> 'file_uploads')::boolean then
    v_violations := v_violations || private.violation('file_uploads_not_allowed', 0, 0, 0, null);
  end if;

  v_used := (p_snapshot #>> '{conversations,used}')::bigint;
  v_max := (p_quotas ->> 'max_conversations')::bigint;
  if (p_request ->> 'newConversation')::boolean and v_used + 1 > v_max then
    v_violations := v_violations || private.violation('conversations', v_used, 0, v_max, null);
  end if;

  v_max := (p_quotas ->> 'max_messages_per_conversation')::bigint;
  if v_adds > 0 and v_length + v_adds > v_max then
    v_violations := v_violations || private.violation('conversation_length', v_length, 0, v_max, null);
  end if;

  v_used := (p_snapshot #>> '{messagesThisHour,used}')::bigint;
  v_held := (p_snapshot #>> '{messagesThisHour,held}')::bigint;
  v_max := (p_quotas ->> 'max_messages_per_hour')::bigint;
  if v_used + v_held + 1 > v_max then
    v_violations := v_violations
      || private.violation('messages_per_hour', v_used, v_held, v_max, (p_snapshot -> 'hourFreesAt' ->> 0)::bigint);
  end if;

  v_used := (p_snapshot #>> '{messagesToday,used}')::bigint;
  v_held := (p_snapshot #>> '{messagesToday,held}')::bigint;
  v_max := (p_quotas ->> 'max_messages_per_day')::bigint;
  if v_used + v_held + 1 > v_max then
    v_violations := v_violations || private.violation('messages_per_day', v_used, v_held, v_max, v_day_ends);
  end if;

  v_used := (p_snapshot #>> '{costTodayMicroUsd,used}')::bigint;
  v_held := (p_snapshot #>> '{costTodayMicroUsd,held}')::bigint;
  v_max := (p_quotas ->> 'max_cost_per_day_micro_usd')::bigint;
  if v_used + v_held + v_cost > v_max then
    v_violations := v_violations || private.violation('cost_per_day', v_used, v_held, v_max, v_day_ends);
  end if;

  v_used := (p_snapshot #>> '{organizationMessagesToday,used}')::bigint;
  v_held := (p_snapshot #>> '{organizationMessagesToday,held}')::bigint;
  v_max := (p_snapshot #>> '{organizationMessagesToday,max}')::bigint;
  if v_used + v_held + 1 > v_max then -- no pool, no maximum: null, which does not bind
    v_violations := v_violations || private.violation('org_messages_per_day', v_used, v_held, v_max, v_day_ends);
  end if;

  v_used := (p_snapshot #>> '{organizationCostThisMonthMicroUsd,used}')::bigint;
  v_held := (p_snapshot #>> '{organizationCostThisMonthMicroUsd,held}')::bigint;
  v_max := (p_snapshot #>> '{organizationCostThisMonthMicroUsd,max}')::bigint;
  if v_used + v_held + v_cost > v_max then
    v_violations := v_violations || private.violation('org_budget', v_used, v_held, v_max, v_month_ends);
  end if;

  return v_violations;
end
$$;
comment on function private.quota_violations(jsonb, jsonb, jsonb, bigint, text) is
  'Every limit of these quotas that binds, in the order in which limits are reported. The snapshot is already aged.';

create function private.soft_limit_reached(p_counter jsonb, p_max bigint) returns boolean
language sql immutable set search_path = ''
as $$
  -- Numeric: a maximum near the end of bigint, meant as no limit, must not overflow.
  select coalesce(((p_counter ->> 'used')::numeric + (p_counter ->> 'held')::numeric) * 100 >= p_max::numeric * 80, false)
$$;
comment on function private.soft_limit_reached(jsonb, bigint) is '80 % are spent. No maximum (null) is never reached.';

create function private.evaluate_quota(
  p_snapshot jsonb, p_request jsonb, p_tiers jsonb, p_now_ms bigint, p_basis text
) returns jsonb
language plpgsql immutable set search_path = ''
as $$
declare
  v_snapshot jsonb := private.age_snapshot(p_snapshot, p_now_ms);
  v_quotas jsonb := p_snapshot -> 'quotas';
  v_violations jsonb := private.quota_violations(v_snapshot, v_quotas, p_request, p_now_ms, p_basis);
  v_allowed boolean := v_violations = '[]';
  v_reason jsonb;
  v_upgrade jsonb;
begin
  if not v_allowed then
    -- What waiting does not lift comes first, else what lifts last; the first of equals.
    select value into v_reason from jsonb_array_elements(v_violations) with ordinality
    order by (value ->> 'retryAt')::bigint desc nulls first, ordinality
    limit 1;

    select jsonb_build_object('tier', value ->> 'tier', 'unlocks',
      (select jsonb_agg(v -> 'limit' order by n) from jsonb_array_elements(v_violations) with ordinality as e (v, n)))
    into v_upgrade
    from jsonb_array_elements(p_tiers)
    where (value ->> 'price_usd_per_month')::bigint > (v_quotas ->> 'price_usd_per_month')::bigint
      and private.quota_violations(v_snapshot, value, p_request, p_now_ms, p_basis) = '[]'
    order by (value ->> 'price_usd_per_month')::bigint, (value ->> 'tier') collate "C"
    limit 1;
  end if;

  return jsonb_build_object(
    'allowed', v_allowed,
    'reason', v_reason -> 'limit',
    'violations', v_violations,
    'retryAt', v_reason -> 'retryAt',
    'softLimit',
      private.soft_limit_reached(v_snapshot -> 'messagesToday', (v_quotas ->> 'max_messages_per_day')::bigint)
      or private.soft_limit_reached(v_snapshot -> 'costTodayMicroUsd', (v_quotas ->> 'max_cost_per_day_micro_usd')::bigint)
      or private.soft_limit_reached(v_snapshot -> 'organizationMessagesToday',
        (v_snapshot #>> '{organizationMessagesToday,max}')::bigint)
      or private.soft_limit_reached(v_snapshot -> 'organizationCostThisMonthMicroUsd',
        (v_snapshot #>> '{organizationCostThisMonthMicroUsd,max}')::bigint),
    'estimate', p_request -> 'estimate',
    'isStale', false,
    'isFallback', false,
    'upgrade', v_upgrade
  );
end
$$;
comment on function private.evaluate_quota(jsonb, jsonb, jsonb, bigint, text) is
  'The verdict over a draft: every limit that binds, which one lifts last and when, and which plan would lift them all.';

revoke all on function private.age_snapshot(jsonb, bigint), private.violation(text, bigint, bigint, bigint, bigint),
  private.quota_violations(jsonb, jsonb, jsonb, bigint, text), private.soft_limit_reached(jsonb, bigint),
  private.evaluate_quota(jsonb, jsonb, jsonb, bigint, text)
  from public, anon, authenticated, service_role;
