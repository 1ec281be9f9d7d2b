-- The common case of a batch, where every key is new and there is enough of everything, with as
-- little in it as can be. It holds, and places, all requests or none: on any doubt it raises, and
-- the same batch comes again to vyapar.reserve_many or vyapar.place_many, which decide each
-- request on its own.
--
-- Rows that nobody else can want are written first, then levels are taken. So while one batch has
-- a level that everybody wants, the next one writes all its other rows, and waits for the level
-- only for what is left of the first: its movements and its commit. It holds nothing that others
-- wait for but keys of its own, takes levels by id, and waits for one no longer than it is told.
--
--   unique_violation  a key, an order's id or a tracking id is known (or an entry's, a line's)
--   VY004             a store or a product has changed; the detail has the places in p_basis
--   VY005             not enough of a product, or no level of it
--   lock_not_available, deadlock_detected: somebody else has a level

-- A store or a product as an order was quoted by it; no product_id: the store.
create type vyapar.basis_row as (store_id uuid, product_id uuid, version bigint);

-- Raises VY004 if one of these has changed. Comes after the levels are locked: whoever has changed
-- a product and then received goods finds them sold by what the product is now.
create function vyapar.check_basis(p_basis vyapar.basis_row[]) returns void
language plpgsql as $$
declare
    v_changed varchar;
begin
    if cardinality(p_basis) = 0
       or cardinality(p_basis)
           = (select count(*) from unnest(p_basis) b
                join vyapar.store_products p on p.id = b.product_id and p.store_id = b.store_id and p.version = b.version)
           + (select count(*) from unnest(p_basis) b
                join vyapar.stores s on s.id = b.store_id and s.version = b.version and b.product_id is null)
    then
        return;
    end if;
    select string_agg(b.n::varchar, ' ') into v_changed
      from unnest(p_basis) with ordinality as b(store_id, product_id, version, n)
     where case when b.product_id is null
               then not exists (select from vyapar.stores s where s.id = b.store_id and s.version = b.version)
               else not exists (select from vyapar.store_products p
                                 where p.id = b.product_id and p.store_id = b.store_id and p.version = b.version)
           end;
    raise exception using errcode = 'VY004', message = 'an order was quoted by what has changed', detail = v_changed;
end
$$;

-- Takes what the lines need of their levels, with its movements, after everything else.
create function vyapar.take_levels(p_levels vyapar.reserve_level[], p_lines vyapar.reserve_line[]) returns void
language plpgsql as $$
#variable_conflict use_column
declare
    v_before numeric[];
    v_seq    bigint[];
begin
    with changed as (
        update vyapar.stock_levels l
           set current_stock = l.current_stock - p.total, reserved_stock = l.reserved_stock + p.total,
               seq = l.seq + p.count, last_stock_update = p.at
          from unnest(p_levels) with ordinality as p(store_id, product_id, total, count, at, n)
         where l.store_id = p.store_id and l.store_product_id = p.product_id and l.current_stock >= p.total
        returning p.n, l.current_stock + p.total as before, l.seq - p.count as seq
    )
    select array_agg(c.before order by c.n), array_agg(c.seq order by c.n) into v_before, v_seq from changed c;
    if cardinality(v_before) is distinct from cardinality(p_levels) then
        raise exception using errcode = 'VY005', message = 'not enough for all requests';
    end if;
    insert into vyapar.stock_movements (store_id, store_product_id, seq, movement_type, quantity, balance_after,
            reference_type, reference_id, performed_by, created_at)
    select l.store_id, l.product_id, v_seq[l.level] + l.nth, 'sale', -l.quantity, v_before[l.level] - l.sum, 'order',
           l.order_id, l.performed_by, l.now
      from unnest(p_lines) l;
end
$$;

-- Holds all requests; arguments as those of reserve_many.
create function vyapar.reserve_all(
    p_stores uuid[], p_requests vyapar.reserve_request[], p_levels vyapar.reserve_level[], p_lines vyapar.reserve_line[],
    p_lock_timeout integer
) returns void
language plpgsql as $$
begin
    perform vyapar.enter(p_stores, p_lock_timeout);
    insert into vyapar.reservations (store_id, id, attempt, order_id, fingerprint, state, open, product_ids,
            quantities, given_back, revision, due, recover_at, failures, created_at, updated_at)
    select r.store_id, r.id, r.attempt, r.order_id, r.fingerprint, 'held', true, r.product_ids, r.quantities,
           r.given_back, 0, r.due, r.due, 0, r.now, r.now
      from unnest(p_requests) r;
    perform vyapar.take_levels(p_levels, p_lines);
end
$$;

-- Holds, inserts and commits all requests; arguments as those of place_many, by whose p_basis none
-- has changed.
create function vyapar.place_all(
    p_stores uuid[], p_requests vyapar.reserve_request[], p_levels vyapar.reserve_level[], p_lines vyapar.reserve_line[],
    p_orders vyapar.order_row[], p_items vyapar.order_item_row[], p_history vyapar.order_history_row[],
    p_audit vyapar.audit_row[], p_basis vyapar.basis_row[], p_lock_timeout integer
) returns void
language plpgsql as $$
begin
    perform vyapar.enter(p_stores, p_lock_timeout);
    insert into vyapar.reservations (store_id, id, attempt, order_id, fingerprint, state, open, product_ids,
            quantities, given_back, revision, due, recover_at, failures, created_at, updated_at)
    select r.store_id, r.id, r.attempt, r.order_id, r.fingerprint, 'committed', false, r.product_ids, r.quantities,
           r.given_back, 0, r.due, r.due, 0, r.now, r.now
      from unnest(p_requests) r;
    insert into vyapar.order_slots (store_id, order_id) select o.store_id, o.id from unnest(p_orders) o;
    insert into vyapar.orders (id, order_number, tracking_id, store_id, customer_id, customer_name, customer_phone,
            delivery_address, delivery_notes, customer_note, cancel_reason, cancelled_by, place_of_supply, fulfilment,
            status, subtotal_amount, discount_amount, tax_amount, delivery_fee, total_amount, payment_method,
            payment_status, paid_by, payment_id, reservation_id, attempt, fingerprint, dispatched, channel, language,
            estimated_delivery, effects, recover_at, failures, version, created_at, updated_at)
    select o.id, o.order_number, o.tracking_id, o.store_id, o.customer_id, o.customer_name, o.customer_phone,
           o.delivery_address, o.delivery_notes, o.customer_note, o.cancel_reason, o.cancelled_by, o.place_of_supply,
           o.fulfilment, o.status, o.subtotal_amount, o.discount_amount, o.tax_amount, o.delivery_fee, o.total_amount,
           o.payment_method, o.payment_status, o.paid_by, o.payment_id, o.reservation_id, o.attempt, o.fingerprint,
           o.dispatched, o.channel, o.language, o.estimated_delivery, o.effects, o.recover_at, o.failures, o.version,
           o.created_at, o.updated_at
      from unnest(p_orders) o;
    insert into vyapar.order_items (id, store_id, order_id, line_no, store_product_id, product_name, quantity,
            ordered_quantity, unit_price, mrp, tax_rate, taxable_amount, cgst_amount, sgst_amount, igst_amount,
            tax_amount, discount_amount, total_amount, notes, created_at)
    select i.id, i.store_id, i.order_id, i.line_no, i.store_product_id, i.product_name, i.quantity,
           i.ordered_quantity, i.unit_price, i.mrp, i.tax_rate, i.taxable_amount, i.cgst_amount, i.sgst_amount,
           i.igst_amount, i.tax_amount, i.discount_amount, i.total_amount, i.notes, i.created_at
      from unnest(p_items) i;
    insert into vyapar.order_status_history (id, store_id, order_id, version, status, party, changed_by, notes, created_at)
    select h.id, h.store_id, h.order_id, h.version, h.status, h.party, h.changed_by, h.notes, h.created_at
      from unnest(p_history) h;
    insert into vyapar.audit_logs (id, store_id, user_id, action, entity_type, entity_id, old_values, new_values,
            ip_address, user_agent, created_at)
    select a.id, a.store_id, a.user_id, a.action, a.entity_type, a.entity_id, a.old_values, a.new_values, a.ip_address,
           a.user_agent, a.created_at
      from unnest(p_audit) a;
    perform vyapar.take_levels(p_levels, p_lines);
    perform vyapar.check_basis(p_basis);
end
$$;

-- As before, and nothing is placed where one of p_basis has changed (VY004).
drop function vyapar.place_many(uuid[], vyapar.reserve_request[], vyapar.reserve_level[], vyapar.reserve_line[],
    integer[], vyapar.order_row[], vyapar.order_item_row[], vyapar.order_history_row[], vyapar.audit_row[], integer,
    integer, integer);
create function vyapar.place_many(
    p_stores uuid[], p_requests vyapar.reserve_request[], p_levels vyapar.reserve_level[], p_lines vyapar.reserve_line[],
    p_turn integer[], p_orders vyapar.order_row[], p_items vyapar.order_item_row[],
    p_history vyapar.order_history_row[], p_audit vyapar.audit_row[], p_basis vyapar.basis_row[],
    p_wait_level integer, p_wait_request integer, p_lock_timeout integer
) returns setof vyapar.reserve_answer
language plpgsql as $$
declare
    v_answers vyapar.reserve_answer[];
    v_placed  integer[];
    v_added   varchar := 'inserted';
begin
    perform vyapar.enter(p_stores, p_lock_timeout);
    if p_wait_level is not null or p_wait_request is not null then
        perform vyapar.wait_for(p_requests, p_levels, p_wait_level, p_wait_request);
    end if;
    if vyapar.hold_all(p_requests, p_levels, p_lines, true) then
        perform vyapar.check_basis(p_basis);
        v_added := vyapar.add_orders(p_orders, p_items, p_history, p_audit);
        return next (null, 'held', null, null, null, null)::vyapar.reserve_answer;
    else
        v_answers := array(select r from vyapar.reserve_in_turn(p_requests, p_levels, p_lines, p_turn, true) r);
        perform vyapar.check_basis(p_basis);
        v_placed := array(select a.request from unnest(v_answers) a where a.outcome = 'held' order by a.request);
        if cardinality(v_placed) > 0 then
            v_added := vyapar.add_orders(
                array(select p_orders[n] from unnest(v_placed) n),
                array(select i from unnest(p_items) i
                       where (i.store_id, i.order_id) in
                             (select (p_orders[n]).store_id, (p_orders[n]).id from unnest(v_placed) n)),
                array(select p_history[n] from unnest(v_placed) n),
                array(select p_audit[n] from unnest(v_placed) n));
        end if;
        return query select * from unnest(v_answers);
    end if;
    if v_added <> 'inserted' then
        raise exception using errcode = 'VY003', message = 'an order or tracking id is taken', detail = v_added;
    end if;
end
$$;
