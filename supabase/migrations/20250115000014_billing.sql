-- Billing: which subscription pays for which seat, as the payment processor tells it, and every change of a licence.
--
-- Locks, in this order: the prices (shared), the subscription, the seat, then the licence row.
-- News comes in any order and more than once. A subscription is known from its first news, by whomever it is for; it counts
-- once a checkout has said for whom. The licence is then what all of a seat's subscriptions together give.

create table public.billing_prices (
  price_id text primary key,
  tier text not null references public.license_tiers (tier) check (tier in ('pro', 'enterprise'))
);
comment on table public.billing_prices is 'Reference table: the plan that each price of the payment processor buys.';

create table private.billing_subscriptions (
  id text primary key,
  -- For whom; null until a checkout has said it.
  org_id uuid,
  user_id uuid,
  status text, -- as Stripe names them; null until there is news of it
  price_ids text[] not null default '{}',
  told_at timestamptz not null default '-infinity' -- when the newest news was written
);
create index billing_subscriptions_seat on private.billing_subscriptions (org_id, user_id);

-- What billing gave, and may end. A licence that somebody else gave is not its business.
create table private.billing_seats (
  org_id uuid not null,
  user_id uuid not null,
  tier text not null,
  primary key (org_id, user_id),
  foreign key (org_id, user_id) references public.user_licenses (org_id, user_id) on delete cascade
);

create table public.license_changes (
  org_id uuid not null references public.organizations (id) on delete cascade,
  user_id uuid not null,
  changed_at timestamptz not null,
  from_tier text,
  to_tier text not null,
  from_status text,
  to_status text not null,
  primary key (org_id, user_id, changed_at)
);
comment on table public.license_changes is
  'Every change of a member''s plan or status, for as long as the organization is there: for conversion rates and disputes.';

alter table private.billing_subscriptions enable row level security;
alter table private.billing_seats enable row level security;
alter table public.billing_prices enable row level security;
alter table public.license_changes enable row level security;
revoke all on table public.billing_prices, public.license_changes from public, anon, authenticated;
revoke all on table private.billing_subscriptions, private.billing_seats from public, anon, authenticated, service_role;
grant select, insert, update, delete on table public.billing_prices, public.license_changes to service_role;
grant select on table public.billing_prices, public.license_changes to authenticated;
create policy "prices are the service's" on public.billing_prices for select to authenticated using (false);
create policy "members read their own plans" on public.license_changes
  for select to authenticated using (user_id = (select auth.uid()));

-- The history -----------------------------------------------------------------------------------------------------------

create function private.on_license_changed() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  insert into public.license_changes (org_id, user_id, changed_at, from_tier, to_tier, from_status, to_status)
  values (new.org_id, new.user_id, clock_timestamp(), case when tg_op = 'UPDATE' then old.tier end, new.tier,
    case when tg_op = 'UPDATE' then old.status end, new.status);
  return null;
end
$$;

create trigger on_license_created_note_it after insert on public.user_licenses
  for each row execute function private.on_license_changed();
-- Sending messages updates other columns, so the common path never comes here.
create trigger on_license_changed_note_it after update of tier, status on public.user_licenses
  for each row when (old.tier is distinct from new.tier or old.status is distinct from new.status)
  execute function private.on_license_changed();

insert into public.license_changes (org_id, user_id, changed_at, to_tier, to_status)
select org_id, user_id, created_at, tier, status from public.user_licenses;

-- What subscriptions give -----------------------------------------------------------------------------------------------

create function private.apply_subscriptions(p_org_id uuid, p_user_id uuid) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_paid public.license_tiers;
  v_given text;
begin
  perform private.assert_read_committed();
  -- One at a time for each seat; the next statement sees what the one before has written.
  perform pg_advisory_xact_lock(hashtextextended('production-chat:seat:' || p_org_id || p_user_id, 0));
  -- Who has left has no seat, whoever still pays for it.
  if not exists (select from public.organization_members where org_id = p_org_id and user_id = p_user_id) then
    return;
  end if;

  -- While a renewal is tried again (`past_due`) the plan stays: Stripe ends the subscription when it gives up.
  select t.* into v_paid
  from private.billing_subscriptions s
  join public.billing_prices p on p.price_id = any (s.price_ids)
  join public.license_tiers t on t.tier = p.tier
  where s.org_id = p_org_id and s.user_id = p_user_id and s.status in ('active', 'trialing', 'past_due')
  order by t.priority desc, t.price_usd_per_month desc
  limit 1;
  select tier into v_given from private.billing_seats where org_id = p_org_id and user_id = p_user_id;

  if v_paid.tier is not null then
    insert into public.user_licenses as l (org_id, user_id, tier) values (p_org_id, p_user_id, v_paid.tier)
    on conflict (org_id, user_id) do update
      set tier = excluded.tier, status = case when l.status = 'suspended' then l.status else 'active' end, expires_at = null
      -- Billing changes what it gave, and gives more; what somebody else gave it does not take away.
      where (l.tier = v_given and l.expires_at is null) or l.status = 'expired' or l.expires_at <= clock_timestamp()
        or (select t.priority from public.license_tiers t where t.tier = l.tier) < v_paid.priority;
    if found then
      insert into private.billing_seats (org_id, user_id, tier) values (p_org_id, p_user_id, v_paid.tier)
      on conflict (org_id, user_id) do update set tier = excluded.tier;
    end if;
  elsif v_given is not null then
    delete from private.billing_seats where org_id = p_org_id and user_id = p_user_id;
    update public.user_licenses l
    set tier = case when p_org_id = p_user_id then 'free' else l.tier end,
      status = case when p_org_id = p_user_id or l.status <> 'active' then l.status else 'expired' end
    where l.org_id = p_org_id and l.user_id = p_user_id and l.tier = v_given and l.expires_at is null;
  end if;
end
$$;
comment on function private.apply_subscriptions(uuid, uuid) is
  'Gives a seat the best plan that is paid for. When none is any more, what billing gave ends: a personal organization is free again, another seat has expired.';

-- A new price looks for its subscriptions, and news of a subscription for its price: not both at once, or neither finds
-- the other.
create function private.lock_billing_prices() returns trigger
language plpgsql set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('production-chat:billing-prices', 0));
  return null;
end
$$;

create trigger on_billing_prices_changing_lock_them before insert or update or delete on public.billing_prices
  for each statement execute function private.lock_billing_prices();

create function private.on_billing_prices_changed() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.apply_subscriptions(seat.org_id, seat.user_id)
  from (
    select distinct org_id, user_id from private.billing_subscriptions
    where org_id is not null and price_ids && array_remove(array[old.price_id, new.price_id], null)
    order by org_id, user_id
  ) seat;
  return null;
end
$$;

create trigger on_billing_prices_changed_apply_them after insert or update or delete on public.billing_prices
  for each row execute function private.on_billing_prices_changed();

create function public.record_subscription(
  p_subscription_id text, p_status text, p_price_ids text[], p_told_at timestamptz
) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_subscription private.billing_subscriptions;
begin
  perform private.assert_service();
  perform pg_advisory_xact_lock_shared(hashtextextended('production-chat:billing-prices', 0));
  insert into private.billing_subscriptions as known (id, status, price_ids, told_at)
  values (p_subscription_id, p_status, p_price_ids, p_told_at)
  on conflict (id) do update set status = excluded.status, price_ids = excluded.price_ids, told_at = excluded.told_at
    -- News that was overtaken is old, nothing comes after the end, and nothing is incomplete again.
    where known.told_at <= excluded.told_at and known.status is distinct from 'canceled'
      and (excluded.status <> 'incomplete' or coalesce(known.status, 'incomplete') = 'incomplete')
  returning * into v_subscription;
  if v_subscription.org_id is not null then
    perform private.apply_subscriptions(v_subscription.org_id, v_subscription.user_id);
  end if;
  return jsonb_build_object('isNews', v_subscription.id is not null, 'isClaimed', v_subscription.org_id is not null);
end
$$;
comment on function public.record_subscription(text, text, text[], timestamptz) is
  'What the payment processor says of a subscription now. Safe to repeat, in any order.';

create function public.claim_subscription(p_subscription_id text, p_org_id uuid, p_user_id uuid) returns jsonb
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.assert_service();
  perform pg_advisory_xact_lock_shared(hashtextextended('production-chat:billing-prices', 0));
  if not exists (select from public.organization_members where org_id = p_org_id and user_id = p_user_id) then
    raise exception 'The subscription is for a seat that does not exist.' using errcode = 'PT422';
  end if;
  insert into private.billing_subscriptions as known (id, org_id, user_id)
  values (p_subscription_id, p_org_id, p_user_id)
  on conflict (id) do update set org_id = excluded.org_id, user_id = excluded.user_id
    -- The first claim holds: a checkout's reference can be written by whoever opens its link.
    where known.org_id is null;
  perform private.apply_subscriptions(s.org_id, s.user_id)
  from private.billing_subscriptions s where s.id = p_subscription_id and s.status is not null;
  return jsonb_build_object('isClaimed', true);
end
$$;
comment on function public.claim_subscription(text, uuid, uuid) is
  'A checkout says for which seat a subscription is. Safe to repeat. PT422: there is no such member.';

revoke all on function private.on_license_changed(), private.apply_subscriptions(uuid, uuid), private.on_billing_prices_changed(),
  private.lock_billing_prices(), public.record_subscription(text, text, text[], timestamptz), public.claim_subscription(text, uuid, uuid)
  from public, anon, authenticated, service_role;
grant execute on function public.record_subscription(text, text, text[], timestamptz),
  public.claim_subscription(text, uuid, uuid) to service_role;
