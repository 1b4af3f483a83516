-- Agents and tools by name, for senders that know no ids.

create function public.look_up_registries(agents text[], tools text[]) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return jsonb_build_object(
    'agents', (
      select coalesce(jsonb_object_agg(r.name, r.ids), '{}') from (
        select a.name, jsonb_agg(a.id) as ids from public.agent_registry a where a.name = any (agents) group by a.name) r),
    'tools', (
      select coalesce(jsonb_object_agg(r.name, r.ids), '{}') from (
        select t.name, jsonb_agg(t.id) as ids from public.tool_registry t where t.name = any (tools) group by t.name) r));
exception
  -- A project's own registry may call it otherwise.
  when undefined_column then
    return '{"agents": {}, "tools": {}}';
end
$$;
comment on function public.look_up_registries is
  'The ids of agents and tools by name; several where a name is not unique.';
revoke all on function public.look_up_registries from public, anon, authenticated, service_role;
grant execute on function public.look_up_registries to service_role;
