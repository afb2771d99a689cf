-- "What is spent": the snapshot every reply carries, and what a signed-in user may ask for at any time.

create function private.tiers_json() returns jsonb
language sql stable set search_path = ''
as $$
  select coalesce(jsonb_agg(to_jsonb(t) order by t.price_usd_per_month, t.tier), '[]') from public.license_tiers t
$$;

create function private.usage_snapshot(p_org_id uuid, p_user_id uuid, p_now timestamptz) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_org public.organizations;
  v_member public.organization_members;
  v_license public.user_licenses;
  v_quotas public.license_tiers;
  v_calendar record;
  v_day public.chat_usage_tracking;
  v_org_day public.organization_usage;
  v_org_month public.organization_usage;
  v_recent timestamptz[]; -- the newest turns of the hour, newest first
  v_in_hour integer;
  v_first integer;
  v_hour_held integer;
  v_live_turns jsonb;
begin
  select * into v_member from public.organization_members where org_id = p_org_id and user_id = p_user_id;
  if not found then
    return null;
  end if;
  select * into v_org from public.organizations where id = p_org_id;
  select * into v_license from public.user_licenses where org_id = p_org_id and user_id = p_user_id;
  if not found then -- a member without a seat
    v_license.tier := 'free';
    v_license.status := 'expired';
    v_license.conversation_count := 0;
  end if;
  select * into v_quotas from public.license_tiers where tier = v_license.tier;
  v_calendar := private.organization_calendar(v_org, p_now);

  select * into v_day from public.chat_usage_tracking
  where org_id = p_org_id and user_id = p_user_id and date = v_calendar.day;
  select * into v_org_day from public.organization_usage
  where org_id = p_org_id and period = 'day' and starts_on = v_calendar.day;
  select * into v_org_month from public.organization_usage
  where org_id = p_org_id and period = 'month' and starts_on = v_calendar.month;

  select coalesce(jsonb_agg(id order by created_at, id), '[]'),
    count(*) filter (where created_at > p_now - interval '1 hour')
  into v_live_turns, v_hour_held
  from public.chat_turns
  where org_id = p_org_id and user_id = p_user_id and state in ('held', 'dispatched');

  -- The sliding hour: one bounded read, however many turns there are.
  v_recent := array(
    select created_at from public.chat_turns
    where org_id = p_org_id and user_id = p_user_id and state <> 'released' and created_at > p_now - interval '1 hour'
    order by created_at desc
    limit v_quotas.max_messages_per_hour::bigint + 16);
  v_in_hour := cardinality(v_recent);
  v_first := least(v_in_hour, v_quotas.max_messages_per_hour); -- the departure that matters first, counted from the newest

  return jsonb_build_object(
    'version', v_member.usage_version,
    'serverTime', private.epoch_ms(p_now),
    'organization', jsonb_build_object(
      'id', v_org.id, 'name', v_org.name, 'timeZone', v_org.time_zone, 'role', v_member.role),
    'license', jsonb_build_object(
      'tier', v_license.tier,
      'status', case when v_license.status = 'active' and v_license.expires_at <= p_now then 'expired' else v_license.status end,
      'expiresAt', private.epoch_ms(v_license.expires_at)),
    'quotas', to_jsonb(v_quotas),
    'messagesToday', jsonb_build_object(
      'used', coalesce(v_day.messages_sent - v_day.messages_held, 0), 'held', coalesce(v_day.messages_held, 0)),
    'messagesThisHour', jsonb_build_object(
      'used', v_in_hour - least(v_hour_held, v_in_hour), 'held', least(v_hour_held, v_in_hour)),
    'costTodayMicroUsd', jsonb_build_object(
      'used', coalesce(v_day.cost_micro_usd, 0), 'held', coalesce(v_day.cost_held_micro_usd, 0)),
    'conversations', jsonb_build_object('used', v_license.conversation_count, 'held', 0),
    'organizationMessagesToday', jsonb_build_object(
      'used', coalesce(v_org_day.messages_sent - v_org_day.messages_held, 0),
      'held', coalesce(v_org_day.messages_held, 0), 'max', v_org.max_messages_per_day),
    'organizationCostThisMonthMicroUsd', jsonb_build_object(
      'used', coalesce(v_org_month.cost_micro_usd, 0),
      'held', coalesce(v_org_month.cost_held_micro_usd, 0), 'max', v_org.monthly_budget_micro_usd),
    'hourFreesAt', (
      select coalesce(jsonb_agg(private.epoch_ms(v_recent[i]) + 3600000 order by i desc), '[]')
      from generate_series(greatest(v_first - 15, 1), v_first) i),
    'dayResetsAt', private.epoch_ms(v_calendar.day_ends_at),
    'monthResetsAt', private.epoch_ms(v_calendar.month_ends_at),
    'liveTurnIds', v_live_turns
  );
end
$$;
comment on function private.usage_snapshot(uuid, uuid, timestamptz) is
  'What this member has spent and may spend at an instant (docs/protocol.md, UsageSnapshot). Null: not a member.';

-- For signed-in users ------------------------------------------------------------------------------------------------

create function private.caller_id() returns uuid
language plpgsql stable set search_path = ''
as $$
declare
  v_user_id uuid := auth.uid();
begin
  if v_user_id is null then
    raise exception 'Sign in first.' using errcode = 'PT401';
  end if;
  return v_user_id;
end
$$;
comment on function private.caller_id() is 'The signed-in user, else an error.';

create function private.calibration(p_org_id uuid, p_user_id uuid) returns jsonb
language plpgsql stable set search_path = ''
as $$
begin
  return (
    select jsonb_build_object(
      'inputBytes', coalesce(sum(t.input_bytes), 0), 'inputTokens', coalesce(sum(t.prompt_tokens), 0),
      'turns', count(*), 'outputTokens', coalesce(sum(t.completion_tokens), 0))
    from (
      -- One bounded read, also where the provider never gives figures.
      select * from (
        select * from public.chat_turns
        where org_id = p_org_id and user_id = p_user_id and state <> 'released'
        order by created_at desc limit 50
      ) newest
      where state = 'settled' and not is_estimated and not is_partial
      order by created_at desc limit 20
    ) t);
end
$$;
comment on function private.calibration(uuid, uuid) is
  'What whole answers took by the provider''s own figures: sums over the member''s last 20 such turns, of their last 50.';

create function public.quota_status(p_org_id uuid default null) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_user_id uuid := private.caller_id();
  v_usage jsonb := private.usage_snapshot(coalesce(p_org_id, v_user_id), v_user_id,
    date_trunc('milliseconds', clock_timestamp()));
begin
  if v_usage is null then
    raise exception 'Unknown organization.' using errcode = 'PT404';
  end if;
  return jsonb_build_object(
    'usage', v_usage,
    'tiers', private.tiers_json(),
    'prices', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'model', p.model, 'version', p.version,
        'inputMicroUsdPerMillion', p.input_micro_usd_per_million,
        'cachedInputMicroUsdPerMillion', p.cached_input_micro_usd_per_million,
        'outputMicroUsdPerMillion', p.output_micro_usd_per_million) order by p.model), '[]')
      from (select distinct on (model) * from public.model_prices order by model, version desc) p),
    'defaultModel', (select default_model from public.chat_settings),
    'agents', (
      select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'name', a.name, 'description', a.description)
        order by a.id = 'executive' desc, a.id), '[]')
      from public.agents a),
    'calibration', private.calibration(coalesce(p_org_id, v_user_id), v_user_id)
  );
end
$$;
comment on function public.quota_status(uuid) is
  'The caller''s usage, all plans, current prices and agents, and what turns took lately. Null: the personal organization.';

create function public.usage_history(p_days int default 30, p_org_id uuid default null) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_user_id uuid := private.caller_id();
  v_org public.organizations;
  v_today date;
begin
  select o.* into v_org from public.organizations o
  join public.organization_members m on m.org_id = o.id and m.user_id = v_user_id
  where o.id = coalesce(p_org_id, v_user_id);
  if not found then
    raise exception 'Unknown organization.' using errcode = 'PT404';
  end if;
  v_today := (private.organization_calendar(v_org, clock_timestamp())).day;
  return jsonb_build_object('days', (
    select coalesce(jsonb_agg(jsonb_build_object(
      'date', u.date, 'messagesSent', u.messages_sent, 'aiRequestsMade', u.ai_requests_made,
      'promptTokens', u.prompt_tokens, 'completionTokens', u.completion_tokens,
      'costMicroUsd', u.cost_micro_usd) order by u.date), '[]')
    from public.chat_usage_tracking u
    where u.org_id = v_org.id and u.user_id = v_user_id and u.date > v_today - least(greatest(p_days, 1), 366)));
end
$$;
comment on function public.usage_history(int, uuid) is 'The caller''s usage per day, oldest first; days without usage are absent.';

revoke all on function private.tiers_json(), private.usage_snapshot(uuid, uuid, timestamptz), private.caller_id(),
  private.calibration(uuid, uuid), public.quota_status(uuid), public.usage_history(int, uuid)
  from public, anon, authenticated, service_role;
grant execute on function public.quota_status(uuid), public.usage_history(int, uuid) to authenticated;
