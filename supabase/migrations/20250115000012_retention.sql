-- Retention: what is older than the settings say goes, in batches, whole days at a time, turns and counters together.

create function public.cleanup_old_usage_data(p_limit int default 1000) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_settings public.chat_settings;
  v_keep_from date;
  v_day public.chat_usage_tracking;
  v_days int := 0;
  v_turns int := 0;
  v_turn_ids uuid[];
  v_violations int := 0;
  v_conversations int := 0;
begin
  perform private.assert_service();
  perform private.assert_read_committed();
  select * into v_settings from public.chat_settings;
  -- One at a time; and it waits for nobody, so it cannot be part of a deadlock.
  if not pg_try_advisory_xact_lock(hashtext('production-chat:cleanup_old_usage_data')) then
    return jsonb_build_object('days', 0, 'turns', 0, 'violations', 0, 'conversations', 0);
  end if;

  -- Whole months, so that a month's pool is never half of itself. The settings keep at least 62 days, so the running and
  -- the last month, which billing needs, always stay; days with a turn that has not ended stay as well.
  v_keep_from := date_trunc('month', (current_date - v_settings.usage_retention_days)::timestamp)::date;
  if v_keep_from is not null then
    for v_day in
      select * from public.chat_usage_tracking
      where date < v_keep_from and messages_held = 0
      order by date, org_id, user_id limit p_limit
    loop
      v_turn_ids := array(
        select t.id from public.chat_turns t
        where t.org_id = v_day.org_id and t.user_id = v_day.user_id and t.usage_date = v_day.date
        for update skip locked);
      select * into v_day from public.chat_usage_tracking
      where org_id = v_day.org_id and user_id = v_day.user_id and date = v_day.date for update skip locked;
      continue when not found or cardinality(v_turn_ids) <> (
        select count(*) from public.chat_turns t
        where t.org_id = v_day.org_id and t.user_id = v_day.user_id and t.usage_date = v_day.date);
      delete from public.chat_turns where org_id = v_day.org_id and id = any (v_turn_ids);
      perform private.count_usage(v_day.org_id, v_day.user_id, v_day.date, -v_day.messages_sent, 0, -v_day.ai_requests_made,
        -v_day.prompt_tokens, -v_day.cached_tokens, -v_day.completion_tokens, -v_day.cost_micro_usd, 0);
      delete from public.chat_usage_tracking
      where org_id = v_day.org_id and user_id = v_day.user_id and date = v_day.date;
      v_days := v_days + 1;
      v_turns := v_turns + cardinality(v_turn_ids);
    end loop;
    -- A member's day empties at most a day and a month of the pool.
    delete from public.organization_usage where ctid = any (array(
      select ctid from public.organization_usage
      where starts_on < v_keep_from and messages_sent = 0 and cost_micro_usd = 0 and cost_held_micro_usd = 0
      limit p_limit::bigint * 2 for update skip locked));

    delete from public.chat_quota_violations where ctid = any (array(
      select ctid from public.chat_quota_violations where date < v_keep_from limit p_limit for update skip locked));
    get diagnostics v_violations = row_count;
  end if;

  if v_settings.deleted_conversation_retention_days is not null then
    delete from public.conversations where ctid = any (array(
      select c.ctid from public.conversations c
      where c.deleted_at < now() - make_interval(days => v_settings.deleted_conversation_retention_days)
        and not exists (
          select from public.chat_turns t
          where t.org_id = c.org_id and t.conversation_id = c.id and t.state in ('held', 'dispatched'))
      order by c.deleted_at limit p_limit for update skip locked));
    get diagnostics v_conversations = row_count;
  end if;

  return jsonb_build_object(
    'days', v_days, 'turns', v_turns, 'violations', v_violations, 'conversations', v_conversations);
end
$$;
comment on function public.cleanup_old_usage_data(int) is
  'Deletes up to p_limit of each kind of what chat_settings no longer keeps; call it until it deletes nothing. Says how many.';

revoke all on function public.cleanup_old_usage_data(int) from public, anon, authenticated, service_role;
grant execute on function public.cleanup_old_usage_data(int) to service_role;
