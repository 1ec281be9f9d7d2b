-- Holding stock. Set-based: a call answers a batch of requests of any stores in one
-- transaction, each on its own, in the order of their arrival.

create type vyapar.reserve_answer as (
    request   integer,  -- 1-based
    outcome   varchar,  -- held, taken; short or due, one row per short line
    line      integer,  -- of all lines, 1-based; for short and due
    available numeric,  -- for short and due
    found     vyapar.reservations -- for taken
);

-- p_product and p_product_store name each (product, store) of the batch once; lines refer to
-- them by position and come sorted by request. `due` is short while holds that are due, of the
-- products that are short, still stand: not final (see free_due_holds). Lock order, as everywhere: reservation rows by
-- (store, id), then levels by product id.
create function vyapar.reserve(
    p_store uuid[], p_id uuid[], p_attempt integer[], p_order varchar[], p_fingerprint bytea[],
    p_due timestamptz[], p_by uuid[], p_now timestamptz[],
    p_product uuid[], p_product_store uuid[],
    p_line_request integer[], p_line_product integer[], p_line_quantity numeric[],
    p_lock_timeout integer
) returns setof vyapar.reserve_answer
language plpgsql as $$
#variable_conflict use_column
declare
    v_requests integer := cardinality(p_id);
    v_lines    integer := cardinality(p_line_request);
    v_fresh    boolean[] := array_fill(false, array[v_requests]); -- its key was free: a row stands for it now
    v_replace  boolean[] := array_fill(false, array[v_requests]); -- it may take over a released, closed row
    v_accepted boolean[] := array_fill(false, array[v_requests]);
    v_free     numeric[] := array_fill(null::numeric, array[cardinality(p_product)]);
    v_seq      bigint[]  := array_fill(0::bigint, array[cardinality(p_product)]);
    v_taken    numeric[] := array_fill(0::numeric, array[cardinality(p_product)]);
    v_at       timestamptz[] := array_fill(null::timestamptz, array[cardinality(p_product)]);
    v_balance  numeric[] := array_fill(null::numeric, array[v_lines]);
    v_number   bigint[]  := array_fill(null::bigint, array[v_lines]);
    v_line     integer := 1;
    v_first    integer;
    v_product  integer;
    v_short    uuid[]; -- the products that a request is short of
    v_outcome  varchar;
    v_news     integer := 0;
    v_drop     boolean := false;
    v_row      record;
    v_found    vyapar.reservations;
begin
    perform vyapar.enter(p_store, p_lock_timeout);

    -- 1. Reservation rows. A fresh key is taken by inserting its row, which makes a concurrent
    --    call with the same key wait for this one's outcome.
    for v_row in
        with lines as (
            select l.request, array_agg(p_product[l.product] order by l.product) as products,
                   array_agg(l.quantity order by l.product) as quantities
              from unnest(p_line_request, p_line_product, p_line_quantity) as l(request, product, quantity)
             group by l.request
        ), inserted as (
            insert into vyapar.reservations (store_id, id, attempt, order_id, fingerprint, state, open, product_ids,
                    quantities, given_back, revision, due, recover_at, failures, created_at, updated_at)
            select r.store_id, r.id, r.attempt, r.order_id, r.fingerprint, 'held', true, l.products, l.quantities,
                   array_fill(0::numeric, array[cardinality(l.products)]), 0, r.due, r.due, 0, r.now, r.now
              from unnest(p_store, p_id, p_attempt, p_order, p_fingerprint, p_due, p_now) with ordinality
                   as r(store_id, id, attempt, order_id, fingerprint, due, now, n)
              join lines l on l.request = r.n
             order by r.store_id, r.id
            on conflict (store_id, id) do nothing
            returning store_id, id
        )
        select r.n from inserted i
          join unnest(p_store, p_id) with ordinality as r(store_id, id, n) on r.store_id = i.store_id and r.id = i.id
    loop
        v_fresh[v_row.n] := true;
        v_news := v_news + 1;
    end loop;

    if v_news < v_requests then
        for v_row in
            select r.n, s as found
              from unnest(p_store, p_id, v_fresh) with ordinality as r(store_id, id, fresh, n)
              join vyapar.reservations s on s.store_id = r.store_id and s.id = r.id
             where not r.fresh
             order by s.store_id, s.id
               for no key update of s
        loop
            v_found := v_row.found;
            v_news := v_news + 1;
            if v_found.state = 'held' and v_found.attempt = p_attempt[v_row.n]
               and v_found.order_id = p_order[v_row.n] then
                return next (v_row.n, 'held', null, null, null)::vyapar.reserve_answer;
            elsif v_found.state = 'released' and not v_found.open and v_found.attempt < p_attempt[v_row.n] then
                v_replace[v_row.n] := true;
            else
                return next (v_row.n, 'taken', null, null, v_found)::vyapar.reserve_answer;
            end if;
        end loop;
        if v_news < v_requests then
            raise exception using errcode = 'serialization_failure', message = 'a reservation vanished';
        end if;
        if not (true = any (v_fresh) or true = any (v_replace)) then
            return;
        end if;
    end if;

    -- 2. Levels.
    for v_row in
        select p.n, l.current_stock, l.seq
          from unnest(p_product, p_product_store) with ordinality as p(id, store_id, n)
          join vyapar.stock_levels l on l.store_id = p.store_id and l.store_product_id = p.id
         order by l.store_product_id, l.store_id
           for no key update of l
    loop
        v_free[v_row.n] := v_row.current_stock;
        v_seq[v_row.n] := v_row.seq;
    end loop;

    -- 3. Each request in turn: all of its lines or none.
    for v_request in 1..v_requests loop
        v_first := v_line;
        v_short := '{}';
        while v_line <= v_lines and p_line_request[v_line] = v_request loop
            if coalesce(v_free[p_line_product[v_line]], 0) < p_line_quantity[v_line] then
                v_short := v_short || p_product[p_line_product[v_line]];
            end if;
            v_line := v_line + 1;
        end loop;
        if not (v_fresh[v_request] or v_replace[v_request]) then
            continue;
        end if;
        if cardinality(v_short) > 0 then
            v_drop := true;
            -- With the levels locked this is exact: whoever freed such a hold has either
            -- committed, and its stock was counted, or has not, and the hold still stands.
            v_outcome := case when exists (
                select from vyapar.reservations s
                 where s.store_id = p_store[v_request] and s.state = 'held' and s.due <= p_now[v_request]
                   and exists (select from unnest(s.product_ids, s.quantities) as l(product, quantity)
                                where l.product = any (v_short) and l.quantity > 0)
            ) then 'due' else 'short' end;
            for v_l in v_first..v_line - 1 loop
                if coalesce(v_free[p_line_product[v_l]], 0) < p_line_quantity[v_l] then
                    return next (v_request, v_outcome, v_l, coalesce(v_free[p_line_product[v_l]], 0), null)
                        ::vyapar.reserve_answer;
                end if;
            end loop;
            continue;
        end if;
        v_accepted[v_request] := true;
        for v_l in v_first..v_line - 1 loop
            v_product := p_line_product[v_l];
            v_free[v_product] := v_free[v_product] - p_line_quantity[v_l];
            v_taken[v_product] := v_taken[v_product] + p_line_quantity[v_l];
            v_seq[v_product] := v_seq[v_product] + 1;
            v_at[v_product] := greatest(v_at[v_product], p_now[v_request]);
            v_balance[v_l] := v_free[v_product];
            v_number[v_l] := v_seq[v_product];
        end loop;
        return next (v_request, 'held', null, null, null)::vyapar.reserve_answer;
    end loop;

    -- 4. Writes.
    if v_drop then
        delete from vyapar.reservations s
         using unnest(p_store, p_id, v_fresh, v_accepted) as r(store_id, id, fresh, accepted)
         where s.store_id = r.store_id and s.id = r.id and r.fresh and not r.accepted;
    end if;
    if not true = any (v_accepted) then
        return;
    end if;
    if true = any (v_replace) then
        update vyapar.reservations s
           set attempt = r.attempt, order_id = r.order_id, fingerprint = r.fingerprint, state = 'held', open = true,
               product_ids = l.products, quantities = l.quantities,
               given_back = array_fill(0::numeric, array[cardinality(l.products)]), revision = 0, due = r.due,
               recover_at = r.due, failures = 0, created_at = r.now, updated_at = r.now
          from unnest(p_store, p_id, p_attempt, p_order, p_fingerprint, p_due, p_now, v_replace, v_accepted)
                   with ordinality
               as r(store_id, id, attempt, order_id, fingerprint, due, now, replace, accepted, n)
          join (select l.request, array_agg(p_product[l.product] order by l.product) as products,
                       array_agg(l.quantity order by l.product) as quantities
                  from unnest(p_line_request, p_line_product, p_line_quantity) as l(request, product, quantity)
                 group by l.request) l on l.request = r.n
         where s.store_id = r.store_id and s.id = r.id and r.replace and r.accepted;
    end if;
    update vyapar.stock_levels l
       set current_stock = l.current_stock - p.taken, reserved_stock = l.reserved_stock + p.taken, seq = p.seq,
           last_stock_update = p.at
      from unnest(p_product, p_product_store, v_taken, v_seq, v_at) as p(id, store_id, taken, seq, at)
     where l.store_id = p.store_id and l.store_product_id = p.id and p.taken > 0;
    insert into vyapar.stock_movements (store_id, store_product_id, seq, movement_type, quantity, balance_after,
            reference_type, reference_id, performed_by, created_at)
    select p_store[l.request], p_product[l.product], l.seq, 'sale', -l.quantity, l.balance, 'order',
           p_order[l.request], p_by[l.request], p_now[l.request]
      from unnest(p_line_request, p_line_product, p_line_quantity, v_balance, v_number)
           as l(request, product, quantity, balance, seq)
     where v_accepted[l.request];
end
$$;

-- Frees holds that are due, of one store and holding these products. A transaction of its
-- own, before a reserve decides again: inside the reserve's it would lock reservation rows
-- after levels. Where another call is about to free such a hold, this one waits for it. At most p_limit at a time; answers how many it freed.
create function vyapar.free_due_holds(
    p_store uuid, p_products uuid[], p_now timestamptz, p_limit integer, p_lock_timeout integer
) returns integer
language plpgsql as $$
declare
    v_ids     uuid[];
    v_entries vyapar.stock_entry[];
begin
    perform vyapar.enter(array[p_store], p_lock_timeout);
    with due as (
        select r.id from vyapar.reservations r
         where r.store_id = p_store and r.state = 'held' and r.due <= p_now
           and exists (select from unnest(r.product_ids, r.quantities) as l(product, quantity)
                        where l.product = any (p_products) and l.quantity > 0)
         order by r.id
         limit p_limit
           for no key update
    )
    select array_agg(due.id) into v_ids from due;
    if v_ids is null then
        return 0;
    end if;
    select array_agg(e order by r.due, r.id, e.store_product_id) into v_entries
      from vyapar.reservations r, unnest(vyapar.entries_of(r, 1, 'return', p_now)) e
     where r.store_id = p_store and r.id = any (v_ids);
    if v_entries is not null then
        perform vyapar.book_stock(v_entries);
    end if;
    update vyapar.reservations r
       set state = 'released', recover_at = p_now, updated_at = p_now
     where r.store_id = p_store and r.id = any (v_ids);
    return cardinality(v_ids);
end
$$;
