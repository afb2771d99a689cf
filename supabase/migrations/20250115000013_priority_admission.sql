-- Priority admission: where calls of the provider are capped (chat_settings.max_provider_calls), a turn is dispatched into
-- a slot, and turns without one wait: first who has waited longest, where a step of a plan's priority counts as ten
-- seconds of waiting. So nobody starves: who waits outranks, at some point, whoever comes later.
--
-- Slots and queue belong to the deployment, not to a tenant: there is one provider. Without a cap neither is touched.

alter table public.chat_settings add column max_provider_calls integer check (max_provider_calls > 0);
comment on column public.chat_settings.max_provider_calls is
  'Calls of the provider at once, over all tenants; turns beyond it wait. Null: as many as come.';

alter table public.chat_turns
  add column queued_at timestamptz, -- since when it waits
  add column provider_slot integer; -- the slot it works in

create table private.provider_slots (
  slot integer primary key check (slot > 0),
  -- The turn in it. A turn whose worker died stops renewing its lease, and the slot is free again.
  org_id uuid,
  turn_id uuid,
  leased_until timestamptz not null default '-infinity'
) with (fillfactor = 50);
comment on table private.provider_slots is 'Calls of the provider under way, one row each; made when the cap is set.';

create table private.provider_queue (
  org_id uuid not null,
  turn_id uuid not null,
  rank_at timestamptz not null, -- who has the lowest is next
  asked_at timestamptz not null, -- who waits asks again and again; one who does not is gone
  primary key (org_id, turn_id)
) with (fillfactor = 50);
create index provider_queue_rank on private.provider_queue (rank_at, turn_id);
comment on table private.provider_queue is 'Turns that wait for a slot.';

alter table private.provider_slots enable row level security;
alter table private.provider_queue enable row level security;

create function private.on_provider_cap_changed() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  insert into private.provider_slots (slot) select generate_series(1, new.max_provider_calls) on conflict do nothing;
  return null;
end
$$;
create trigger on_provider_cap_changed_make_slots
  after insert or update of max_provider_calls on public.chat_settings for each row
  when (new.max_provider_calls is not null) execute function private.on_provider_cap_changed();

create function private.queue_position(p_turn public.chat_turns, p_now timestamptz) returns bigint
language sql stable set search_path = ''
as $$
  select count(*) + 1 from private.provider_queue mine
  join private.provider_queue q on (q.rank_at, q.turn_id) < (mine.rank_at, mine.turn_id)
  where mine.org_id = p_turn.org_id and mine.turn_id = p_turn.id and q.asked_at > p_now - interval '5 seconds'
$$;
comment on function private.queue_position(public.chat_turns, timestamptz) is
  'The place of a waiting turn, from 1, among those somebody still waits for.';

create function private.leave_queue(p_turn public.chat_turns) returns void
language plpgsql set search_path = ''
as $$
begin
  if p_turn.queued_at is not null then
    delete from private.provider_queue q where q.org_id = p_turn.org_id and q.turn_id = p_turn.id;
  end if;
end
$$;

create function private.enter_provider(p_turn public.chat_turns, p_now timestamptz, out slot integer, out "position" bigint)
language plpgsql set search_path = ''
as $$
declare
  v_cap integer := (select s.max_provider_calls from public.chat_settings s);
  v_rank_at timestamptz;
  v_free bigint;
begin
  "position" := 0;
  -- A turn that is to stop does not call the provider, so it needs no slot.
  if v_cap is not null and not p_turn.stop_requested then
    if p_turn.queued_at is not null then
      update private.provider_queue q set asked_at = p_now
      where q.org_id = p_turn.org_id and q.turn_id = p_turn.id
      returning q.rank_at into v_rank_at;
    end if;
    if v_rank_at is null then
      v_rank_at := p_now - interval '10 seconds' * coalesce((
        select t.priority from public.user_licenses l join public.license_tiers t on t.tier = l.tier
        where l.org_id = p_turn.org_id and l.user_id = p_turn.user_id), 0);
    end if;

    select count(*) + 1 into "position" from private.provider_queue q
    where (q.rank_at, q.turn_id) < (v_rank_at, p_turn.id) and q.asked_at > p_now - interval '5 seconds';
    select count(*) into v_free from private.provider_slots s where s.slot <= v_cap and s.leased_until <= p_now;
    if "position" <= v_free then
      -- Nobody waits for a slot's row: whoever holds it has taken it, or is giving it back and then it is there next time.
      select s.slot into slot from private.provider_slots s
      where s.slot <= v_cap and s.leased_until <= p_now
      order by s.slot limit 1 for update skip locked;
    end if;
    if slot is null then
      insert into private.provider_queue (org_id, turn_id, rank_at, asked_at)
      values (p_turn.org_id, p_turn.id, v_rank_at, p_now)
      on conflict do nothing;
      return;
    end if;
    update private.provider_slots s
    set org_id = p_turn.org_id, turn_id = p_turn.id, leased_until = p_now + interval '30 seconds'
    where s.slot = enter_provider.slot;
    "position" := 0;
  end if;
  perform private.leave_queue(p_turn);
end
$$;
comment on function private.enter_provider(public.chat_turns, timestamptz) is
  'For a held turn that is locked. Position 0: it may call the provider, in this slot where calls are capped. Else it waits.';

create function private.stay_at_provider(p_turn public.chat_turns, p_now timestamptz) returns void
language plpgsql set search_path = ''
as $$
begin
  if p_turn.provider_slot is not null then
    update private.provider_slots s set leased_until = p_now + interval '30 seconds'
    where s.slot = p_turn.provider_slot and s.org_id = p_turn.org_id and s.turn_id = p_turn.id
      and s.leased_until < p_now + interval '20 seconds'; -- not with every flush
  end if;
end
$$;
comment on function private.stay_at_provider(public.chat_turns, timestamptz) is 'Renews the lease of the turn''s slot.';

create function private.leave_provider(p_turn public.chat_turns) returns void
language plpgsql set search_path = ''
as $$
begin
  if p_turn.provider_slot is not null then
    update private.provider_slots s set org_id = null, turn_id = null, leased_until = '-infinity'
    where s.slot = p_turn.provider_slot and s.org_id = p_turn.org_id and s.turn_id = p_turn.id;
  end if;
  perform private.leave_queue(p_turn);
end
$$;
comment on function private.leave_provider(public.chat_turns) is
  'A turn ends: its slot is free, unless it lapsed and is another''s by now, and it waits no longer.';

revoke all on table private.provider_slots, private.provider_queue from public, anon, authenticated, service_role;
revoke all on function private.on_provider_cap_changed(), private.queue_position(public.chat_turns, timestamptz),
  private.leave_queue(public.chat_turns), private.enter_provider(public.chat_turns, timestamptz),
  private.stay_at_provider(public.chat_turns, timestamptz), private.leave_provider(public.chat_turns)
  from public, anon, authenticated, service_role;
