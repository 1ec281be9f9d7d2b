-- Goods that come back and no longer fit are refused as such.
create or replace function vyapar.give_back(
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
    begin
        perform vyapar.book_stock(array_agg(
                    (p_store, b.product, m.sign * b.quantity, 0, m.movement_type, 'order', p_order, p_reason, p_by, p_now)
                    ::vyapar.stock_entry order by b.n, m.sign desc))
           from unnest(p_products, p_quantities, p_sellable) with ordinality as b(product, quantity, sellable, n)
           join (values (1, 'return'), (-1, 'damage')) as m(sign, movement_type) on m.sign = 1 or not b.sellable
         having count(*) > 0;
    exception when numeric_value_out_of_range then
        -- The column is narrower than the check of what is on hand, and comes first.
        raise exception using errcode = 'check_violation', constraint = 'stock_levels_on_hand',
            message = 'what came back is more than a level can say';
    end;
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
