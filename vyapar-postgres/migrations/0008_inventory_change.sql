-- Changes of stock by a store's own people: goods in, corrections, counts, write-offs.

-- Applies a change once per operation, all lines or none. p_delta is set for a line that
-- changes by so much, p_counted for one that sets what was counted on hand. Rows:
-- `applied` / `already`, each with a movement (or none of them: one row without), `not_open`,
-- `reserved` (requested = counted, available = reserved, with orders), `short`, `too_much`.
create function vyapar.change_stock(
    p_store uuid, p_operation uuid, p_type varchar,
    p_products uuid[], p_delta numeric[], p_counted numeric[],
    p_reason text, p_by uuid, p_now timestamptz, p_lock_timeout integer
) returns table (outcome varchar, product uuid, requested numeric, available numeric, orders varchar[],
                 movement vyapar.stock_movements)
language plpgsql as $$
#variable_conflict use_column
declare
    v_current  numeric[];
    v_reserved numeric[];
    v_deltas   numeric[];
    v_outcome  varchar := 'applied';
    v_products uuid[];
    v_seqs     bigint[];
begin
    perform vyapar.enter(array[p_store], p_lock_timeout);
    -- The operation's row first: whoever repeats it waits here for the outcome.
    insert into vyapar.stock_operations (store_id, operation_id, products, seqs, created_at)
    values (p_store, p_operation, '{}', '{}', p_now)
    on conflict (store_id, operation_id) do nothing;
    if not found then
        v_outcome := 'already';
    else
        perform from vyapar.stock_levels l
          where l.store_id = p_store and l.store_product_id = any (p_products)
          order by l.store_product_id
            for no key update;
        select array_agg(l.current_stock order by c.n), array_agg(l.reserved_stock order by c.n),
               array_agg(coalesce(c.delta, c.counted - l.reserved_stock - l.current_stock) order by c.n)
          into v_current, v_reserved, v_deltas
          from unnest(p_products, p_delta, p_counted) with ordinality as c(product, delta, counted, n)
          left join vyapar.stock_levels l on l.store_id = p_store and l.store_product_id = c.product;

        if array_position(v_current, null) is not null then
            v_outcome := 'not_open';
            return query
                select v_outcome, c.product, null::numeric, null::numeric, null::varchar[],
                       null::vyapar.stock_movements
                  from unnest(p_products, v_current) with ordinality as c(product, current, n)
                 where c.current is null order by c.n;
        elsif exists (select from unnest(p_counted, v_reserved) as c(counted, reserved) where c.counted < c.reserved)
        then
            v_outcome := 'reserved';
            return query
                select v_outcome, c.product, c.counted, c.reserved,
                       (select array_agg(h.order_id order by h.order_id)
                          from (select r.order_id from vyapar.reservations r
                                 where r.store_id = p_store and r.state in ('held', 'committed')
                                   and exists (select from unnest(r.product_ids, r.quantities) as l(product, quantity)
                                                where l.product = c.product and l.quantity > 0)
                                 order by r.order_id limit 20) h),
                       null::vyapar.stock_movements
                  from unnest(p_products, p_counted, v_reserved) with ordinality as c(product, counted, reserved, n)
                 where c.counted < c.reserved order by c.n;
        elsif exists (select from unnest(v_current, v_deltas) as c(current, delta) where c.current + c.delta < 0) then
            v_outcome := 'short';
            return query
                select v_outcome, c.product, -c.delta, c.current, null::varchar[], null::vyapar.stock_movements
                  from unnest(p_products, v_current, v_deltas) with ordinality as c(product, current, delta, n)
                 where c.current + c.delta < 0 order by c.n;
        elsif exists (select from unnest(v_current, v_reserved, v_deltas) as c(current, reserved, delta)
                       where c.current + c.reserved + c.delta > 999999999.999) then
            v_outcome := 'too_much';
            return query
                select v_outcome, c.product, null::numeric, null::numeric, null::varchar[],
                       null::vyapar.stock_movements
                  from unnest(p_products, v_current, v_reserved, v_deltas) with ordinality
                       as c(product, current, reserved, delta, n)
                 where c.current + c.reserved + c.delta > 999999999.999 order by c.n limit 1;
        end if;
        if v_outcome <> 'applied' then
            delete from vyapar.stock_operations o where o.store_id = p_store and o.operation_id = p_operation;
            return;
        end if;

        perform vyapar.book_stock(array_agg(
                    (p_store, c.product, c.delta, 0, p_type, 'manual', p_operation::text, p_reason, p_by, p_now)
                    ::vyapar.stock_entry order by c.n))
           from unnest(p_products, v_deltas) with ordinality as c(product, delta, n)
          where c.delta <> 0
         having count(*) > 0;
        update vyapar.stock_operations o
           set products = m.products, seqs = m.seqs
          from (select array_agg(c.product order by c.n) as products, array_agg(l.seq order by c.n) as seqs
                  from unnest(p_products, v_deltas) with ordinality as c(product, delta, n)
                  join vyapar.stock_levels l on l.store_id = p_store and l.store_product_id = c.product
                 where c.delta <> 0) m
         where o.store_id = p_store and o.operation_id = p_operation and m.products is not null;
    end if;

    select o.products, o.seqs into v_products, v_seqs from vyapar.stock_operations o
     where o.store_id = p_store and o.operation_id = p_operation;
    return query
        select v_outcome, null::uuid, null::numeric, null::numeric, null::varchar[], m
          from unnest(v_products, v_seqs) with ordinality as c(product, seq, n)
          join vyapar.stock_movements m
            on m.store_id = p_store and m.store_product_id = c.product and m.seq = c.seq
         order by c.n;
    if not found then
        return query select v_outcome, null::uuid, null::numeric, null::numeric, null::varchar[],
                            null::vyapar.stock_movements;
    end if;
end
$$;

-- Opens a product's stock at zero; once open, nothing.
create function vyapar.open_stock(
    p_store uuid, p_product uuid, p_unit varchar, p_now timestamptz, p_lock_timeout integer
) returns void
language plpgsql as $$
begin
    perform vyapar.enter(array[p_store], p_lock_timeout);
    insert into vyapar.stock_levels (store_id, store_product_id, stock_unit, current_stock, reserved_stock, seq,
            last_stock_update)
    values (p_store, p_product, p_unit, 0, 0, 0, p_now)
    on conflict (store_id, store_product_id) do nothing;
end
$$;

-- Moves when recovery looks at an open reservation of this attempt; `due` stays.
create function vyapar.defer_reservation(
    p_store uuid, p_id uuid, p_attempt integer, p_order varchar, p_recover_at timestamptz, p_failures integer,
    p_lock_timeout integer
) returns void
language plpgsql as $$
begin
    perform vyapar.enter(array[p_store], p_lock_timeout);
    update vyapar.reservations s set recover_at = p_recover_at, failures = p_failures
     where s.store_id = p_store and s.id = p_id and s.attempt = p_attempt and s.order_id = p_order and s.open;
end
$$;
