-- What becomes of held stock: commit, release, dispatch, close, amend, give back.

-- Moves a batch of different reservations of any stores, each on its own: `commit`, `undo`,
-- `cancel`, `dispatch`, `close`. Answers in the order of the requests: where each stands now
-- (its state), or `other` where the key has another attempt or order, or `absent`.
create function vyapar.settle(
    p_store uuid[], p_id uuid[], p_attempt integer[], p_order varchar[], p_move varchar[], p_now timestamptz[],
    p_lock_timeout integer
) returns varchar[]
language plpgsql as $$
#variable_conflict use_column
declare
    v_answers varchar[] := array_fill('absent'::varchar, array[cardinality(p_id)]);
    v_row     record;
    v_found   vyapar.reservations;
    v_entries vyapar.stock_entry[];
begin
    perform vyapar.enter(p_store, p_lock_timeout);

    -- An undo of a hold that was never seen leaves a tombstone, so that a reserve arriving
    -- late is refused.
    for v_row in
        with inserted as (
            insert into vyapar.reservations (store_id, id, attempt, order_id, state, open, product_ids, quantities,
                    given_back, revision, due, recover_at, failures, created_at, updated_at)
            select r.store_id, r.id, r.attempt, r.order_id, 'released', true, '{}', '{}', '{}', 0, r.now, r.now, 0,
                   r.now, r.now
              from unnest(p_store, p_id, p_attempt, p_order, p_move, p_now)
                   as r(store_id, id, attempt, order_id, move, now)
             where r.move = 'undo'
             order by r.store_id, r.id
            on conflict (store_id, id) do nothing
            returning store_id, id
        )
        select r.n from inserted i
          join unnest(p_store, p_id) with ordinality as r(store_id, id, n) on r.store_id = i.store_id and r.id = i.id
    loop
        v_answers[v_row.n] := 'released';
    end loop;

    for v_row in
        select r.n, r.attempt, r.order_id, r.move, r.now, s as found
          from unnest(p_store, p_id, p_attempt, p_order, p_move, p_now) with ordinality
               as r(store_id, id, attempt, order_id, move, now, n)
          join vyapar.reservations s on s.store_id = r.store_id and s.id = r.id
         where v_answers[r.n] = 'absent'
         order by s.store_id, s.id
           for no key update of s
    loop
        v_found := v_row.found;
        if v_found.attempt <> v_row.attempt or v_found.order_id <> v_row.order_id then
            v_answers[v_row.n] := 'other';
            if v_row.move = 'undo' and v_found.state = 'released' and not v_found.open
               and v_found.attempt < v_row.attempt then
                update vyapar.reservations s
                   set attempt = v_row.attempt, order_id = v_row.order_id, fingerprint = null, open = true,
                       product_ids = '{}', quantities = '{}', given_back = '{}', revision = 0, due = v_row.now,
                       recover_at = v_row.now, failures = 0, created_at = v_row.now, updated_at = v_row.now
                 where s.store_id = v_found.store_id and s.id = v_found.id;
                v_answers[v_row.n] := 'released';
            end if;
            continue;
        end if;
        v_answers[v_row.n] := v_found.state;
        if v_row.move = 'commit' and v_found.state = 'held' then
            v_answers[v_row.n] := 'committed';
            update vyapar.reservations s set state = 'committed', open = false, updated_at = v_row.now
             where s.store_id = v_found.store_id and s.id = v_found.id;
        elsif v_row.move in ('undo', 'cancel') and v_found.state = 'held'
              or v_row.move = 'cancel' and v_found.state = 'committed' then
            v_answers[v_row.n] := 'released';
            v_entries := v_entries || vyapar.entries_of(v_found, 1, 'return', v_row.now);
            update vyapar.reservations s
               set state = 'released', open = (v_row.move = 'undo'), recover_at = v_row.now, updated_at = v_row.now
             where s.store_id = v_found.store_id and s.id = v_found.id;
        elsif v_row.move = 'dispatch' and v_found.state = 'committed' then
            v_answers[v_row.n] := 'dispatched';
            v_entries := v_entries || vyapar.entries_of(v_found, 0, null, v_row.now);
            update vyapar.reservations s set state = 'dispatched', updated_at = v_row.now
             where s.store_id = v_found.store_id and s.id = v_found.id;
        elsif v_row.move in ('cancel', 'close') and v_found.state = 'released' and v_found.open then
            update vyapar.reservations s set open = false, updated_at = v_row.now
             where s.store_id = v_found.store_id and s.id = v_found.id;
        end if;
    end loop;

    if cardinality(v_entries) > 0 then
        perform vyapar.book_stock(v_entries);
    end if;
    return v_answers;
end
$$;

-- Sets a held or committed reservation to the targets (by product id). Rows: `amended`,
-- `not_holding`, one `short` per product that needs more than there is, or `too_many` where
-- old and new lines together are more than p_max.
create function vyapar.amend_reservation(
    p_store uuid, p_id uuid, p_attempt integer, p_order varchar, p_revision bigint,
    p_products uuid[], p_targets numeric[], p_max integer, p_by uuid, p_now timestamptz, p_lock_timeout integer
) returns table (outcome varchar, product uuid, requested numeric, available numeric)
language plpgsql as $$
#variable_conflict use_column
declare
    v_found      vyapar.reservations;
    v_products   uuid[];
    v_quantities numeric[];
    v_given_back numeric[];
    v_deltas     numeric[];
begin
    perform vyapar.enter(array[p_store], p_lock_timeout);
    select * into v_found from vyapar.reservations s where s.store_id = p_store and s.id = p_id for no key update;
    if not found or v_found.attempt <> p_attempt or v_found.order_id <> p_order
       or v_found.state not in ('held', 'committed') then
        return query select 'not_holding'::varchar, null::uuid, null::numeric, null::numeric;
        return;
    end if;
    if v_found.revision >= p_revision then
        return query select 'amended'::varchar, null::uuid, null::numeric, null::numeric;
        return;
    end if;

    select array_agg(product order by product), array_agg(coalesce(t.target, 0) order by product),
           array_agg(coalesce(h.given_back, 0) order by product),
           array_agg(coalesce(t.target, 0) - coalesce(h.quantity, 0) order by product)
      into v_products, v_quantities, v_given_back, v_deltas
      from unnest(v_found.product_ids, v_found.quantities, v_found.given_back) as h(product, quantity, given_back)
      full join unnest(p_products, p_targets) as t(product, target) using (product)
     where h.quantity is not null or t.target > 0;

    perform from vyapar.stock_levels l
      where l.store_id = p_store and l.store_product_id = any (v_products)
      order by l.store_product_id
        for no key update;
    return query
        select 'short'::varchar, d.product, d.delta, coalesce(l.current_stock, 0)
          from unnest(v_products, v_deltas) with ordinality as d(product, delta, n)
          left join vyapar.stock_levels l on l.store_id = p_store and l.store_product_id = d.product
         where d.delta > coalesce(l.current_stock, 0)
         order by d.n;
    if found then
        return;
    end if;
    if cardinality(v_products) > p_max then
        return query select 'too_many'::varchar, null::uuid, null::numeric, null::numeric;
        return;
    end if;
    perform vyapar.book_stock(array_agg(
                (p_store, d.product, -d.delta, d.delta, case when d.delta > 0 then 'sale' else 'return' end, 'order',
                 p_order, null, p_by, p_now)::vyapar.stock_entry order by d.n))
       from unnest(v_products, v_deltas) with ordinality as d(product, delta, n)
      where d.delta <> 0
     having count(*) > 0;
    update vyapar.reservations s
       set product_ids = coalesce(v_products, '{}'), quantities = coalesce(v_quantities, '{}'),
           given_back = coalesce(v_given_back, '{}'), revision = p_revision, updated_at = p_now
     where s.store_id = p_store and s.id = p_id;
    return query select 'amended'::varchar, null::uuid, null::numeric, null::numeric;
end
$$;

-- Books goods of a dispatched reservation that came back, once per operation. Rows: `booked`,
-- `not_dispatched`, or one `too_much` per line that is more than is still out.
create function vyapar.give_back(
    p_store uuid, p_id uuid, p_attempt integer, p_order varchar, p_operation uuid,
    p_products uuid[], p_quantities numeric[], p_sellable boolean[], p_reason text, p_by uuid, p_now timestamptz,
    p_lock_timeout integer
) returns table (outcome varchar, product uuid, requested numeric, available numeric)
language plpgsql as $$
#variable_conflict use_column
declare
    v_found vyapar.reservations;
begin
    perform vyapar.enter(array[p_store], p_lock_timeout);
    select * into v_found from vyapar.reservations s where s.store_id = p_store and s.id = p_id for no key update;
    -- (A null row compares as null, which is not true: absent is not dispatched.)
    if (v_found.attempt = p_attempt and v_found.order_id = p_order and v_found.state = 'dispatched') is not true then
        return query select 'not_dispatched'::varchar, null::uuid, null::numeric, null::numeric;
        return;
    end if;
    if p_operation = any (v_found.returns) then
        return query select 'booked'::varchar, null::uuid, null::numeric, null::numeric;
        return;
    end if;
    return query
        select 'too_much'::varchar, b.product, b.quantity, coalesce(h.quantity - h.given_back, 0)
          from unnest(p_products, p_quantities) with ordinality as b(product, quantity, n)
          left join unnest(v_found.product_ids, v_found.quantities, v_found.given_back)
                    as h(product, quantity, given_back) on h.product = b.product
         where b.quantity > coalesce(h.quantity - h.given_back, 0)
         order by b.n;
    if found then
        return;
    end if;
    -- Unsellable goods come in and go out again, so that the ledger shows both.
    perform vyapar.book_stock(array_agg(
                (p_store, b.product, m.sign * b.quantity, 0, m.movement_type, 'order', p_order, p_reason, p_by, p_now)
                ::vyapar.stock_entry order by b.n, m.sign desc))
       from unnest(p_products, p_quantities, p_sellable) with ordinality as b(product, quantity, sellable, n)
       join (values (1, 'return'), (-1, 'damage')) as m(sign, movement_type) on m.sign = 1 or not b.sellable
     having count(*) > 0;
    update vyapar.reservations s
       set updated_at = p_now,
           returns = s.returns || p_operation,
           given_back = (
               select array_agg(h.given_back + coalesce(b.quantity, 0) order by h.n)
                 from unnest(s.product_ids, s.given_back) with ordinality as h(product, given_back, n)
                 left join unnest(p_products, p_quantities) as b(product, quantity) on b.product = h.product)
     where s.store_id = p_store and s.id = p_id;
    return query select 'booked'::varchar, null::uuid, null::numeric, null::numeric;
end
$$;
