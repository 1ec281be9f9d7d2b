-- What a transaction names decides what it sees: stores, a customer, a user, or, by flags of
-- their own, all stores or all accounts. Naming one thing shows nothing of the others.

-- As before, and whatever a session had set otherwise is gone for this transaction too.
create or replace function vyapar.enter(p_stores uuid[], p_lock_timeout integer) returns void
language plpgsql as $$
begin
    perform set_config('role', 'vyapar_app', true),
            set_config('vyapar.stores', array(select distinct unnest(p_stores))::text, true),
            set_config('vyapar.all_stores', '', true),
            set_config('vyapar.customer', '', true),
            set_config('vyapar.user', '', true),
            set_config('vyapar.identity', '', true),
            set_config('plan_cache_mode', 'force_generic_plan', true),
            set_config('lock_timeout', p_lock_timeout::text, true);
end
$$;

-- For what crosses stores on purpose.
create function vyapar.enter_all_stores(p_lock_timeout integer) returns void
language plpgsql as $$
begin
    perform vyapar.enter('{}', p_lock_timeout);
    perform set_config('vyapar.all_stores', 'on', true);
end
$$;

-- For what a user reads of his own. Nothing is written under it.
create function vyapar.enter_user(p_user uuid, p_lock_timeout integer) returns void
language plpgsql as $$
begin
    perform vyapar.enter('{}', p_lock_timeout);
    perform set_config('vyapar.user', p_user::text, true);
end
$$;

-- For look-ups among accounts, and for every write of accounts and of what they were given.
create function vyapar.enter_identity(p_lock_timeout integer) returns void
language plpgsql as $$
begin
    perform vyapar.enter('{}', p_lock_timeout);
    perform set_config('vyapar.identity', 'on', true);
end
$$;

-- Binds a table to `vyapar.identity`; with a column that says whose a row is, its user reads
-- it too where the transaction names him in `vyapar.user`. (The comparison stands inside the
-- select so that the planner, who cannot know the flag, expects half of the rows and not one in
-- two hundred: with the flag on it is all of them.)
create function vyapar.isolate_identity(p_table text, p_column text default null) returns void
language plpgsql as $$
begin
    execute format('alter table vyapar.%I enable row level security', p_table);
    execute format(
        $policy$
        create policy identity on vyapar.%I to vyapar_app
            using ((select current_setting('vyapar.identity', true) = 'on'))
        $policy$, p_table);
    if p_column is not null then
        execute format(
            $policy$
            create policy own_rows on vyapar.%I for select to vyapar_app
                using (%I = (select nullif(current_setting('vyapar.user', true), '')::uuid))
            $policy$, p_table, p_column);
    end if;
end
$$;
revoke all on function vyapar.isolate_identity(text, text) from public;
