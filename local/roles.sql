-- The roles that the platform provides, as a project created in late 2026 has
-- them: created where missing, and nothing is granted to them on new tables.
-- Safe to run again.

do $roles$
declare
  wanted record;
begin
  for wanted in
    select * from (values
      ('anon', 'nologin noinherit'),
      ('authenticated', 'nologin noinherit'),
      ('service_role', 'nologin noinherit bypassrls'),
      ('authenticator', 'login noinherit')
    ) as roles (name, options)
  loop
    begin
      if to_regrole(wanted.name) is null then
        execute format('create role %I %s', wanted.name, wanted.options);
      end if;
    exception
      -- Roles are server-wide: another database created it first.
      when duplicate_object or unique_violation then null;
    end;
  end loop;

  for wanted in
    select member.name as member, api.name as api
    from (values ('authenticator'), (current_user::text)) as member (name),
      (values ('anon'), ('authenticated'), ('service_role')) as api (name)
    where not pg_has_role(member.name, api.name, 'member')
  loop
    execute format('grant %I to %I', wanted.api, wanted.member);
  end loop;
end
$roles$;

grant usage on schema public to anon, authenticated, service_role;
