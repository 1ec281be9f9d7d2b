-- An order's first entry of history is its key: of whoever inserts an order and whoever abandons it,
-- one writes that entry. A table of keys beside it cost each order a row and an index entry more.
lock table vyapar.order_slots in access exclusive mode;
insert into vyapar.order_status_history (id, store_id, order_id, version, status, party, created_at)
select gen_random_uuid(), s.store_id, s.order_id, 1, 'abandoned', 'system', s.abandoned_at
  from vyapar.order_slots s where s.abandoned_at is not null;
drop table vyapar.order_slots;

-- As before, except that whatever is in the way of an order is told as an error: VY003, with
-- `already_there`, `abandoned` or `tracking_id_taken` as its detail where it came alone.
create or replace function vyapar.add_orders(
    p_orders vyapar.order_row[], p_items vyapar.order_item_row[], p_history vyapar.order_history_row[],
    p_audit vyapar.audit_row[]
) returns varchar
language plpgsql as $$
declare
    v_count integer := cardinality(p_orders);
    v_added integer;
begin
    -- Whoever inserts or abandons the same order waits here for the outcome.
    insert into vyapar.order_status_history (id, store_id, order_id, version, status, party, changed_by, notes, created_at)
    select h.id, h.store_id, h.order_id, h.version, h.status, h.party, h.changed_by, h.notes, h.created_at
      from unnest(p_history) h
    on conflict (store_id, order_id, version) do nothing;
    get diagnostics v_added = row_count;
    if v_added < v_count then
        raise exception using errcode = 'VY003', message = 'an order is known or abandoned', detail = case
            when v_count > 1 then ''
            when exists (select from vyapar.orders o
                          where o.store_id = (p_orders[1]).store_id and o.id = (p_orders[1]).id) then 'already_there'
            else 'abandoned' end;
    end if;
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
      from unnest(p_orders) o
    on conflict (tracking_id) do nothing;
    get diagnostics v_added = row_count;
    if v_added < v_count then
        raise exception using errcode = 'VY003', message = 'a tracking id is taken', detail = 'tracking_id_taken';
    end if;
    insert into vyapar.order_items (id, store_id, order_id, line_no, store_product_id, product_name, quantity,
            ordered_quantity, unit_price, mrp, tax_rate, taxable_amount, cgst_amount, sgst_amount, igst_amount,
            tax_amount, discount_amount, total_amount, notes, created_at)
    select i.id, i.store_id, i.order_id, i.line_no, i.store_product_id, i.product_name, i.quantity,
           i.ordered_quantity, i.unit_price, i.mrp, i.tax_rate, i.taxable_amount, i.cgst_amount, i.sgst_amount,
           i.igst_amount, i.tax_amount, i.discount_amount, i.total_amount, i.notes, i.created_at
      from unnest(p_items) i;
    insert into vyapar.audit_logs (id, store_id, user_id, action, entity_type, entity_id, old_values, new_values,
            ip_address, user_agent, created_at)
    select a.id, a.store_id, a.user_id, a.action, a.entity_type, a.entity_id, a.old_values, a.new_values, a.ip_address,
           a.user_agent, a.created_at
      from unnest(p_audit) a
    -- The first entry of an id stays.
    on conflict do nothing;
    return 'inserted';
end
$$;

-- As before: marks that an order will never be, unless it is there; says whether the marker stands.
create or replace function vyapar.abandon_order(
    p_store uuid, p_order varchar, p_now timestamptz, p_lock_timeout integer
) returns boolean
language plpgsql as $$
begin
    perform vyapar.enter(array[p_store], p_lock_timeout);
    insert into vyapar.order_status_history (id, store_id, order_id, version, status, party, created_at)
    values (gen_random_uuid(), p_store, p_order, 1, 'abandoned', 'system', p_now)
    on conflict (store_id, order_id, version) do nothing;
    return found or exists (
        select from vyapar.order_status_history h
         where h.store_id = p_store and h.order_id = p_order and h.version = 1 and h.status = 'abandoned');
end
$$;

-- As before: what stands under an order's key.
create or replace function vyapar.find_order(p_store uuid, p_id varchar, p_lock_timeout integer)
returns table (abandoned boolean, found vyapar.orders, items jsonb)
language plpgsql as $$
begin
    perform vyapar.enter(array[p_store], p_lock_timeout);
    return query
        select h.status = 'abandoned', o, case when o.id is not null then vyapar.items_of(o.store_id, o.id) end
          from vyapar.order_status_history h
          left join vyapar.orders o on o.store_id = h.store_id and o.id = h.order_id
         where h.store_id = p_store and h.order_id = p_id and h.version = 1;
end
$$;

-- As before.
create or replace function vyapar.place_all(
    p_stores uuid[], p_requests vyapar.reserve_request[], p_levels vyapar.reserve_level[], p_lines vyapar.reserve_line[],
    p_orders vyapar.order_row[], p_items vyapar.order_item_row[], p_history vyapar.order_history_row[],
    p_audit vyapar.audit_row[], p_basis vyapar.basis_row[], p_lock_timeout integer
) returns void
language plpgsql as $$
#variable_conflict use_column
declare
    v_before numeric[];
    v_seq    bigint[];
begin
    perform set_config('role', 'vyapar_app', true), set_config('vyapar.stores', p_stores::varchar, true),
            case when current_setting('vyapar.all_stores', true) <> '' then set_config('vyapar.all_stores', '', true) end,
            case when current_setting('vyapar.customer', true) <> '' then set_config('vyapar.customer', '', true) end,
            case when current_setting('vyapar.user', true) <> '' then set_config('vyapar.user', '', true) end,
            case when current_setting('vyapar.identity', true) <> '' then set_config('vyapar.identity', '', true) end,
            set_config('plan_cache_mode', 'force_generic_plan', true),
            set_config('lock_timeout', p_lock_timeout::varchar, true);
    insert into vyapar.reservations (store_id, id, attempt, order_id, fingerprint, state, open, product_ids,
            quantities, given_back, revision, due, recover_at, failures, created_at, updated_at)
    select r.store_id, r.id, r.attempt, r.order_id, r.fingerprint, 'committed', false, r.product_ids, r.quantities,
           r.given_back, 0, r.due, r.due, 0, r.now, r.now
      from unnest(p_requests) r;
    insert into vyapar.order_status_history (id, store_id, order_id, version, status, party, changed_by, notes, created_at)
    select h.id, h.store_id, h.order_id, h.version, h.status, h.party, h.changed_by, h.notes, h.created_at
      from unnest(p_history) h;
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
    insert into vyapar.audit_logs (id, store_id, user_id, action, entity_type, entity_id, old_values, new_values,
            ip_address, user_agent, created_at)
    select a.id, a.store_id, a.user_id, a.action, a.entity_type, a.entity_id, a.old_values, a.new_values, a.ip_address,
           a.user_agent, a.created_at
      from unnest(p_audit) a;
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
    if exists (select from unnest(p_basis) b
                 left join vyapar.stores s on s.id = b.store_id and s.version = b.version and b.product_id is null
                 left join vyapar.store_products p
                        on p.id = b.product_id and p.store_id = b.store_id and p.version = b.version
                where s.id is null and p.id is null)
    then
        perform vyapar.check_basis(p_basis);
    end if;
end
$$;
