-- Holding stock for many callers at once. Replaces vyapar.reserve.
--
-- A call answers a batch of requests of any stores in one transaction, each on its own. It
-- never waits for a row while it holds another: rows that somebody else has locked are
-- skipped, and the requests that need them are answered `locked`. Whoever is locked out comes
-- again in a batch of its own, which waits for that one row first and then goes on as any
-- other. So a slow transaction stops only those who need what it holds, and no two batches
-- can deadlock.

drop function vyapar.reserve(uuid[], uuid[], integer[], varchar[], bytea[], timestamptz[], uuid[], timestamptz[], uuid[],
    uuid[], integer[], integer[], numeric[], integer);
drop type vyapar.reserve_answer;

-- As before, but stores come named once each: finding out cost more than all the rest.
create or replace function vyapar.enter(p_stores uuid[], p_lock_timeout integer) returns void
language plpgsql as $$
begin
    perform set_config('role', 'vyapar_app', true),
            set_config('vyapar.stores', p_stores::text, true),
            set_config('vyapar.all_stores', '', true),
            set_config('plan_cache_mode', 'force_generic_plan', true),
            set_config('lock_timeout', p_lock_timeout::text, true);
end
$$;

-- A request, as it is stored when it is held.
create type vyapar.reserve_request as (
    store_id    uuid,
    id          uuid,
    attempt     integer,
    order_id    varchar,
    fingerprint bytea,
    due         timestamptz,
    now         timestamptz,
    product_ids uuid[],
    quantities  numeric[],
    given_back  numeric[] -- as many zeros
);

-- A (store, product) of the batch, named once, with what all requests take of it together.
create type vyapar.reserve_level as (
    store_id   uuid,
    product_id uuid,
    total      numeric,
    count      integer,
    at         timestamptz
);

-- A line of a request. `request` and `level` are places in the other arguments; `sum` is what
-- has been taken of the level up to and with this line, `nth` how often.
create type vyapar.reserve_line as (
    request      integer,
    level        integer,
    store_id     uuid,
    product_id   uuid,
    quantity     numeric,
    sum          numeric,
    nth          integer,
    order_id     varchar,
    performed_by uuid,
    now          timestamptz
);

create type vyapar.reserve_answer as (
    request   integer,  -- its place in the arguments; null: all of them
    outcome   varchar,  -- held, taken, locked; short or due, one row per short line
    line      integer,  -- its place in the arguments; for short and due
    available numeric,  -- for short and due
    level     integer,  -- for locked: the level that somebody else has locked; null: the reservation
    found     vyapar.reservations -- for taken
);

-- Waits until one row is free, before anything else is locked.
create function vyapar.wait_for_level(p_store uuid, p_product uuid) returns void
language plpgsql as $$
begin
    perform from vyapar.stock_levels l where l.store_id = p_store and l.store_product_id = p_product
        for no key update;
end
$$;
create function vyapar.wait_for_reservation(p_store uuid, p_id uuid) returns void
language plpgsql as $$
begin
    perform from vyapar.reservations s where s.store_id = p_store and s.id = p_id for no key update;
end
$$;

-- What a batch waits for before it locks anything: one level, one reservation, or nothing.
create function vyapar.wait_for(
    p_requests vyapar.reserve_request[], p_levels vyapar.reserve_level[], p_wait_level integer, p_wait_request integer
) returns void
language plpgsql as $$
begin
    if p_wait_level is not null then
        perform vyapar.wait_for_level((p_levels[p_wait_level]).store_id, (p_levels[p_wait_level]).product_id);
    end if;
    if p_wait_request is not null then
        perform vyapar.wait_for_reservation((p_requests[p_wait_request]).store_id, (p_requests[p_wait_request]).id);
    end if;
end
$$;

-- Requests come by (store, id), so that two batches with the same keys meet in one order;
-- p_turn has their places in the order of arrival, in which the lines come too.
--
-- With every key new and enough of everything, which is the common case, the answer is one row:
-- all are held. Otherwise they are decided one after the other.
create function vyapar.reserve_many(
    p_stores uuid[], p_requests vyapar.reserve_request[], p_levels vyapar.reserve_level[], p_lines vyapar.reserve_line[],
    p_turn integer[], p_wait_level integer, p_wait_request integer, p_lock_timeout integer
) returns setof vyapar.reserve_answer
language plpgsql as $$
begin
    perform vyapar.enter(p_stores, p_lock_timeout);
    if p_wait_level is not null or p_wait_request is not null then
        perform vyapar.wait_for(p_requests, p_levels, p_wait_level, p_wait_request);
    end if;
    if vyapar.hold_all(p_requests, p_levels, p_lines, false) then
        return next (null, 'held', null, null, null, null)::vyapar.reserve_answer;
    else
        return query select * from vyapar.reserve_in_turn(p_requests, p_levels, p_lines, p_turn, false);
    end if;
end
$$;

-- Takes all keys that are free, and all levels that nobody else has locked. Where that is all of
-- them and there is enough for all requests, it holds all, and says so. With p_commit the stock
-- is committed at once (place_many): nobody ever sees it held.
create function vyapar.hold_all(
    p_requests vyapar.reserve_request[], p_levels vyapar.reserve_level[], p_lines vyapar.reserve_line[],
    p_commit boolean
) returns boolean
language plpgsql as $$
#variable_conflict use_column
declare
    v_new    integer;
    v_locked integer;
    v_enough boolean;
    v_before numeric[];
    v_seq    bigint[];
begin
    -- A key that is free is taken by inserting its row; a call that is about to take the same
    -- one is waited for. It never waits for a level itself, so that is short.
    insert into vyapar.reservations (store_id, id, attempt, order_id, fingerprint, state, open, product_ids,
            quantities, given_back, revision, due, recover_at, failures, created_at, updated_at)
    select r.store_id, r.id, r.attempt, r.order_id, r.fingerprint,
           case when p_commit then 'committed' else 'held' end, not p_commit, r.product_ids, r.quantities, r.given_back,
           0, r.due, r.due, 0, r.now, r.now
      from unnest(p_requests) r
    on conflict (store_id, id) do nothing;
    get diagnostics v_new = row_count;

    select count(*), coalesce(bool_and(f.enough), false) into v_locked, v_enough
      from (select l.current_stock >= p.total as enough
              from unnest(p_levels) p
              join vyapar.stock_levels l on l.store_id = p.store_id and l.store_product_id = p.product_id
               for no key update of l skip locked) f;
    if v_new < cardinality(p_requests) or v_locked < cardinality(p_levels) or not v_enough then
        return false;
    end if;

    with changed as (
        update vyapar.stock_levels l
           set current_stock = l.current_stock - p.total, reserved_stock = l.reserved_stock + p.total,
               seq = l.seq + p.count, last_stock_update = p.at
          from unnest(p_levels) with ordinality as p(store_id, product_id, total, count, at, n)
         where l.store_id = p.store_id and l.store_product_id = p.product_id
        returning p.n, l.current_stock + p.total as before, l.seq - p.count as seq
    )
    select array_agg(c.before order by c.n), array_agg(c.seq order by c.n) into v_before, v_seq from changed c;
    insert into vyapar.stock_movements (store_id, store_product_id, seq, movement_type, quantity, balance_after,
            reference_type, reference_id, performed_by, created_at)
    select l.store_id, l.product_id, v_seq[l.level] + l.nth, 'sale', -l.quantity, v_before[l.level] - l.sum, 'order',
           l.order_id, l.performed_by, l.now
      from unnest(p_lines) l;
    return true;
end
$$;

-- After hold_all could not: decides one request after the other. The keys that were free are
-- taken, and the levels that could be had are locked.
create function vyapar.reserve_in_turn(
    p_requests vyapar.reserve_request[], p_levels vyapar.reserve_level[], p_lines vyapar.reserve_line[],
    p_turn integer[], p_commit boolean
) returns setof vyapar.reserve_answer
language plpgsql as $$
#variable_conflict use_column
declare
    v_requests integer := cardinality(p_requests);
    v_levels   integer := cardinality(p_levels);
    v_lines    integer := cardinality(p_lines);
    v_fresh    boolean[] := array_fill(false, array[v_requests]); -- its key was free: a row stands for it now
    v_replace  boolean[] := array_fill(false, array[v_requests]); -- it may take over a released, closed row
    v_seen     boolean[] := array_fill(false, array[v_requests]); -- its key is taken, by a row nobody has locked
    v_accepted boolean[] := array_fill(false, array[v_requests]);
    v_theirs   boolean[] := array_fill(false, array[v_levels]); -- somebody else has locked it
    v_free     numeric[] := array_fill(null::numeric, array[v_levels]);
    v_seq      bigint[]  := array_fill(0::bigint, array[v_levels]);
    v_taken    numeric[] := array_fill(0::numeric, array[v_levels]);
    v_at       timestamptz[] := array_fill(null::timestamptz, array[v_levels]);
    v_balance  numeric[] := array_fill(null::numeric, array[v_lines]);
    v_number   bigint[]  := array_fill(null::bigint, array[v_lines]);
    -- The lines, column by column.
    v_line_request  integer[] := array(select l.request from unnest(p_lines) l);
    v_line_level    integer[] := array(select l.level from unnest(p_lines) l);
    v_line_product  uuid[]    := array(select l.product_id from unnest(p_lines) l);
    v_line_quantity numeric[] := array(select l.quantity from unnest(p_lines) l);
    v_line     integer := 1;
    v_first    integer;
    v_level    integer;
    v_locked   integer;
    v_short    uuid[]; -- the products that a request is short of
    v_outcome  varchar;
    v_request  integer;
    v_row      record;
    v_asked    vyapar.reserve_request;
    v_found    vyapar.reservations;
begin
    -- 1. Keys.
    for v_row in
        select r.n
          from (select a.store_id, a.id, row_number() over () as n from unnest(p_requests) a) r
          join vyapar.reservations s on s.store_id = r.store_id and s.id = r.id
         -- Inserted by this transaction, which has written no other of these rows.
         where s.xmin = pg_current_xact_id()::xid
    loop
        v_fresh[v_row.n] := true;
    end loop;
    for v_row in
        select r.n, r.asked, s as found
          from (select a as asked, row_number() over () as n from unnest(p_requests) a) r
          join vyapar.reservations s on s.store_id = (r.asked).store_id and s.id = (r.asked).id
         where not v_fresh[r.n]
           for no key update of s skip locked
    loop
        v_found := v_row.found;
        v_asked := v_row.asked;
        v_seen[v_row.n] := true;
        if not p_commit and v_found.state = 'held' and v_found.attempt = v_asked.attempt
           and v_found.order_id = v_asked.order_id then
            return next (v_row.n, 'held', null, null, null, null)::vyapar.reserve_answer;
        elsif v_found.state = 'released' and not v_found.open and v_found.attempt < v_asked.attempt then
            v_replace[v_row.n] := true;
        else
            return next (v_row.n, 'taken', null, null, null, v_found)::vyapar.reserve_answer;
        end if;
    end loop;

    -- 2. Levels. One that exists and could not be had is somebody else's.
    for v_row in
        select p.n, l.current_stock, l.seq
          from (select a.store_id, a.product_id, row_number() over () as n from unnest(p_levels) a) p
          join vyapar.stock_levels l on l.store_id = p.store_id and l.store_product_id = p.product_id
           for no key update of l skip locked
    loop
        v_free[v_row.n] := v_row.current_stock;
        v_seq[v_row.n] := v_row.seq;
    end loop;
    for v_row in
        select p.n
          from (select a.store_id, a.product_id, row_number() over () as n from unnest(p_levels) a) p
          join vyapar.stock_levels l on l.store_id = p.store_id and l.store_product_id = p.product_id
         where v_free[p.n] is null
    loop
        v_theirs[v_row.n] := true;
    end loop;

    -- 3. Each request in turn: all of its lines or none.
    foreach v_request in array p_turn loop
        v_first := v_line;
        v_short := '{}';
        v_locked := null;
        while v_line <= v_lines and v_line_request[v_line] = v_request loop
            v_level := v_line_level[v_line];
            if v_theirs[v_level] then
                v_locked := v_level;
            elsif coalesce(v_free[v_level], 0) < v_line_quantity[v_line] then
                v_short := v_short || v_line_product[v_line];
            end if;
            v_line := v_line + 1;
        end loop;
        if not (v_fresh[v_request] or v_replace[v_request]) then
            if not v_seen[v_request] then
                return next (v_request, 'locked', null, null, null, null)::vyapar.reserve_answer;
            end if;
            continue;
        end if;
        if v_locked is not null then
            return next (v_request, 'locked', null, null, v_locked, null)::vyapar.reserve_answer;
            continue;
        end if;
        v_asked := p_requests[v_request];
        if cardinality(v_short) > 0 then
            -- With the levels locked this is exact: whoever freed such a hold has either
            -- committed, and its stock was counted, or has not, and the hold still stands.
            v_outcome := case when exists (
                select from vyapar.reservations s
                 where s.store_id = v_asked.store_id and s.state = 'held' and s.due <= v_asked.now
                   and exists (select from unnest(s.product_ids, s.quantities) as l(product, quantity)
                                where l.product = any (v_short) and l.quantity > 0)
            ) then 'due' else 'short' end;
            for v_l in v_first..v_line - 1 loop
                v_level := v_line_level[v_l];
                if coalesce(v_free[v_level], 0) < v_line_quantity[v_l] then
                    return next (v_request, v_outcome, v_l, coalesce(v_free[v_level], 0), null, null)
                        ::vyapar.reserve_answer;
                end if;
            end loop;
            continue;
        end if;
        v_accepted[v_request] := true;
        for v_l in v_first..v_line - 1 loop
            v_level := v_line_level[v_l];
            v_free[v_level] := v_free[v_level] - v_line_quantity[v_l];
            v_taken[v_level] := v_taken[v_level] + v_line_quantity[v_l];
            v_seq[v_level] := v_seq[v_level] + 1;
            v_at[v_level] := greatest(v_at[v_level], v_asked.now);
            v_balance[v_l] := v_free[v_level];
            v_number[v_l] := v_seq[v_level];
        end loop;
        return next (v_request, 'held', null, null, null, null)::vyapar.reserve_answer;
    end loop;

    -- 4. Writes.
    delete from vyapar.reservations s
     using (select a.store_id, a.id, row_number() over () as n from unnest(p_requests) a) r
     where s.store_id = r.store_id and s.id = r.id and v_fresh[r.n] and not v_accepted[r.n];
    if not true = any (v_accepted) then
        return;
    end if;
    if true = any (v_replace) then
        update vyapar.reservations s
           set attempt = (r.a).attempt, order_id = (r.a).order_id, fingerprint = (r.a).fingerprint,
               state = case when p_commit then 'committed' else 'held' end, open = not p_commit,
               product_ids = (r.a).product_ids, quantities = (r.a).quantities,
               given_back = (r.a).given_back, revision = 0, due = (r.a).due, recover_at = (r.a).due, failures = 0,
               created_at = (r.a).now, updated_at = (r.a).now
          from (select a, row_number() over () as n from unnest(p_requests) a) r
         where s.store_id = (r.a).store_id and s.id = (r.a).id and v_replace[r.n] and v_accepted[r.n];
    end if;
    update vyapar.stock_levels l
       set current_stock = l.current_stock - v_taken[p.n], reserved_stock = l.reserved_stock + v_taken[p.n],
           seq = v_seq[p.n], last_stock_update = v_at[p.n]
      from (select a.store_id, a.product_id, row_number() over () as n from unnest(p_levels) a) p
     where l.store_id = p.store_id and l.store_product_id = p.product_id and v_taken[p.n] > 0;
    insert into vyapar.stock_movements (store_id, store_product_id, seq, movement_type, quantity, balance_after,
            reference_type, reference_id, performed_by, created_at)
    select l.store_id, l.product_id, v_number[l.n], 'sale', -l.quantity, v_balance[l.n], 'order', l.order_id,
           l.performed_by, l.now
      from (select a.*, row_number() over () as n from unnest(p_lines) a) l
     where v_accepted[l.request];
end
$$;
