-- Organizations: the personal one of every new user, and the calendar their limits follow.

-- Personal organizations ---------------------------------------------------------------------------------------------

create function private.found_personal_organization(p_user_id uuid, p_name text) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  insert into public.organizations (id, name) values (p_user_id, coalesce(p_name, '')) on conflict (id) do nothing;
  insert into public.organization_members (org_id, user_id, role) values (p_user_id, p_user_id, 'owner')
  on conflict (org_id, user_id) do nothing;
  insert into public.user_licenses (org_id, user_id, tier) values (p_user_id, p_user_id, 'free')
  on conflict (org_id, user_id) do nothing;
end
$$;
comment on function private.found_personal_organization(uuid, text) is
  'A personal organization (its id is the user''s), the owner''s membership and a free licence. Safe to repeat.';

create function private.on_user_created() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.found_personal_organization(new.id, split_part(coalesce(new.email, ''), '@', 1));
  return new;
end
$$;

create trigger on_user_created_found_personal_organization
  after insert on auth.users for each row execute function private.on_user_created();

-- Users who were there before.
select private.found_personal_organization(u.id, split_part(coalesce(u.email, ''), '@', 1)) from auth.users u;

-- A licence given again to someone who already keeps conversations starts with their number.
create function private.on_license_created() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  select count(*) into new.conversation_count from public.conversations
  where org_id = new.org_id and user_id = new.user_id and deleted_at is null;
  return new;
end
$$;

create trigger on_license_created_count_conversations
  before insert on public.user_licenses for each row execute function private.on_license_created();

-- Time ---------------------------------------------------------------------------------------------------------------

create function private.epoch_ms(p_at timestamptz) returns bigint
language sql stable parallel safe set search_path = ''
as $$ select case when isfinite(p_at) then floor(extract(epoch from p_at) * 1000)::bigint end $$;
comment on function private.epoch_ms(timestamptz) is 'Milliseconds since the Unix epoch; null for never (infinity).';

create function private.from_epoch_ms(p_ms bigint) returns timestamptz
language sql stable parallel safe set search_path = ''
as $$ select timestamptz 'epoch' + p_ms * interval '1 millisecond' $$;

create function private.start_of_day(p_day date, p_zone text) returns timestamptz
language plpgsql stable parallel safe set search_path = ''
as $$
declare
  v_at timestamptz := p_day::timestamp at time zone p_zone;
begin
  -- Where clocks are set back at midnight it comes twice, and Postgres takes the second; the day began at the first.
  return case when ((v_at - interval '1 hour') at time zone p_zone)::date = p_day then v_at - interval '1 hour' else v_at end;
end
$$;
comment on function private.start_of_day(date, text) is 'When a calendar date begins in a time zone.';

create function private.organization_calendar(
  p_org public.organizations, p_now timestamptz,
  out day date, out day_ends_at timestamptz, out month date, out month_ends_at timestamptz
)
language plpgsql stable set search_path = ''
as $$
declare
  v_zone text := case when p_now < p_org.time_zone_counts_from then p_org.previous_time_zone else p_org.time_zone end;
begin
  day := greatest((p_now at time zone v_zone)::date, p_org.earliest_day);
  day_ends_at := private.start_of_day(day + 1, v_zone);
  month := date_trunc('month', day::timestamp)::date;
  month_ends_at := private.start_of_day((month + interval '1 month')::date, v_zone);
end
$$;
comment on function private.organization_calendar(public.organizations, timestamptz) is
  'The day and the month that are running in the organization''s time zone, and when they end.';

-- A changed zone counts after the running day, else a full day could be ended by moving.
create function private.on_time_zone_changed() returns trigger
language plpgsql security definer set search_path = ''
as $$
declare
  v_now timestamptz := date_trunc('milliseconds', clock_timestamp());
  v_calendar record;
begin
  -- An unknown zone is refused here: later it would fail every message of the organization.
  begin
    perform v_now at time zone new.time_zone;
  exception when invalid_parameter_value then
    raise exception 'Unknown time zone: %', new.time_zone
      using errcode = 'PT400', hint = 'Use an IANA name such as Europe/Berlin.';
  end;
  if tg_op = 'INSERT' then
    return new;
  end if;
  v_calendar := private.organization_calendar(old, v_now);
  if old.time_zone_counts_from is null or old.time_zone_counts_from <= v_now then
    new.previous_time_zone := old.time_zone;
  end if;
  new.time_zone_counts_from := v_calendar.day_ends_at;
  new.earliest_day := v_calendar.day;
  return new;
end
$$;

create trigger on_time_zone_changed_finish_the_day
  before update of time_zone on public.organizations for each row
  when (old.time_zone is distinct from new.time_zone) execute function private.on_time_zone_changed();
create trigger on_organization_created_check_time_zone
  before insert on public.organizations for each row execute function private.on_time_zone_changed();

revoke all on function private.found_personal_organization(uuid, text), private.on_user_created(),
  private.on_license_created(), private.epoch_ms(timestamptz), private.from_epoch_ms(bigint),
  private.start_of_day(date, text), private.organization_calendar(public.organizations, timestamptz),
  private.on_time_zone_changed()
  from public, anon, authenticated, service_role;
