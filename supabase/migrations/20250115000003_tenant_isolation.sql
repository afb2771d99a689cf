-- Who may read what. Signed-in users read; all writes go through functions.
-- Supabase grants everything on new tables to anon and authenticated, so row level security refuses the rows, and the
-- revokes below refuse what row level security does not cover (truncate, references, triggers).

create function private.member_org_ids() returns setof uuid
language sql stable security definer set search_path = ''
as $$
  select org_id from public.organization_members where user_id = (select auth.uid())
$$;
comment on function private.member_org_ids() is 'Organizations the caller belongs to.';

create function private.admin_org_ids() returns setof uuid
language sql stable security definer set search_path = ''
as $$
  select org_id from public.organization_members where user_id = (select auth.uid()) and role in ('owner', 'admin')
$$;
comment on function private.admin_org_ids() is 'Organizations whose usage the caller may read.';

create function private.assert_service() returns void
language plpgsql stable set search_path = ''
as $$
begin
  -- EXECUTE is revoked as well; a stack that grants it again at boot still opens nothing.
  if current_setting('role') in ('anon', 'authenticated') then
    raise exception 'This function serves the edge function alone.' using errcode = 'PT403';
  end if;
end
$$;
comment on function private.assert_service() is 'Refuses callers who come through the API as a user or as nobody.';

revoke all on function private.assert_service() from public, anon, authenticated, service_role;
revoke all on function private.member_org_ids() from public, anon, authenticated, service_role;
revoke all on function private.admin_org_ids() from public, anon, authenticated, service_role;
grant execute on function private.member_org_ids(), private.admin_org_ids() to authenticated;

do $$
declare
  v_table text;
begin
  foreach v_table in array array[
    'license_tiers', 'agents', 'model_prices', 'chat_settings', 'organizations', 'organization_members',
    'user_licenses', 'conversations', 'chat_messages', 'chat_turns', 'chat_usage_tracking', 'organization_usage',
    'chat_quota_violations'
  ] loop
    execute format('alter table public.%I enable row level security', v_table);
    execute format('revoke all on table public.%I from public, anon, authenticated', v_table);
    execute format('grant select on table public.%I to authenticated', v_table);
    execute format('grant select, insert, update, delete on table public.%I to service_role', v_table);
  end loop;
end
$$;

create policy "everyone signed in reads the plans" on public.license_tiers
  for select to authenticated using ((select auth.uid()) is not null);
create policy "everyone signed in reads the agents" on public.agents
  for select to authenticated using ((select auth.uid()) is not null);
create policy "everyone signed in reads the prices" on public.model_prices
  for select to authenticated using ((select auth.uid()) is not null);
create policy "settings are the service's" on public.chat_settings
  for select to authenticated using (false);

create policy "members read their organization" on public.organizations
  for select to authenticated using (id in (select private.member_org_ids()));
create policy "members read their membership, admins all of them" on public.organization_members
  for select to authenticated
  using (user_id = (select auth.uid()) or org_id in (select private.admin_org_ids()));
create policy "members read their licence, admins all of them" on public.user_licenses
  for select to authenticated
  using (user_id = (select auth.uid()) or org_id in (select private.admin_org_ids()));

-- What was written stays private to its author, also from admins. One who left the organization no longer reads it.
create policy "authors read their conversations" on public.conversations
  for select to authenticated
  using (user_id = (select auth.uid()) and deleted_at is null and org_id in (select private.member_org_ids()));
create policy "authors read their messages" on public.chat_messages
  for select to authenticated
  using (
    user_id = (select auth.uid()) and org_id in (select private.member_org_ids())
    and exists (
      select from public.conversations c
      where c.org_id = chat_messages.org_id and c.id = chat_messages.conversation_id and c.deleted_at is null
    )
  );
create policy "authors read their turns" on public.chat_turns
  for select to authenticated
  using (user_id = (select auth.uid()) and org_id in (select private.member_org_ids()));

create policy "members read their usage, admins all of it" on public.chat_usage_tracking
  for select to authenticated
  using (
    (user_id = (select auth.uid()) and org_id in (select private.member_org_ids()))
    or org_id in (select private.admin_org_ids())
  );
create policy "members read their violations, admins all of them" on public.chat_quota_violations
  for select to authenticated
  using (
    (user_id = (select auth.uid()) and org_id in (select private.member_org_ids()))
    or org_id in (select private.admin_org_ids())
  );
create policy "members read their organization's pools" on public.organization_usage
  for select to authenticated using (org_id in (select private.member_org_ids()));

-- "FROM users u" in business queries: one row per user, from the personal organizations, without exposing auth.users.
-- An app that has its own `users` keeps it.
do $$
begin
  if to_regclass('public.users') is null then
    create view public.users with (security_invoker = true) as
      select o.id, o.name, o.created_at
      from public.organizations o
      join public.organization_members m on m.org_id = o.id and m.user_id = o.id;
    revoke all on public.users from public, anon, authenticated;
    grant select on public.users to authenticated, service_role;
  end if;
end
$$;
