-- What critical operations changed, by whom, from where (spec: audit_logs). Append-only.

create table vyapar.audit_logs (
    id          uuid        not null primary key,
    store_id    uuid,
    user_id     uuid,
    action      varchar     not null,
    entity_type varchar     not null,
    entity_id   varchar     not null,
    old_values  jsonb,
    new_values  jsonb,
    ip_address  varchar,
    user_agent  text,
    created_at  timestamptz not null,
    -- The feed's order: by transaction, then within it. A feed reads only transactions older
    -- than every running one, so nothing can appear before a position already given out.
    written_by  xid8        not null default pg_current_xact_id(),
    position    bigint      not null generated always as identity
);
comment on column vyapar.audit_logs.written_by is
    'Transaction ids belong to one cluster: after a dump is restored into another, start feeds anew.';

create index audit_logs_feed on vyapar.audit_logs (written_by, position);
create index audit_logs_store on vyapar.audit_logs (store_id, id);
create index audit_logs_entity on vyapar.audit_logs (entity_type, entity_id, id);
create index audit_logs_user on vyapar.audit_logs (user_id, id);

-- Entries of no store are read only where all stores are; anyone may write them.
alter table vyapar.audit_logs enable row level security;
create policy store_isolation on vyapar.audit_logs to vyapar_app
    using (
        store_id = any ((select nullif(current_setting('vyapar.stores', true), '')::uuid[])::uuid[])
        or (select current_setting('vyapar.all_stores', true)) = 'on')
    with check (
        store_id is null
        or store_id = any ((select nullif(current_setting('vyapar.stores', true), '')::uuid[])::uuid[])
        or (select current_setting('vyapar.all_stores', true)) = 'on');

grant select, insert on vyapar.audit_logs to vyapar_app;

-- Writes the entry that another write carries, in its transaction. The first entry of an id
-- stays.
create function vyapar.insert_audit(p_audit jsonb) returns void
language sql as $$
    insert into vyapar.audit_logs (id, store_id, user_id, action, entity_type, entity_id, old_values, new_values,
            ip_address, user_agent, created_at)
    select id, store_id, user_id, action, entity_type, entity_id, old_values, new_values, ip_address, user_agent,
           created_at
      from jsonb_populate_record(null::vyapar.audit_logs, p_audit)
    -- (Naming the column would need the right to read the row, which an entry of no store has
    -- for nobody.)
    on conflict do nothing
$$;

-- Writes an entry that belongs to no other write.
create function vyapar.append_audit(p_audit jsonb, p_lock_timeout integer) returns void
language plpgsql as $$
begin
    perform vyapar.enter(array_remove(array[(p_audit ->> 'store_id')::uuid], null), p_lock_timeout);
    perform vyapar.insert_audit(p_audit);
end
$$;
