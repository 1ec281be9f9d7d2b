-- The schema, the role that every statement runs as, and what later files build on.
--
-- Everything lives in schema `vyapar`; nothing outside it is touched. The files can be run by
-- hand in the order of their numbers, e.g. `psql -1 -f 0001_system_schema.sql`.

create schema if not exists vyapar;

-- One role for a whole cluster: row-level security does not bind owners and superusers, so
-- every statement first becomes this role. Another database of the cluster, or another
-- process, may create it at the same moment.
do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'vyapar_app') then
        begin
            create role vyapar_app nologin nobypassrls;
        exception
            when duplicate_object or unique_violation then null;
        end;
    end if;
    -- From version 16 on a member may lack the right to become the role.
    if not pg_catalog.pg_has_role(current_user, 'vyapar_app',
            case when current_setting('server_version_num')::integer >= 160000 then 'set' else 'member' end) then
        execute pg_catalog.format('grant vyapar_app to %I', current_user);
    end if;
exception
    when insufficient_privilege then
        raise exception using
            errcode = 'insufficient_privilege',
            message = pg_catalog.format('role vyapar_app is missing or not granted to %I', current_user),
            hint = pg_catalog.format(
                'as a role with CREATEROLE: create role vyapar_app nologin nobypassrls; grant vyapar_app to %I',
                current_user);
end
$$;

grant usage on schema vyapar to vyapar_app;

-- Binds a table to the stores that the transaction named in `vyapar.stores`, or to all of
-- them where it set `vyapar.all_stores` (recovery and sweeps). The settings are read once a
-- statement, not once a row: that is what the inner selects are for.
create function vyapar.isolate_by_store(p_table text) returns void
language plpgsql as $$
begin
    execute format('alter table vyapar.%I enable row level security', p_table);
    execute format(
        $policy$
        create policy store_isolation on vyapar.%I to vyapar_app using (
            store_id = any ((select nullif(current_setting('vyapar.stores', true), '')::uuid[])::uuid[])
            or (select current_setting('vyapar.all_stores', true)) = 'on')
        $policy$, p_table);
end
$$;
revoke all on function vyapar.isolate_by_store(text) from public;

-- What a function call does first: becomes `vyapar_app`, names its stores, bounds how long it
-- waits for a lock. All of it ends with the transaction. Plans are generic because the
-- arguments are arrays: planning for each batch anew costs more than running it.
create function vyapar.enter(p_stores uuid[], p_lock_timeout integer) returns void
language plpgsql as $$
begin
    perform set_config('role', 'vyapar_app', true),
            set_config('vyapar.stores', array(select distinct unnest(p_stores))::text, true),
            set_config('vyapar.all_stores', '', true),
            set_config('plan_cache_mode', 'force_generic_plan', true),
            set_config('lock_timeout', p_lock_timeout::text, true);
end
$$;
