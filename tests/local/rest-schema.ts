/** A schema that shows the privileges of a request, for the tests of `/rest/v1`. */
export const REST_SCHEMA = `
create table public.notes (
  id bigint generated always as identity primary key,
  owner uuid not null,
  body jsonb not null
);
alter table public.notes enable row level security;
grant select, insert on public.notes to service_role;
grant select on public.notes to authenticated;
create policy notes_of_owner on public.notes for select to authenticated
  using (owner = auth.uid());

create table public.ungranted (id int primary key);

create function public.whoami() returns jsonb language sql stable
set search_path = '' as $$
  select jsonb_build_object(
    'user', current_user, 'uid', auth.uid(), 'role', auth.role(),
    'app_role', auth.jwt() -> 'app_metadata' ->> 'role'
  )
$$;

create function public.whoami_slowly() returns jsonb language plpgsql volatile
set search_path = '' as $$
begin
  perform pg_sleep(0.002);
  return public.whoami();
end
$$;

create function public.typeof_argument(argument jsonb) returns jsonb
language sql immutable set search_path = '' as $$
  select jsonb_build_object('type', jsonb_typeof(argument), 'value', argument)
$$;
`;
